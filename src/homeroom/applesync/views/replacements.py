"""Replacements: what waits for a person, what was decided, and each one by itself."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.policy import Permission
from homeroom.applesync.models import Replacement
from homeroom.applesync.queries import replacements as queries
from homeroom.applesync.queries.receiving import receiving
from homeroom.applesync.reviewing.cards import Card, batches
from homeroom.applesync.reviewing.filters import ReplacementFilter
from homeroom.applesync.reviewing.forms import UndoForm
from homeroom.applesync.reviewing.reports import REPLACEMENTS
from homeroom.applesync.reviewing.tables import ReplacementTable
from homeroom.applesync.verbs import replacements as verbs
from homeroom.incidents.queries import search_incidents
from homeroom.inventory.exports.views import export_response
from homeroom.inventory.views.lists import CountedPaginator, paged
from homeroom.web.errors import Refused
from homeroom.web.keys import key_of, keys_of

CARDS_A_PAGE = 50
"""A box to Apple is reviewed on one page."""
MOST_ANSWERS = 20


@requires(Permission.REVIEW_REPLACEMENTS)
def review(request: ViewerRequest) -> HttpResponse:
    """The best suggestion for each new device."""
    count = queries.candidates_to_review(request.viewer)
    best = queries.shown(queries.best_suggestions(request.viewer))
    page = CountedPaginator(best, CARDS_A_PAGE, count=count).get_page(request.GET.get("page"))
    others = queries.other_suggestions(request.viewer, page.object_list)
    context = {"page": page, "batches": batches(page.object_list, others), "count": count}
    return render(request, "applesync/replacements/review.html", context | _tabs(request))


@requires(Permission.REVIEW_REPLACEMENTS)
def without_incident(request: ViewerRequest) -> HttpResponse:
    """New devices that look like replacements, and that no incident at Apple fits."""
    found = queries.candidates_without_incident(request.viewer)
    page = Paginator(found, CARDS_A_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "count": queries.candidates_to_review(request.viewer)} | _tabs(request)
    return render(request, "applesync/replacements/without_incident.html", context)


@require_POST
@requires(Permission.REVIEW_REPLACEMENTS)
def confirm_many(request: ViewerRequest) -> HttpResponse:
    """Those that were ticked, or all that were shown of a batch. Each is decided by itself."""
    keys = keys_of(request.POST.getlist("shown" if "all" in request.POST else "chosen"))
    pairings = list(queries.replacements(request.viewer).filter(pk__in=keys).order_by("pk"))
    if not keys:
        messages.warning(request, _("None was chosen. Tick those that are right, then confirm them."))
        return redirect("applesync:replacements-to-review")
    decided = verbs.apply_many(pairings, actor=request.viewer.actor)
    if number := len(decided.applied):
        sentence = ngettext("%(number)s replacement applied.", "%(number)s replacements applied.", number)
        messages.success(request, sentence % {"number": number})
    for pairing, sentence in decided.refused:
        messages.error(request, f"{pairing}: {sentence}")
    if gone := len(keys) - len(pairings):
        messages.warning(request, _meanwhile(gone))
    return redirect("applesync:replacements-to-review")


@requires(Permission.REVIEW_REPLACEMENTS)
def candidate(request: ViewerRequest, pk: int) -> HttpResponse:
    """One new device: what is suggested for it, and every incident at Apple that it could be paired with."""
    found = get_object_or_404(queries.candidates(request.viewer), pk=pk)
    applied = Replacement.objects.filter(
        connection=found.connection_id,
        replacement_serial=found.serial_number,
        state=Replacement.State.APPLIED,
    ).first()
    if applied and queries.replacements(request.viewer).filter(pk=applied.pk).exists():
        return redirect(applied)
    words = request.GET.get("q", "").strip()
    offered = search_incidents(queries.incidents_for(request.viewer, found), words)
    answers = [] if applied else list(offered[: MOST_ANSWERS + 1])
    context = {
        "candidate": found,
        "cards": [Card(each) for each in queries.suggestions_for(request.viewer, found)],
        "words": words,
        "answers": answers[:MOST_ANSWERS],
        "more": len(answers) > MOST_ANSWERS,
        "elsewhere": applied is not None,
        "suggested_elsewhere": queries.is_suggested_elsewhere(request.viewer, found),
        "device": queries.devices_called(request.viewer, [found.serial_number]).get(found.serial_number),
    }
    return render(request, "applesync/replacements/candidate.html", context)


@require_POST
@requires(Permission.REVIEW_REPLACEMENTS)
def confirm(request: ViewerRequest, pk: int) -> HttpResponse:
    return _decide(request, pk, verbs.apply_replacement, _("%(pair)s is applied."), to_it=True)


@require_POST
@requires(Permission.REVIEW_REPLACEMENTS)
def dismiss(request: ViewerRequest, pk: int) -> HttpResponse:
    reason = request.POST.get("reason", "")[:1000]

    def decide(pairing: Replacement, **actor: Any) -> Replacement:
        return verbs.dismiss_replacement(pairing, reason=reason, **actor)

    return _decide(request, pk, decide, _("%(pair)s is dismissed, and not suggested again."))


@require_POST
@requires(Permission.REVIEW_REPLACEMENTS)
def pair(request: ViewerRequest, pk: int) -> HttpResponse:
    """A person chose the incident."""
    found = get_object_or_404(queries.candidates(request.viewer), pk=pk)
    offered = queries.incidents_for(request.viewer, found)
    incident = offered.filter(number=key_of(request.POST.get("incident"))).first()
    if incident is None:
        messages.error(request, _("That incident's device is not at Apple any more. Choose another one."))
        return redirect("applesync:replacement-candidate", pk=pk)
    try:
        applied = verbs.pair_replacement(found, incident, actor=request.viewer.actor)
    except Refused as refusal:
        messages.error(request, refusal.sentence)
        return redirect("applesync:replacement-candidate", pk=pk)
    messages.success(request, _("%(pair)s is applied.") % {"pair": applied})
    return redirect(applied)


@require_POST
@requires(Permission.REVIEW_REPLACEMENTS)
def not_ours(request: ViewerRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(queries.candidates(request.viewer), pk=pk)
    if queries.is_suggested_elsewhere(request.viewer, found):
        messages.error(
            request,
            _("It may replace a device of a site that you don't see, so somebody who does decides that."),
        )
        return redirect("applesync:replacement-candidate", pk=pk)
    reason = request.POST.get("reason", "")[:1000]
    try:
        verbs.dismiss_candidate(found, reason=reason, actor=request.viewer.actor)
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(
            request,
            _("%(serial)s replaces none of ours; nothing is suggested for it any more.") % {"serial": found},
        )
    return _back(request)


@require_POST
@requires(Permission.REVIEW_REPLACEMENTS)
def not_ours_many(request: ViewerRequest) -> HttpResponse:
    """Of those that fit no incident: the ones that were ticked."""
    keys = keys_of(request.POST.getlist("chosen"))
    number = 0
    for found in queries.candidates_without_incident(request.viewer).filter(pk__in=keys):
        try:
            verbs.dismiss_candidate(found, actor=request.viewer.actor)
        except Refused as refusal:
            messages.error(request, f"{found}: {refusal.sentence}")
        else:
            number += 1
    sentence = ngettext("%(number)s is not ours.", "%(number)s are not ours.", number)
    messages.success(request, sentence % {"number": number})
    return redirect("applesync:replacements-without-incident")


@requires(Permission.VIEW_INCIDENTS)
def history(request: ViewerRequest) -> HttpResponseBase:
    found = ReplacementFilter(request.GET, queries.replacements(request.viewer), request=request)
    rows = queries.shown(found.qs)
    table = paged(ReplacementTable, rows, request, count=found.qs.count(), order_by="-detected_at")
    if "format" in request.GET:
        return export_response(REPLACEMENTS, table.data.data, request.viewer, request.GET["format"])
    return render(request, "applesync/replacements/history.html", {"table": table, "filter": found})


@requires(Permission.VIEW_INCIDENTS)
def replacement(request: ViewerRequest, pk: int) -> HttpResponse:
    """One pairing, with all that was decided about it."""
    found = get_object_or_404(queries.shown(queries.replacements(request.viewer)), pk=pk)
    return render(request, "applesync/replacements/replacement.html", _page_of(request, found))


@require_POST
@requires(Permission.UNDO_REPLACEMENTS)
def undo(request: ViewerRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(queries.shown(queries.replacements(request.viewer)), pk=pk)
    form = UndoForm(request.POST)
    if form.is_valid():
        try:
            verbs.undo_replacement(found, reason=form.cleaned_data["reason"], actor=request.viewer.actor)
        except Refused as refusal:
            form.add_error(refusal.field, refusal.sentence)
        else:
            messages.success(request, _("%(pair)s is undone.") % {"pair": found})
            return redirect(found)
    context = _page_of(request, found) | {"undo": form}
    return render(request, "applesync/replacements/replacement.html", context)


def _page_of(request: ViewerRequest, found: Replacement) -> dict[str, Any]:
    is_applied = found.state == Replacement.State.APPLIED
    chain = queries.chain_of(found.replacement_serial) if is_applied else []
    serials = {serial for each in chain for serial in (each.original_serial, each.replacement_serial)}
    named = serials | {found.original_serial, found.replacement_serial}
    return {
        "replacement": found,
        "card": Card(found),
        "chain": chain,
        "devices": queries.devices_called(request.viewer, named),
        "standing": receiving(found) if is_applied else None,
        "entries": queries.entries_of(found),
        "undo": UndoForm(),
    }


def _decide(
    request: ViewerRequest,
    pk: int,
    verb: Callable[..., Replacement],
    sentence: str,
    *,
    to_it: bool = False,
) -> HttpResponse:
    """What somebody else has decided meanwhile is told, and nothing is done."""
    found = queries.replacements(request.viewer).filter(pk=pk).first()
    if found is None:
        messages.warning(request, _meanwhile(1))
        return redirect("applesync:replacements-to-review")
    try:
        decided = verb(found, actor=request.viewer.actor)
    except Refused as refusal:
        messages.error(request, f"{found}: {refusal.sentence}")
        return _back(request)
    messages.success(request, sentence % {"pair": decided})
    return redirect(decided) if to_it and request.POST.get("back") != "review" else _back(request)


def _back(request: ViewerRequest) -> HttpResponse:
    if request.POST.get("back") == "without-incident":
        return redirect("applesync:replacements-without-incident")
    return redirect("applesync:replacements-to-review")


def _meanwhile(number: int) -> str:
    sentence = ngettext(
        "%(number)s of the suggestions is gone: somebody, or a sync, has decided about its devices meanwhile.",
        "%(number)s of the suggestions are gone: somebody, or a sync, has decided about their devices meanwhile.",
        number,
    )
    return sentence % {"number": number}


def _tabs(request: ViewerRequest) -> dict[str, Any]:
    return {
        "unfitting": queries.candidates_without_incident(request.viewer).count(),
        "connections": list(queries.connections_that_process(request.viewer)),
    }


urlpatterns = [
    path("replacements-to-review/", review, name="replacements-to-review"),
    path("replacements-to-review/confirm/", confirm_many, name="confirm-replacements"),
    path("replacements-to-review/without-incident/", without_incident, name="replacements-without-incident"),
    path("replacements-to-review/not-ours/", not_ours_many, name="not-ours-many"),
    path("replacements-to-review/<int:pk>/", candidate, name="replacement-candidate"),
    path("replacements-to-review/<int:pk>/pair/", pair, name="pair-replacement"),
    path("replacements-to-review/<int:pk>/not-ours/", not_ours, name="not-ours"),
    path("replacements/", history, name="replacements"),
    path("replacements/<int:pk>/", replacement, name="replacement"),
    path("replacements/<int:pk>/confirm/", confirm, name="confirm-replacement"),
    path("replacements/<int:pk>/dismiss/", dismiss, name="dismiss-replacement"),
    path("replacements/<int:pk>/undo/", undo, name="undo-replacement"),
]
