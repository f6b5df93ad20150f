"""Change sets in the browser: what a sync changed or would change, letting it be done, and putting it back."""

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.policy import Permission
from homeroom.applesync.models import SyncRun
from homeroom.applesync.queries import changes as queries
from homeroom.applesync.queries.runs import runs
from homeroom.applesync.verbs import putting_back
from homeroom.applesync.verbs import runs as verbs
from homeroom.inventory.exports.views import export_response
from homeroom.inventory.queries import visible_devices
from homeroom.web.errors import Refused

CHANGES_A_PAGE = 50


@requires(Permission.VIEW_SYNC)
def of_run(request: ViewerRequest, pk: int) -> HttpResponseBase:
    """A change set, in portions: a first sync of a large district has millions of entries."""
    run = _run(request, pk)
    kind, text = request.GET.get("kind", ""), request.GET.get("q", "").strip()
    found = queries.changes(request.viewer, run, kind=kind, text=text)
    if format_name := request.GET.get("format"):
        return export_response("changes", found.order_by("pk"), request.viewer, format_name)
    after = request.GET.get("after", "")
    shown = list(found.filter(pk__gt=int(after) if after.isdecimal() else 0)[: CHANGES_A_PAGE + 1])
    context = {
        "run": run,
        "kinds": queries.change_kinds(run),
        "kind": kind,
        "q": text,
        "entries": [(entry, list(queries.values(entry))) for entry in shown[:CHANGES_A_PAGE]],
        "next": shown[CHANGES_A_PAGE - 1].pk if len(shown) > CHANGES_A_PAGE else None,
        "after": after,
    }
    return render(request, "applesync/changes/of_run.html", context)


@requires(Permission.VIEW_SYNC)
def of_device(request: ViewerRequest, pk: int) -> HttpResponse:
    """What syncs changed about one device, the latest first."""
    device = get_object_or_404(visible_devices(request.viewer), pk=pk)
    found = queries.changes_of_device(request.viewer, device)
    entries = [(entry, list(queries.values(entry))) for entry in found[:CHANGES_A_PAGE]]
    return render(request, "applesync/changes/of_device.html", {"device": device, "entries": entries})


@require_POST
@requires(Permission.RUN_SYNC)
def accept(request: ViewerRequest, pk: int) -> HttpResponse:
    run = _run(request, pk)
    try:
        run = verbs.accept_changes(run, actor=request.viewer.actor)
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    return redirect(run)


@require_POST
@requires(Permission.RUN_SYNC)
def put_back(request: ViewerRequest, pk: int) -> HttpResponse:
    run = _run(request, pk)
    chosen = request.POST.get("device", "")
    device = None
    if chosen:
        number = int(chosen) if chosen.isdecimal() else 0
        device = get_object_or_404(visible_devices(request.viewer), pk=number)
    try:
        count = putting_back.put_back(run, actor=request.viewer.actor, device=device)
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    else:
        told = ngettext(
            "%(count)s record is being put back. This takes a moment.",
            "%(count)s records are being put back. This takes a moment.",
            count,
        )
        messages.success(request, told % {"count": count})
    return redirect("applesync:device-changes", device.pk) if device else redirect(run)


def _run(request: ViewerRequest, pk: int) -> SyncRun:
    return get_object_or_404(runs(request.viewer), pk=pk)


urlpatterns = [
    path("syncs/<int:pk>/changes/", of_run, name="changes"),
    path("syncs/<int:pk>/accept/", accept, name="accept"),
    path("syncs/<int:pk>/put-back/", put_back, name="put-back"),
    path("devices/<int:pk>/sync-changes/", of_device, name="device-changes"),
]
