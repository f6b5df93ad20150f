"""What an address asks of a report. Page, CSV, command line, API, files and schedules all ask through here.

A query is that of the page's address: the report's filters, `sort` (a column, with - if backwards) and `columns`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from django.forms import ModelChoiceField
from django.http import QueryDict
from django.utils.translation import gettext as _
from django_filters import FilterSet

from homeroom.accounts.access import ViewerRequest
from homeroom.accounts.policy import Viewer
from homeroom.inventory.exports.columns import annotated
from homeroom.inventory.exports.formats import Row, rows_with
from homeroom.inventory.exports.reports import Report, ReportColumn, columns_of_report
from homeroom.plans import is_by_what_is_brought
from homeroom.web.errors import Refused

SORT, COLUMNS = "sort", "columns"
OF_THE_PAGE = frozenset({"page", "format", "view", "print"})
"""What an address may hold beside: it selects nothing."""
LONGEST_QUERY = 8000


@dataclass(frozen=True, slots=True)
class Problem:
    """Something asked for that there is not. `field` is the filter's name, or `sort` or `columns`."""

    field: str
    sentence: str


@dataclass(frozen=True)
class Selection:
    """The rows that were asked for, in their order, and with which columns files have them."""

    report: Report
    viewer: Viewer
    columns: Sequence[ReportColumn]
    found: QuerySet[Any]
    """The rows without order, and without what only columns need: to be looked for."""
    order: Sequence[str]
    """The fields by which they are sorted."""

    @cached_property
    def queryset(self) -> QuerySet[Any]:
        return self._with_columns(self.found)

    @cached_property
    def known(self) -> QuerySet[Any]:
        """The same for rows that were found already and are asked for by their keys."""
        return self._with_columns(self.report.known())

    def keys_in_order(self, rows: QuerySet[Any]) -> QuerySet[Any, int]:
        """Of rows without order, and without what only columns need."""
        needs_columns = is_by_what_is_brought(self.order, self.known, self.report.known())
        in_order = self._with_columns(rows) if needs_columns else rows.order_by(*self.order)
        return in_order.values_list("pk", flat=True)

    def _with_columns(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return annotated(self.report.name, rows, self.viewer).order_by(*self.order)

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def rows(self) -> Iterator[Row]:
        """Read one by one, from the first again each time."""
        return rows_with(self.columns, self.queryset)

    @cached_property
    def count(self) -> int:
        return self.found.count()


@dataclass(frozen=True)
class Reading:
    """A query as it was understood, and what was not."""

    report: Report
    viewer: Viewer
    query: str
    filter: FilterSet
    chosen: Sequence[ReportColumn]
    """As the query names them; none: it names none."""
    sort: str
    problems: Sequence[Problem] = field(default=())

    @property
    def shown(self) -> Sequence[ReportColumn]:
        """The columns that a page has."""
        return self.chosen or [column for column in columns_of_report(self.report.name) if column.shown]

    @property
    def is_in_an_order_of_indexes(self) -> bool:
        """Of many rows the first are read without finding and sorting the others."""
        return self._sorted_by.name in self.report.in_order

    @property
    def is_often_met(self) -> bool:
        """Whether of every few rows that are read one is the report's, for this viewer."""
        return bool(self.report.in_order) and not self.report.is_rare and self.viewer.site_ids is None

    @property
    def is_found_in_order(self) -> bool:
        """By the index that finds them, or since a report's usual order is not to be missed."""
        if self.is_in_an_order_of_indexes:
            return self.report.is_rare and self.viewer.site_ids is not None
        is_usual = self._sorted_by.sort == self._column(self.report.order).sort
        return is_usual or self._sorted_by.name in self.report.found_in_order

    @property
    def _sorted_by(self) -> ReportColumn:
        return self._column(self.sort)

    def _column(self, order: str) -> ReportColumn:
        name = order.removeprefix("-")
        return next(column for column in columns_of_report(self.report.name) if column.name == name)

    def refuse_problems(self) -> None:
        for problem in self.problems:
            raise Refused(problem.sentence, field=problem.field)

    @cached_property
    def selection(self) -> Selection:
        """Files have every column unless some were chosen."""
        self.refuse_problems()
        columns = columns_of_report(self.report.name)
        found, order = self.filter.qs.order_by(), _fields(columns, self.sort)
        return Selection(self.report, self.viewer, self.chosen or columns, found, order)


def selection(report: Report, query: str, viewer: Viewer) -> Selection:
    """Refuses what can't be understood, in a sentence that names it."""
    return read(report, query, viewer).selection


def read(report: Report, query: str, viewer: Viewer) -> Reading:
    """What is wrong with the query is in the reading's problems."""
    asked, problems = _parsed(query)
    columns = columns_of_report(report.name)
    request = _asking(viewer)
    rows = report.rows(viewer)
    found = report.filter(asked, rows, request=request)
    if (told := _with_keys(asked, found)) != asked:
        found = report.filter(told, rows, request=request)
    problems += _unknown(asked, found)
    problems += [
        Problem(name, f"{_label(found, name)}: {' '.join(sentences)}")
        for name, sentences in found.errors.items()
    ]
    chosen = _chosen(asked, columns, problems)
    sort = _sort(asked, columns, problems) or report.order
    return Reading(report, viewer, _canonical(asked, found), found, chosen, sort, problems)


def canonical(report: Report, query: str, viewer: Viewer) -> str:
    """The query with nothing in it but what selects: as it is kept. Refuses what `selection` refuses."""
    reading = read(report, query, viewer)
    reading.refuse_problems()
    return reading.query


def in_words(asked: FilterSet) -> Iterator[tuple[str, str]]:
    """Each filter that is set, and to what, as people read it."""
    if not asked.form.is_valid():
        return
    for one in asked.form:
        value = asked.form.cleaned_data.get(one.name)
        if value in (None, "", []):
            continue
        choices = getattr(one.field, "choices", None)
        if choices is not None and not isinstance(one.field, ModelChoiceField):
            value = dict(choices).get(value, value)
        yield str(one.label), str(value)


def filter_names(report: Report, viewer: Viewer) -> list[str]:
    return list(report.filter(QueryDict(), report.rows(viewer).none(), request=_asking(viewer)).filters)


def _asking(viewer: Viewer) -> ViewerRequest:
    """By the viewer, filters know what can be chosen."""
    request = ViewerRequest()
    request.viewer = viewer
    return request


def _parsed(query: str) -> tuple[QueryDict, list[Problem]]:
    if len(query) <= LONGEST_QUERY:
        return QueryDict(query), []
    return QueryDict(), [Problem("query", _("The address asks for too much at once."))]


def _with_keys(asked: QueryDict, found: FilterSet) -> QueryDict:
    """A site or connection may be named as people call it, instead of by its key."""
    told = asked.copy()
    for name, one in found.form.fields.items():
        value = told.get(name, "").strip()
        if isinstance(one, ModelChoiceField) and value and not value.isdecimal() and one.queryset is not None:
            key = next((each.pk for each in one.queryset if str(each).casefold() == value.casefold()), None)
            if key is not None:
                told[name] = str(key)
    return told


def _unknown(asked: QueryDict, found: FilterSet) -> list[Problem]:
    known = {*found.filters, SORT, COLUMNS, *OF_THE_PAGE}
    return [
        Problem(
            name[:100],
            _("“%(name)s” is no filter of this report. It has: %(filters)s.")
            % {"name": name[:100], "filters": ", ".join(found.filters)},
        )
        for name in asked
        if name not in known
    ]


def _chosen(asked: QueryDict, columns: Sequence[ReportColumn], problems: list[Problem]) -> list[ReportColumn]:
    known = {column.name: column for column in columns}
    names = [name.strip() for text in asked.getlist(COLUMNS) for name in text.split(",") if name.strip()]
    problems += [_no_column(COLUMNS, name, known) for name in dict.fromkeys(names) if name not in known]
    return [known[name] for name in dict.fromkeys(names) if name in known]


def _sort(asked: QueryDict, columns: Sequence[ReportColumn], problems: list[Problem]) -> str:
    sort = asked.get(SORT, "").strip()
    sortable = [column.name for column in columns if column.sort]
    if sort.removeprefix("-") in ("", *sortable):
        return sort if sort != "-" else ""
    problems.append(_no_column(SORT, sort.removeprefix("-"), sortable))
    return ""


def _no_column(place: str, name: str, known: Iterable[str]) -> Problem:
    told = {"name": name[:100], "columns": ", ".join(known)}
    if place == SORT:
        return Problem(place, _("This report can't be sorted by “%(name)s”, but by: %(columns)s.") % told)
    return Problem(place, _("“%(name)s” is no column of this report. It has: %(columns)s.") % told)


def _fields(columns: Sequence[ReportColumn], sort: str) -> list[str]:
    """Backwards, each field is the other way round, so that the order is exactly the reverse."""
    (fields,) = (column.sort for column in columns if column.name == sort.removeprefix("-"))
    if not sort.startswith("-"):
        return list(fields)
    return [name.removeprefix("-") if name.startswith("-") else f"-{name}" for name in fields]


def _canonical(asked: QueryDict, found: FilterSet) -> str:
    kept = QueryDict(mutable=True)
    for name in (*found.filters, SORT, COLUMNS):
        if values := [value for value in asked.getlist(name) if value.strip()]:
            kept.setlist(name, values if name == COLUMNS else values[-1:])
    return kept.urlencode()


def _label(found: FilterSet, name: str) -> str:
    field = found.form.fields.get(name)
    return str(field.label) if field is not None and field.label else name
