"""Syncs in the browser: start, watch, cancel, and the history."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_tables2 import RequestConfig

from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.policy import Permission
from homeroom.applesync.models import RunNote, SyncRun
from homeroom.applesync.queries import changes, connections
from homeroom.applesync.queries import runs as queries
from homeroom.applesync.queries.coverage import coverage_outlook
from homeroom.applesync.tables import RunTable
from homeroom.applesync.verbs import runs as verbs
from homeroom.applesync.verbs.putting_back import can_be_put_back
from homeroom.inventory.exports.views import export_response
from homeroom.web.errors import Refused

NOTES_A_PAGE = 50
STOP_POLLING = 286
"""htmx's own status for "this was the last answer"."""


@requires(Permission.VIEW_SYNC)
def history(request: ViewerRequest) -> HttpResponseBase:
    table = RunTable(queries.runs(request.viewer))
    RequestConfig(request, paginate={"per_page": 25}).configure(table)
    if "format" in request.GET:
        return export_response("runs", table.data.data, request.viewer, request.GET["format"])
    return render(
        request,
        "applesync/runs/history.html",
        {"table": table, "connections": connections.connections(request.viewer).filter(active=True)},
    )


@requires(Permission.VIEW_SYNC)
def detail(request: ViewerRequest, pk: int) -> HttpResponse:
    run = _run(request, pk)
    shown = queries.notes(request.viewer, run)
    kinds = queries.note_kinds(shown)
    kind = request.GET.get("kind", "")
    if kind in RunNote.Kind.values:
        shown = shown.filter(kind=kind)
    if text := request.GET.get("q", "").strip():
        shown = shown.filter(serial_number__icontains=text)
    page = Paginator(shown, NOTES_A_PAGE).get_page(request.GET.get("page"))
    context = _watched(run) | {"notes": page, "kinds": kinds, "kind": kind, "q": text}
    context["outlook"] = coverage_outlook(request.viewer, run.connection)
    return render(request, "applesync/runs/detail.html", context)


@requires(Permission.VIEW_SYNC)
def live(request: ViewerRequest, pk: int) -> HttpResponse:
    """The part of a run's page that renews itself while the run goes on."""
    run = _run(request, pk)
    status = STOP_POLLING if run.is_over else 200
    return render(request, "applesync/runs/_live.html", _watched(run), status=status)


@require_POST
@requires(Permission.RUN_SYNC)
def start(request: ViewerRequest, pk: int) -> HttpResponse:
    """Start a sync, or a preview of one; the first sync of a connection starts as a preview."""
    connection = get_object_or_404(connections.connections(request.viewer), pk=pk)
    preview = "preview" in request.POST or connections.standing(connection).last_synced_at is None
    try:
        run = verbs.request_sync(connection, actor=request.viewer.actor, preview=preview)
    except Refused as refusal:
        messages.error(request, refusal.sentence)
        return redirect("applesync:mdm-settings")
    return redirect(run)


@require_POST
@requires(Permission.RUN_SYNC)
def cancel(request: ViewerRequest, pk: int) -> HttpResponse:
    run = _run(request, pk)
    try:
        verbs.request_cancel(run, actor=request.viewer.actor)
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.info(request, _("The sync stops after the batch in hand."))
    return redirect(run)


def _run(request: ViewerRequest, pk: int) -> SyncRun:
    return get_object_or_404(queries.runs(request.viewer), pk=pk)


def _watched(run: SyncRun) -> dict[str, object]:
    return {
        "run": run,
        "progress": queries.progress(run),
        "duration": queries.duration(run),
        "kinds_of_change": changes.change_kinds(run) if run.is_over else [],
        "decision": changes.decision(run) if run.state == SyncRun.State.HELD else None,
        "refusal_to_accept": verbs.refusal_to_accept(run) if run.awaits_decision else "",
        "to_put_back": can_be_put_back(run).count() if run.insurance_ended or run.replacements_applied else 0,
    }


urlpatterns = [
    path("syncs/", history, name="runs"),
    path("syncs/<int:pk>/", detail, name="run"),
    path("syncs/<int:pk>/live/", live, name="run-progress"),
    path("syncs/<int:pk>/cancel/", cancel, name="run-cancel"),
    path("settings/mdm/<int:pk>/sync/", start, name="sync"),
]
