"""The statistics as blocks of the page: a table whose numbers lead to their lists, and charts drawn from the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils.formats import date_format, localize, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from homeroom.applesync.lists import storage_in_address
from homeroom.insurance.lists import STATES
from homeroom.insurance.rules import CoverageState
from homeroom.reports import links
from homeroom.reports.statistics.figures import Ending, ModelCount, Statistics
from homeroom.reports.statistics.tally import REPLACED, SAME_UNIT, Values
from homeroom.web.counts import written

MODELS_IN_CHART = 12
MODELS_IN_TABLE = 25
TERABYTE, GIGABYTE = 10**12, 10**9
TONES = {
    CoverageState.COVERED: "good",
    CoverageState.ENDED: "worn",
    CoverageState.NONE: "bad",
    CoverageState.UNKNOWN: "unknown",
}


@dataclass(frozen=True, slots=True)
class Number:
    """A cell. With an address, it counts what the list there holds."""

    text: str
    value: float | None = None
    url: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    label: str
    numbers: tuple[Number, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """`columns` of the table drawn as series; at most `most` rows of it."""

    label: str
    columns: tuple[int, ...]
    upright: bool = False
    stacked: bool = False
    tones: tuple[str, ...] = ()
    """Of each series; of a single series, of each row."""
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Block:
    key: str
    title: str
    note: str
    headings: tuple[str, ...]
    rows: tuple[Row, ...]
    charts: tuple[Chart, ...] = ()
    wide: bool = False
    empty: str = ""
    """What to say where there is no row."""

    @property
    def drawings(self) -> list[dict[str, Any]]:
        """What the page's script draws; the numbers are those of the table."""
        return [_drawing(self, chart) for chart in self.charts]


def blocks(figures: Statistics, chosen: Values) -> list[Block]:
    return [
        _coverage(figures, chosen),
        _expiring(figures, chosen),
        _models(figures, chosen),
        _storage(figures, chosen),
        _months(figures, chosen),
        _school_years(figures, chosen),
        _rates(figures, chosen),
        _repairs(figures, chosen),
    ]


def count(number: int, url: str) -> Number:
    """Zero leads nowhere."""
    return Number(written(number), number, url if number else "")


def currency() -> str:
    code: str = settings.CONFIGURATION.currency
    return code


def money(amount: Decimal) -> str:
    return f"{currency()} {number_format(amount, 2, force_grouping=True)}"


def storage_name(capacity: int | None) -> str:
    if capacity is None:
        return _("Not known")
    whole, unit = (TERABYTE, "TB") if capacity >= TERABYTE else (GIGABYTE, "GB")
    return f"{localize(Decimal(capacity) / whole)} {unit}"


def _coverage(figures: Statistics, chosen: Values) -> Block:
    note = _(
        "Of %(apple)s Apple devices. A limited warranty is not AppleCare and stands apart. Not known: not asked "
        "for yet, or the last check failed."
    ) % {"apple": written(figures.apple)}
    if figures.other_make:
        note += " " + ngettext(
            "%(count)s device of another make is left out.",
            "%(count)s devices of other makes are left out.",
            figures.other_make,
        ) % {"count": written(figures.other_make)}
    rows = [
        Row(
            str(label),
            (
                count(figures.coverage[CoverageState(state)], links.apple_devices(chosen, coverage=state)),
                _share(figures.coverage[CoverageState(state)], figures.apple),
                count(figures.warranty[CoverageState(state)], links.apple_devices(chosen, warranty=state)),
            ),
        )
        for state, label in STATES
    ]
    return Block(
        "coverage",
        _("AppleCare Coverage Status"),
        note,
        (_("Status"), "AppleCare", _("Share"), _("Limited warranty")),
        tuple(rows),
        (Chart("AppleCare", (0,), tones=tuple(TONES.values())),),
    )


