"""My files: a person's reports that a worker makes into files, while they do something else."""

from dataclasses import dataclass

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseStopPolling

from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.policy import Permission, Viewer
from homeroom.inventory.exports.formats import CONTENT_TYPES, Format
from homeroom.reports.models import ReportFile
from homeroom.reports.queries.files import files_of, may_make, why_closed
from homeroom.reports.queries.reports import visible_report
from homeroom.reports.verbs import files as verbs
from homeroom.web.errors import Refused

FILES_PER_PAGE = 50


@requires(Permission.EXPORT)
def files(request: ViewerRequest) -> HttpResponse:
    page = Paginator(files_of(request.viewer), FILES_PER_PAGE).get_page(request.GET.get("page"))
    shown = [_shown(file, request.viewer) for file in page]
    return render(request, "reports/files.html", {"files": shown, "page": page})


@requires(Permission.EXPORT)
def file(request: ViewerRequest, pk: int) -> HttpResponse:
    """One of the list, which asks for it again while it is being made. One that is gone is taken out of the page."""
    found = files_of(request.viewer).filter(pk=pk).first()
    if found is None:
        return HttpResponseStopPolling()
    context = {"shown": _shown(found, request.viewer), "is_over": not found.is_under_way}
    return render(request, "reports/_file.html", context)


@require_POST
@requires(Permission.EXPORT)
def new(request: ViewerRequest) -> HttpResponse:
    if not request.POST.get("report"):
        return redirect("reports:reports")
    found = visible_report(request.viewer, request.POST["report"])
    query, wanted = request.POST.get("query", ""), request.POST.get("format", "")
    try:
        verbs.order_file(found, query, wanted, owner=request.user, viewer=request.viewer)
    except Refused as refusal:
        messages.error(request, refusal.sentence)
        return redirect(f"{reverse('reports:report', args=[found.name])}?{query}")
    return redirect("reports:files")


@requires(Permission.EXPORT)
def content(request: ViewerRequest, pk: int) -> HttpResponseBase:
    found = _file(request, pk)
    try:
        return file_response(found, request.viewer)
    except Refused as refusal:
        messages.error(request, refusal.sentence)
        return redirect("reports:files")


@require_POST
@requires(Permission.EXPORT)
def again(request: ViewerRequest, pk: int) -> HttpResponse:
    try:
        verbs.order_again(_file(request, pk), viewer=request.viewer)
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    return redirect("reports:files")


@require_POST
@requires(Permission.EXPORT)
def delete(request: ViewerRequest, pk: int) -> HttpResponse:
    found = _file(request, pk)
    verbs.delete_file(found, actor=request.viewer.actor)
    messages.success(request, _("The file of “%(report)s” is deleted.") % {"report": found.title})
    return redirect("reports:files")


def file_response(found: ReportFile, viewer: Viewer) -> HttpResponseBase:
    response = FileResponse(
        verbs.open_file(found, viewer=viewer),
        as_attachment=True,
        filename=found.file_name,
        content_type=CONTENT_TYPES[Format(found.format)],
    )
    response["Cache-Control"] = "private, no-store"
    return response


@dataclass(frozen=True, slots=True)
class Shown:
    """A file, why it can't be fetched, and whether it can be made again."""

    file: ReportFile
    closed: str
    can_be_made: bool


def _shown(file: ReportFile, viewer: Viewer) -> Shown:
    return Shown(file, why_closed(file, viewer), may_make(file, viewer))


def _file(request: ViewerRequest, pk: int) -> ReportFile:
    return get_object_or_404(files_of(request.viewer), pk=pk)
