from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_tables2 import RequestConfig

from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.policy import Permission
from homeroom.insurance import queries, verbs
from homeroom.insurance.filters import InsuranceFilter
from homeroom.insurance.forms import InsuranceForm
from homeroom.insurance.models import InsuranceRecord
from homeroom.insurance.tables import InsuranceTable
from homeroom.inventory.exports.views import export_response
from homeroom.inventory.queries import visible_devices
from homeroom.web.errors import Refused


@requires(Permission.VIEW_INVENTORY)
def records(request: ViewerRequest) -> HttpResponseBase:
    found = queries.insurance_records(request.viewer)
    shown = queries.with_sync_mark(found.annotate(status_today=queries.record_status(queries.today())))
    chosen = InsuranceFilter(request.GET, queryset=shown)
    table = InsuranceTable(chosen.qs, order_by="-ends")
    RequestConfig(request, paginate={"per_page": 50}).configure(table)
    if "format" in request.GET:
        return export_response("insurance", table.data.data, request.viewer, request.GET["format"])
    return render(request, "insurance/records.html", {"table": table, "filter": chosen})


@requires(Permission.EDIT_INSURANCE)
def new(request: ViewerRequest, device_pk: int) -> HttpResponse:
    device = get_object_or_404(visible_devices(request.viewer), pk=device_pk)
    form = InsuranceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            verbs.create_insurance(device, actor=request.viewer.actor, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(refusal.field, refusal.sentence)
        else:
            messages.success(request, _("The insurance record is added."))
            return redirect(device)
    return render(request, "insurance/form.html", {"form": form, "device": device})


@requires(Permission.EDIT_INSURANCE)
def edit(request: ViewerRequest, pk: int) -> HttpResponse:
    insurance = _record(request, pk)
    if insurance.is_synced:
        return _read_only(request, insurance)
    form = InsuranceForm(request.POST or None, instance=insurance)
    if request.method == "POST" and form.is_valid():
        try:
            verbs.update_insurance(_record(request, pk), actor=request.viewer.actor, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(refusal.field, refusal.sentence)
        else:
            messages.success(request, _("Saved."))
            return redirect(insurance.device)
    context = {"form": form, "device": insurance.device, "insurance": insurance}
    return render(request, "insurance/form.html", context)


@require_POST
@requires(Permission.EDIT_INSURANCE)
def delete(request: ViewerRequest, pk: int) -> HttpResponse:
    insurance = _record(request, pk)
    if insurance.is_synced:
        return _read_only(request, insurance)
    verbs.delete_insurance(insurance, actor=request.viewer.actor)
    messages.success(request, _("The insurance record is deleted."))
    return redirect(insurance.device)


def _record(request: ViewerRequest, pk: int) -> InsuranceRecord:
    return get_object_or_404(queries.insurance_records(request.viewer), pk=pk)


def _read_only(request: ViewerRequest, insurance: InsuranceRecord) -> HttpResponse:
    return render(request, "insurance/read_only.html", {"insurance": insurance}, status=409)
