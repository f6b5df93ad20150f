from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.policy import Permission
from homeroom.inventory import queries
from homeroom.inventory.forms import DeviceStatusForm
from homeroom.inventory.models import DeviceStatus
from homeroom.inventory.verbs import statuses as verbs
from homeroom.web.errors import Refused


@requires(Permission.MANAGE_SETTINGS)
def device_statuses(request: ViewerRequest) -> HttpResponse:
    """The statuses, and a form for one more."""
    form = DeviceStatusForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            status = verbs.create_status(actor=request.viewer.actor, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(refusal.field, refusal.sentence)
        else:
            messages.success(request, _("“%(status)s” can be used now.") % {"status": status})
            return redirect("inventory:device-statuses")
    return render(
        request,
        "inventory/device_statuses.html",
        {"form": form, "statuses": queries.statuses_for_list()},
    )


@requires(Permission.MANAGE_SETTINGS)
def device_status_edit(request: ViewerRequest, pk: int) -> HttpResponse:
    status = get_object_or_404(DeviceStatus, pk=pk)
    form = DeviceStatusForm(request.POST or None, instance=get_object_or_404(DeviceStatus, pk=pk))
    if request.method == "POST" and form.is_valid():
        try:
            verbs.rename_status(status, actor=request.viewer.actor, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(refusal.field, refusal.sentence)
        else:
            messages.success(request, _("Saved."))
            return redirect("inventory:device-statuses")
    return render(request, "inventory/device_status_form.html", {"form": form, "status": status})


@require_POST
@requires(Permission.MANAGE_SETTINGS)
def device_status_delete(request: ViewerRequest, pk: int) -> HttpResponse:
    status = get_object_or_404(DeviceStatus, pk=pk)
    try:
        verbs.delete_status(status, actor=request.viewer.actor)
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, _("“%(status)s” is deleted.") % {"status": status})
    return redirect("inventory:device-statuses")
