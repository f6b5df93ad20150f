"""The state of the district on the first page, and the reports whose rows wait for a person."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from homeroom.accounts.policy import Permission, Viewer
from homeroom.applesync.reports import SYNC_PROBLEMS
from homeroom.insurance.lists import STATES
from homeroom.insurance.reports import EXPIRING
from homeroom.insurance.rules import CoverageState
from homeroom.inventory.exports.reports import report_named
from homeroom.reports import links
from homeroom.reports.blocks import TONES, Number, count
from homeroom.reports.queries.statistics import EVERYTHING, statistics_at_hand
from homeroom.reports.selection import selection
from homeroom.reports.statistics.figures import Statistics
from homeroom.reports.tiles import Tile, tiles
from homeroom.web.counts import counted
from homeroom.web.dashboard import Card, Place, Section, Waiting, Words, register_card, register_section

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


def rows_of(report: str, query: str, title: Words, sentence: Words, viewer: Viewer) -> Iterator[Waiting]:
    """The rows that the report's own page has for that query."""
    found = selection(report_named(report), query, viewer).found
    if number := counted(found):
        url = reverse("reports:report", args=[report]) + (f"?{query}" if query else "")
        yield Waiting(str(title), str(sentence), url, number)


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
    expiring = partial(
        rows_of,
        EXPIRING,
        f"days={SOON}",
        gettext_lazy("AppleCare expiring soon"),
        gettext_lazy("It ends within 30 days. Renew it, or decide that you will not."),
    )
    problems = partial(
        rows_of,
        SYNC_PROBLEMS,
        "",
        gettext_lazy("Sync problems"),
        gettext_lazy("What the last syncs could not read, make sense of or learn, device by device."),
    )
    register_card(
        Card(EXPIRING, icon="shield-check", permission=Permission.EDIT_INSURANCE, order=65, waiting=expiring)
    )
    register_card(
        Card(SYNC_PROBLEMS, icon="refresh", permission=Permission.VIEW_SYNC, order=70, waiting=problems)
    )
