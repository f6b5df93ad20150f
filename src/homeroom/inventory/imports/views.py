"""Uploading a file, settling its columns, looking at what it would do, applying it."""

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as translated
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect
from django_tables2 import RequestConfig

from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.policy import Permission
from homeroom.inventory.imports import verbs
from homeroom.inventory.imports.forms import ColumnsForm, RowsForm, UploadForm
from homeroom.inventory.imports.models import ImportJob
from homeroom.inventory.imports.queries import imports_waiting_for, rows_of, visible_imports
from homeroom.inventory.imports.tables import ImportRowTable, ImportTable
from homeroom.web.errors import Refused

PER_PAGE = 50
COLUMNS_CAN_BE_CHOSEN = {ImportJob.State.UPLOADED, ImportJob.State.PLANNED, ImportJob.State.REFUSED}


@requires(Permission.IMPORT)
def imports(request: ViewerRequest) -> HttpResponse:
    """The form for a new file, and what has been imported before."""
    form = UploadForm(request.POST or None, request.FILES or None, initial={"noun": request.GET.get("noun")})
    if request.method == "POST" and form.is_valid():
        file: UploadedFile[bytes] = form.cleaned_data["file"]
        try:
            job = verbs.upload(
                file.open(),
                noun=form.cleaned_data["noun"],
                file_name=file.name or "",
                size=file.size or 0,
                user=request.user,
            )
        except Refused as refused:
            form.add_error(refused.field, refused.sentence)
        else:
            return redirect("inventory:import-columns", job.pk)
    waiting = request.GET.get("show") == "waiting"
    table = ImportTable(imports_waiting_for(request.user.pk) if waiting else visible_imports(request.user))
    RequestConfig(request, paginate={"per_page": PER_PAGE}).configure(table)
    context = {"form": form, "table": table, "waiting": waiting}
    return render(request, "inventory/imports/imports.html", context)


@requires(Permission.IMPORT)
def import_columns(request: ViewerRequest, pk: int) -> HttpResponse:
    job = _job(request, pk)
    if job.state not in COLUMNS_CAN_BE_CHOSEN:
        return redirect(job)
    may_add_sites = request.viewer.site_ids is None
    form = ColumnsForm(request.POST or None, job=job, may_add_sites=may_add_sites)
    if request.method == "POST" and form.is_valid():
        try:
            verbs.choose_columns(
                job,
                mapping=form.mapping(),
                create_sites=form.cleaned_data.get("create_sites", False),
                date_order=form.cleaned_data["date_order"],
            )
        except Refused as refused:
            form.add_error(None, refused.sentence)
        else:
            return redirect(job)
    return render(request, "inventory/imports/columns.html", {"form": form, "job": job})


@requires(Permission.IMPORT)
def import_job(request: ViewerRequest, pk: int) -> HttpResponse:
    """What the file would do, or what it did."""
    job = _job(request, pk)
    if job.state == ImportJob.State.UPLOADED:
        return redirect("inventory:import-columns", job.pk)
    form = RowsForm(request.GET)
    chosen = form.cleaned_data if form.is_valid() else {}
    rows = rows_of(job, outcome=chosen.get("outcome", ""), text=chosen.get("q", ""))
    table = ImportRowTable([] if job.is_under_way else rows, noun=job.noun)
    RequestConfig(request, paginate={"per_page": PER_PAGE}).configure(table)
    context = {
        "job": job,
        "form": form,
        "table": table,
        "columns_can_be_chosen": job.state in COLUMNS_CAN_BE_CHOSEN,
    }
    return render(request, "inventory/imports/import.html", context)


@requires(Permission.IMPORT)
def import_progress(request: ViewerRequest, pk: int) -> HttpResponse:
    """The part of the page that is asked for again while the work goes on."""
    job = _job(request, pk)
    if not job.is_under_way:
        return HttpResponseClientRedirect(job.get_absolute_url())
    return render(request, "inventory/imports/progress.html", {"job": job})


@requires(Permission.IMPORT)
@require_POST
def import_apply(request: ViewerRequest, pk: int) -> HttpResponse:
    job = _job(request, pk)
    try:
        verbs.request_apply(job)
    except Refused as refused:
        messages.error(request, refused.sentence)
    return redirect(job)


@requires(Permission.IMPORT)
@require_POST
def import_discard(request: ViewerRequest, pk: int) -> HttpResponse:
    job = _job(request, pk)
    try:
        verbs.discard(job)
    except Refused as refused:
        messages.error(request, refused.sentence)
        return redirect(job)
    messages.success(request, translated("The file was discarded. Nothing was imported."))
    return redirect("inventory:imports")


def _job(request: ViewerRequest, pk: int) -> ImportJob:
    return get_object_or_404(visible_imports(request.user), pk=pk)