def _expiring(figures: Statistics, chosen: Values) -> Block:
    covered = figures.coverage[CoverageState.COVERED]
    rows = [
        Row(
            _("Within %(days)s days") % {"days": days},
            (
                count(number, links.apple_devices(chosen, expiring=str(days))),
                _share(number, covered),
            ),
        )
        for days, number in figures.expiring.items()
    ]
    note = ngettext(
        "Of %(count)s covered device. Each line contains the one above it.",
        "Of %(count)s covered devices. Each line contains the one above it.",
        covered,
    ) % {"count": written(covered)}
    return Block(
        "expiring",
        _("Coverage Expiring Soon"),
        note,
        (_("AppleCare ends"), _("Devices"), _("Share")),
        tuple(rows),
        (Chart(_("Devices"), (0,), tones=("first",)),),
    )


def _models(figures: Statistics, chosen: Values) -> Block:
    with_devices = [one for one in figures.models if one.devices]
    rows = [
        Row(
            _model_name(one.model),
            (
                count(one.devices, links.devices(chosen, model=links.text_of(one.model))),
                _share(one.devices, figures.current),
            ),
        )
        for one in with_devices[:MODELS_IN_TABLE]
    ]
    if others := with_devices[MODELS_IN_TABLE:]:
        rows.append(_other_models(figures, chosen, with_devices[:MODELS_IN_TABLE], len(others)))
    return Block(
        "models",
        _("Device Models"),
        _("Apple's name where the device is matched, else as it was typed. Devices of every make."),
        (_("Model"), _("Devices"), _("Share")),
        tuple(rows),
        (Chart(_("Devices"), (0,), tones=("first",), most=MODELS_IN_CHART),),
    )


def _other_models(figures: Statistics, chosen: Values, shown: Sequence[ModelCount], others: int) -> Row:
    left = figures.current - sum(one.devices for one in shown)
    names = "\n".join(links.text_of(one.model) for one in shown)
    label = ngettext("%(count)s other model", "%(count)s other models", others) % {"count": written(others)}
    url = links.devices(chosen, other_models=names)
    return Row(label, (count(left, url), _share(left, figures.current)))


def _storage(figures: Statistics, chosen: Values) -> Block:
    rows = [
        Row(
            storage_name(capacity),
            (
                count(number, links.apple_devices(chosen, storage=storage_in_address(capacity))),
                _share(number, figures.apple),
            ),
        )
        for capacity, number in figures.storage.items()
    ]
    return Block(
        "storage",
        _("Storage Distribution"),
        _("As Apple tells it, for Apple devices that are matched."),
        (_("Storage"), _("Devices"), _("Share")),
        tuple(rows),
        (Chart(_("Devices"), (0,), tones=("first",)),),
    )


def _months(figures: Statistics, chosen: Values) -> Block:
    rows = [
        _ending_row(date_format(month.first, "YEAR_MONTH_FORMAT"), month, chosen) for month in figures.months
    ]
    if figures.later:
        rows.append(_ending_row(_("Later"), figures.later, chosen))
    if figures.without_end:
        url = links.apple_devices(chosen, coverage="covered", ends="none")
        rows.append(Row(_("No end date"), (count(figures.without_end, url), Number("—"))))
    return Block(
        "months",
        _("Coverage Ending by Month"),
        _("Covered devices, by the month in which their AppleCare ends, and what renewing them all costs."),
        (_("Month"), _("Devices"), _("Renewal cost")),
        tuple(rows),
        (Chart(_("Devices"), (0,), upright=True, tones=("first",), most=len(figures.months)),),
        wide=True,
    )


def _school_years(figures: Statistics, chosen: Values) -> Block:
    rows = [
        _ending_row(
            f"{year.first.year}/{year.last.year % 100:02}"
            if year.first.year != year.last.year
            else str(year.first.year),
            year,
            chosen,
        )
        for year in figures.school_years
    ]
    return Block(
        "school-years",
        _("Coverage Ending by School Year"),
        _(
            "Covered devices, by the school year in which their AppleCare ends, and what renewing them all costs."
        ),
        (_("School year"), _("Devices"), _("Renewal cost")),
        tuple(rows),
        (Chart(_("Devices"), (0,), upright=True, tones=("first",)),),
        empty=_("No AppleCare with a known end."),
    )


