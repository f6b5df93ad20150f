"""Which reports there are, and what each is made of. Apps register theirs; every way out offers what is here."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import Promise
from django_filters import FilterSet

from homeroom.accounts.policy import GRANTS, Permission, Role, Viewer
from homeroom.inventory.exports.columns import Annotate, ExportColumn, columns_of, register_columns

Words = str | Promise


@dataclass(frozen=True, slots=True)
class Link:
    """Where a value leads: a page, named by what `path` holds of the row."""

    url_name: str
    path: str = "pk"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportColumn(ExportColumn):
    """A column of files that people see too.

    `sort` are the fields by which it sorts, a unique one last; without any, it does not. `show` says how people read
    a value. What is not `shown` can be chosen.
    """

    heading: Words
    sort: tuple[str, ...] = ()
    shown: bool = True
    show: Callable[[Any], Any] | None = None
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class Selectable:
    """What can be done with rows that a person ticks: a template with the buttons of a form.

    The form posts to `action` the keys of the rows, each as `name`, with what `seen` has of it behind a space;
    `query`, what the report's filter was given; and `next`, where to come back to. The template is given `number` too:
    how many rows fit.
    """

    template: str
    permission: Permission
    action: str = ""
    """The name of an address; without one, the buttons bring theirs (`formaction`)."""
    name: str = "device"
    seen: str = ""
    """The path of a value that decides: who ticks a row meant it as it was then."""


@dataclass(frozen=True, slots=True)
class Apart:
    """Rows that somebody may miss in a report. The page tells how many the same filters leave, and where they are."""

    rows: Callable[[Viewer], QuerySet[Any]]
    sentence: Callable[[int, str], str]
    """Of their number, and of that number as people read it."""
    address: Callable[[str], str]
    """Of the report's own query."""


@dataclass(frozen=True, slots=True)
class Page:
    """Where what a report tells is decided about."""

    url_name: str
    label: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`rows` are all that a viewer may see of it, before its filters.

    `order` is the name of a column, with - before it if backwards. `in_order` are those in whose order an index has the
    rows: however many there are, they are not sorted. `found_in_order` are those in whose order they are found anyway,
    since it is their index that tells which rows the report has. Where it `is_rare` that a row of the table is the
    report's, an index meets hardly one of somebody's few sites: they have the rows found in order too. `known` are rows
    of that kind, the report's or not: of those that it was asked for, the keys are known, and nobody asks again.
    """

    name: str
    title: Words
    about: Words
    """One sentence: which rows it has."""
    rows: Callable[[Viewer], QuerySet[Any]]
    known: Callable[[], QuerySet[Any]]
    filter: type[FilterSet]
    order: str
    in_order: tuple[str, ...] = ()
    found_in_order: tuple[str, ...] = ()
    is_rare: bool = False
    permission: Permission
    empty: Words
    """What it means that there are no rows at all."""
    place: int
    page: Page | None = None
    apart: tuple[Apart, ...] = ()
    selection: Selectable | None = None

    def may_be_taken_by(self, role: Role) -> bool:
        """Whether people of a role may have its rows as a file."""
        return GRANTS[role] >= {Permission.EXPORT, self.permission}


_reports: dict[str, Report] = {}


def register_report(
    report: Report, columns: Iterable[ReportColumn], *, annotate: Annotate | None = None
) -> None:
    """Make a report known under its name, with the columns that every way out of it has."""
    _reports[report.name] = report
    register_report_columns(report.name, columns, annotate=annotate, order=0)


def register_report_columns(
    name: str, columns: Iterable[ReportColumn], *, annotate: Annotate | None = None, order: int = 100
) -> None:
    """Add columns to a report, after those of a lower `order`. The report may be registered later."""
    register_columns(name, columns, annotate=annotate, order=order)


def columns_of_report(name: str) -> list[ReportColumn]:
    return [column for column in columns_of(name) if isinstance(column, ReportColumn)]


def reports() -> list[str]:
    return sorted(_reports)


def report_named(name: str) -> Report:
    return _reports[name]


def report_or_none(name: str) -> Report | None:
    """Of a name that was kept: the app that registered it may be gone."""
    return _reports.get(name)


def title_of(name: str) -> str:
    """As people read it; the name itself where there is no such report any more."""
    report = report_or_none(name)
    return str(report.title) if report else name


def reports_for(viewer: Viewer) -> list[Report]:
    """Those that the viewer may see, as a menu has them."""
    found = [report for report in _reports.values() if viewer.may(report.permission)]
    return sorted(found, key=lambda report: report.place)
