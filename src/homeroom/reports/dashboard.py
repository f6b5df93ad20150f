"""The state of the district on the first page, and the reports whose rows wait for a person."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from homeroom.accounts.policy import Permission, Viewer
from homeroom.applesync.reports import SYNC_PROBLEMS
from homeroom.insurance.lists import STATES
from homeroom.insurance.reports import EXPIRING
from homeroom.insurance.rules import CoverageState, FollowUpState
from homeroom.inventory.exports.reports import report_named
from homeroom.reports import links
from homeroom.reports.blocks import TONES, Number, count
from homeroom.reports.queries.schedules import missed_schedules
from homeroom.reports.queries.statistics import EVERYTHING, statistics_at_hand
from homeroom.reports.selection import selection
from homeroom.reports.statistics.figures import Statistics
from homeroom.reports.tiles import Tile, tiles
from homeroom.web.dashboard import (
    Card,
    Place,
    Section,
    Severity,
    Waiting,
    number_waiting,
    register_card,
    register_section,
)

SOON = 30
"""Days ahead in which what ends is somebody's task; the report looks further."""


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a bar. `start` and `width` are per cent, as a drawing has them."""

    label: str
    number: Number
    tone: str
    start: str
    width: str


def district(viewer: Viewer) -> Mapping[str, Any]:
    figures = statistics_at_hand(viewer)
    if figures is None:
        return {"figures": None}
    return {
        "figures": figures,
        "tiles": tiles(figures, EVERYTHING),
        "coverage": list(coverage_shares(figures)),
        "expiring": [
            Tile(
                _("Within %(days)s days") % {"days": days},
                count(number, links.apple_devices(EVERYTHING, expiring=str(days))),
            )
            for days, number in figures.expiring.items()
        ],
        "of_sites": viewer.site_ids is not None,
    }


def coverage_shares(figures: Statistics) -> Iterator[Share]:
    """The four states of Apple devices; together they are the whole bar."""
    total, before = sum(figures.coverage.values()) or 1, 0
    for state, label in STATES:
        number = figures.coverage[CoverageState(state)]
        url = links.apple_devices(EVERYTHING, coverage=state)
        start, width = f"{100 * before / total:.3f}%", f"{100 * number / total:.3f}%"
        yield Share(str(label), count(number, url), TONES[CoverageState(state)], start, width)
        before += number


def expiring(viewer: Viewer) -> Iterator[Waiting]:
    sentence = _("It ends within %(days)s days. Renew it, or say that you know, or that you will not.")
    query = f"days={SOON}&follow_up={FollowUpState.WAITING}"
    return rows_of(EXPIRING, viewer, _("AppleCare expiring soon"), sentence % {"days": SOON}, query=query)


def sync_problems(viewer: Viewer) -> Iterator[Waiting]:
    """Counted from the last sync back: most of what is noted again and again is found there."""
    sentence = _("What the last syncs could not read, make sense of or learn, device by device.")
    return rows_of(SYNC_PROBLEMS, viewer, _("Sync problems"), sentence, order="-run_id")


def reports_not_sent(viewer: Viewer) -> Iterator[Waiting]:
    if number := number_waiting(missed_schedules(viewer)):
        sentence = _("The last time, somebody got nothing. The page of the schedule says why.")
        url = f"{reverse('reports:schedules')}?show=missed"
        yield Waiting(_("Reports not sent"), sentence, url, number, Severity.LATE)


def rows_of(
    report: str, viewer: Viewer, title: str, sentence: str, *, query: str = "", order: str = ""
) -> Iterator[Waiting]:
    """The rows that the report's own page has for that query."""
    found = selection(report_named(report), query, viewer).found
    if number := number_waiting(found, order=order):
        url = reverse("reports:report", args=[report]) + (f"?{query}" if query else "")
        yield Waiting(title, sentence, url, number)


def register_on_dashboard() -> None:
    register_section(
        Section(
            Place.BELOW,
            "reports/_dashboard.html",
            permission=Permission.VIEW_INVENTORY,
            order=10,
            context=district,
        )
    )
    register_card(
        Card(EXPIRING, icon="shield-check", permission=Permission.EDIT_INSURANCE, order=65, waiting=expiring)
    )
    register_card(
        Card(SYNC_PROBLEMS, icon="refresh", permission=Permission.VIEW_SYNC, order=70, waiting=sync_problems)
    )
    register_card(
        Card(
            "reports-not-sent",
            icon="calendar-time",
            permission=Permission.EXPORT,
            order=72,
            waiting=reports_not_sent,
        )
    )