def _ending_row(label: str, ending: Ending, chosen: Values) -> Row:
    number = count(ending.devices, links.ending(chosen, ending.first, ending.last))
    return Row(label, (number, Number(_cost(ending), float(ending.cost))))


def _cost(ending: Ending) -> str:
    if ending.devices == ending.without_price:
        return "—"
    cost = money(ending.cost)
    if not ending.without_price:
        return cost
    return _("%(cost)s, and %(count)s without a price") % {
        "cost": cost,
        "count": written(ending.without_price),
    }


def _repairs(figures: Statistics, chosen: Values) -> Block:
    def link(result: str, month: str) -> str:
        return links.incidents(chosen, of="repairs", result=result, month=month)

    rows = [
        Row(
            date_format(one.month, "YEAR_MONTH_FORMAT"),
            (
                count(one.same_unit, link(SAME_UNIT, f"{one.month:%Y-%m}")),
                count(one.replaced, link(REPLACED, f"{one.month:%Y-%m}")),
                _days(one.days_of_same_unit),
                _days(one.days_of_replaced),
            ),
        )
        for one in figures.repairs
    ]
    return Block(
        "repairs",
        _("Repairs at Apple"),
        _(
            "Incidents that were sent to Apple, by the month in which they were closed; days from the day of shipping "
            "to that of closing, on average. Devices that are lost or retired by now count too."
        ),
        (_("Month"), _("Same unit"), _("Replaced"), _("Days, same unit"), _("Days, replaced")),
        tuple(rows),
        (
            Chart(_("Repairs"), (0, 1), upright=True, stacked=True, tones=("first", "second")),
            Chart(_("Days"), (2, 3), upright=True, tones=("first", "second")),
        ),
        wide=True,
    )


def _rates(figures: Statistics, chosen: Values) -> Block:
    broken = sorted(
        (one for one in figures.models if one.incidents and one.per_hundred is not None),
        key=lambda one: (-(one.per_hundred or 0), -one.incidents, one.model),
    )
    rows = [
        Row(
            _model_name(one.model),
            (
                Number(str(localize(one.per_hundred)), one.per_hundred),
                count(
                    one.incidents,
                    links.incidents(chosen, of="incidents", model=links.text_of(one.model)),
                ),
                count(one.devices, links.devices(chosen, model=links.text_of(one.model))),
            ),
        )
        for one in broken[:MODELS_IN_TABLE]
    ]
    return Block(
        "rates",
        _("Repair Rate by Model"),
        _(
            "Incidents for each 100 devices, opened since %(day)s; lost and stolen ones aside. The models with the "
            "highest rate. Incidents of devices that are lost or retired by now count too."
        )
        % {"day": date_format(figures.since, "DATE_FORMAT")},
        (_("Model"), _("Per 100 devices"), _("Incidents"), _("Devices")),
        tuple(rows),
        (Chart(_("Incidents for each 100 devices"), (0,), tones=("second",), most=MODELS_IN_CHART),),
        empty=_("No incident has been opened since then."),
    )


def _share(number: int, of: int) -> Number:
    return Number(f"{number_format(100 * number / of, 1)} %" if of else "—")


def _days(days: float | None) -> Number:
    return Number("—" if days is None else localize(days), days)


def _model_name(model: str) -> str:
    return model or _("No model")


def _drawing(block: Block, chart: Chart) -> dict[str, Any]:
    rows = block.rows[: chart.most]
    return {
        "labels": [row.label for row in rows],
        "upright": chart.upright,
        "stacked": chart.stacked,
        "tones": chart.tones,
        "series": [
            {
                "name": block.headings[column + 1],
                "values": [row.numbers[column].value for row in rows],
                "texts": [row.numbers[column].text for row in rows],
                "urls": [row.numbers[column].url for row in rows],
            }
            for column in chart.columns
        ],
    }
