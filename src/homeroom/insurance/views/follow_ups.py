"""The pages' side of deciding about AppleCare that ends: many from the report, one from its profile."""

from collections.abc import Mapping
from datetime import date

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.policy import Permission
from homeroom.insurance import queries, verbs
from homeroom.insurance.forms import DecisionForm, DecisionOfOneForm
from homeroom.insurance.queries import today
from homeroom.insurance.reports import EXPIRING, ExpiringFilter
from homeroom.insurance.rules import FollowUpState
from homeroom.inventory.models import Device
from homeroom.inventory.queries import visible_devices
from homeroom.web.counts import most_counted
from homeroom.web.errors import Refused
from homeroom.web.keys import day_of, key_of
from homeroom.web.returning import next_address

MOST_NAMED = 10


@require_POST
@requires(Permission.EDIT_INSURANCE)
def follow_ups(request: ViewerRequest) -> HttpResponse:
    """About the ticked rows of the report, or all that fit its filter; only those that still fit it."""
    form = DecisionForm(request.POST)
    if not form.is_valid():
        messages.error(request, form.problem)
    elif (devices := _asked(request, seen := _ticked(request))) is not None:
        try:
            outcome = verbs.decide(devices, actor=request.viewer.actor, ends=seen, **form.decided)
        except Refused as refusal:
            messages.error(request, refusal.sentence)
        else:
            _tell(request, form.decided["state"], outcome)
    return redirect(next_address(request) or reverse("reports:report", args=[EXPIRING]))


@require_POST
@requires(Permission.EDIT_INSURANCE)
def follow_up(request: ViewerRequest, device_pk: int) -> HttpResponse:
    """About one device, as its profile showed it."""
    device = get_object_or_404(visible_devices(request.viewer), pk=device_pk)
    form = DecisionOfOneForm(request.POST)
    if not form.is_valid():
        messages.error(request, form.problem)
        return redirect(device)
    try:
        outcome = verbs.decide(
            Device.objects.filter(pk=device.pk),
            actor=request.viewer.actor,
            ends={device.pk: form.cleaned_data["ends"]},
            **form.decided,
        )
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    else:
        _tell(request, form.decided["state"], outcome)
    return redirect(device)


@requires(Permission.EDIT_INSURANCE)
def all_that_fit(request: ViewerRequest) -> HttpResponse:
    """The box that takes all rows of the report: a part of its page, made once somebody chooses any of them."""
    found = _fitting(request, request.GET)
    shown = None if found is None else _shown(request, found)
    return render(request, "insurance/_all_that_fit.html", {"shown": shown})


def _shown(request: ViewerRequest, found: QuerySet[Device]) -> queries.Shown | None:
    return queries.shown(found, today(), most=most_counted(request.viewer.site_ids))


def _fitting(request: ViewerRequest, query: QueryDict) -> QuerySet[Device] | None:
    """What the report has; None: the query is not understood."""
    fitting = ExpiringFilter(query, queries.ending_some_day(request.viewer, today()), request=request)
    return fitting.qs if fitting.is_valid() else None


def _ticked(request: ViewerRequest) -> dict[int, date | None]:
    """The keys of the rows, with the ends that the page showed. An end that is no day is none that anything has."""
    seen: dict[int, date | None] = {}
    for text in request.POST.getlist("device"):
        key, _space, end = text.partition(" ")
        if pk := key_of(key):
            seen[pk] = day_of(end)
    return seen


def _asked(request: ViewerRequest, seen: Mapping[int, date | None]) -> QuerySet[Device] | None:
    """None, and the person is told: there are none, or not those that the page showed.

    More than a page counts are not decided about in one request.
    """
    found = _fitting(request, QueryDict(request.POST.get("query", "")))
    if found is None:
        messages.error(request, _("The filter of the page is not understood. Open the report again."))
        return None
    if mark := request.POST.get("all"):
        shown = _shown(request, found)
        if shown is None or shown.mark != mark:
            messages.warning(request, _("The list has changed meanwhile. Look at it again, then decide."))
            return None
        return found
    if not seen:
        messages.warning(request, _("Tick the devices first."))
        return None
    ticked = found.filter(pk__in=seen)
    _tell_what_is_gone(request, len(seen) - ticked.count())
    return ticked


def _tell_what_is_gone(request: ViewerRequest, number: int) -> None:
    if number > 0:
        sentence = ngettext(
            "%(number)s device does not fit the filter any more, and was left as it is.",
            "%(number)s devices do not fit the filter any more, and were left as they are.",
            number,
        )
        messages.warning(request, sentence % {"number": number})


def _tell(request: ViewerRequest, state: FollowUpState, outcome: verbs.Outcome) -> None:
    if outcome.decided:
        messages.success(request, _done(state, outcome.decided) % {"number": outcome.decided})
    for left in outcome.left_out[:MOST_NAMED]:
        messages.warning(request, f"{left.device}: {left.why}")
    if more := len(outcome.left_out[MOST_NAMED:]) + outcome.more_left_out:
        sentence = ngettext("%(number)s more was left out.", "%(number)s more were left out.", more)
        messages.warning(request, sentence % {"number": more})


def _done(state: FollowUpState, number: int) -> str:
    match state:
        case FollowUpState.ACKNOWLEDGED:
            return ngettext(
                "%(number)s device is acknowledged; it waits again at its next milestone, if it has one left.",
                "%(number)s devices are acknowledged; each waits again at its next milestone, if it has one left.",
                number,
            )
        case FollowUpState.SNOOZED:
            return ngettext("%(number)s device is snoozed.", "%(number)s devices are snoozed.", number)
        case FollowUpState.WILL_NOT_RENEW:
            return ngettext(
                "%(number)s device will not be renewed, and does not wait any more.",
                "%(number)s devices will not be renewed, and do not wait any more.",
                number,
            )
        case FollowUpState.WAITING:
            return ngettext("%(number)s device waits again.", "%(number)s devices wait again.", number)
