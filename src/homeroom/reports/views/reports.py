"""MDM Reports: the list of them, and the page of each, with its downloads."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django_tables2 import RequestConfig

from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.policy import Permission
from homeroom.inventory.exports.reports import (
    Report,
    Selectable,
    columns_of_report,
    reports_for,
)
from homeroom.inventory.exports.views import refusal, rows_response
from homeroom.inventory.views.lists import ROWS_PER_PAGE, CountedPaginator
from homeroom.reports.columns import report_table
from homeroom.reports.models import SavedView
from homeroom.reports.queries.keys import find
from homeroom.reports.queries.reports import visible_report
from homeroom.reports.queries.saved import may_change_view, saved_views, views_of
from homeroom.reports.selection import COLUMNS, OF_THE_PAGE, SORT, Reading, in_words, read
from homeroom.web.counts import counted

XLSX_LATER = "reports/_xlsx_later.html"
MOST_PRINTED = 2_000
MOST_LEFT_OUT = 1_000
"""Beyond, nobody needs to know how many."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Rows that are told of beside the report."""

    sentence: str
    address: str


@requires(Permission.VIEW_INVENTORY)
def index(request: ViewerRequest) -> HttpResponse:
    views: dict[str, list[SavedView]] = {}
    for view in saved_views(request.viewer):
        views.setdefault(view.report, []).append(view)
    listed = [(report, views.get(report.name, [])) for report in reports_for(request.viewer)]
    return render(request, "reports/reports.html", {"reports": listed})


@requires(Permission.VIEW_INVENTORY)
def report(request: ViewerRequest, name: str) -> HttpResponseBase:
    found = visible_report(request.viewer, name)
    reading = read(found, request.GET.urlencode(), request.viewer)
    if "format" in request.GET:
        return _download(request, reading)
    context: dict[str, Any] = {
        "report": found,
        "reading": reading,
        "filter": reading.filter,
        "kept": _kept(request),
        "columns": columns_of_report(found.name),
        "sorts": list(_sorts(reading)),
    } | _views(request, reading)
    context["carried"] = _carried(reading, context["current"])
    template = "reports/report.html"
    if "print" in request.GET:
        template = "reports/print.html"
        context["asked"] = list(in_words(reading.filter))
    if not reading.problems:
        context |= _rows(request, reading, printed="print" in request.GET)
    return render(request, template, context)


@requires(Permission.VIEW_INVENTORY)
def left_out(request: ViewerRequest, name: str) -> HttpResponse:
    """What is not in the report though somebody may look for it: a part of its page, which does not wait for it."""
    reading = read(visible_report(request.viewer, name), request.GET.urlencode(), request.viewer)
    told = [] if reading.problems else list(_left_out(request, reading))
    return render(request, "reports/_left_out.html", {"left_out": told})


def _download(request: ViewerRequest, reading: Reading) -> HttpResponseBase:
    if reading.problems:
        return refusal(reading.problems[0].sentence, status=422)
    asked = reading.selection
    return rows_response(
        reading.report.name, asked.names, asked.rows, asked.found, request.viewer, request.GET["format"]
    )


def _rows(request: ViewerRequest, reading: Reading, *, printed: bool) -> dict[str, Any]:
    found = find(reading)
    number = found.number
    if found.keys is None:
        return {"number": number, "unsorted": number.counted, "xlsx_later": XLSX_LATER}
    selectable = None if printed else _selectable(request, reading.report)
    table = report_table(reading, found.keys, selectable)
    per_page = MOST_PRINTED if printed else ROWS_PER_PAGE
    paginate = {"per_page": per_page, "paginator_class": CountedPaginator, "count": number.counted}
    RequestConfig(request, paginate=paginate).configure(table)
    return {
        "table": table,
        "number": number,
        "selectable": selectable,
        "action": reverse(selectable.action) if selectable and selectable.action else "",
        "printed": MOST_PRINTED,
        "xlsx_later": XLSX_LATER if number.more else "",
    }


def _selectable(request: ViewerRequest, found: Report) -> Selectable | None:
    selectable = found.selection
    return selectable if selectable and request.viewer.may(selectable.permission) else None


def _left_out(request: ViewerRequest, reading: Reading) -> Iterator[LeftOut]:
    for apart in reading.report.apart:
        rows = reading.report.filter(reading.filter.data, apart.rows(request.viewer), request=request).qs
        number = counted(rows, most=MOST_LEFT_OUT)
        if number.counted:
            sentence = apart.sentence(number.counted, number.shown)
            yield LeftOut(sentence[:1].upper() + sentence[1:], apart.address(reading.query))


def _views(request: ViewerRequest, reading: Reading) -> dict[str, Any]:
    views = views_of(request.viewer, reading.report.name)
    wanted = request.GET.get("view", "")
    current = next((view for view in views if str(view.pk) == wanted), None)
    may_change = current is not None and may_change_view(request.viewer, current)
    return {
        "views": views,
        "current": current,
        "may_change": may_change,
        "differs": may_change and current is not None and current.query != reading.query,
    }


def _carried(reading: Reading, view: SavedView | None) -> Sequence[tuple[str, object]]:
    """What stays in the address when a filter is changed."""
    columns: list[tuple[str, object]] = [(COLUMNS, column.name) for column in reading.chosen]
    return [*columns, ("view", view.pk)] if view else columns


def _kept(request: ViewerRequest) -> Sequence[tuple[str, str]]:
    """What the address says beside columns and order, for a form that changes those."""
    passed_over = {COLUMNS, SORT, *OF_THE_PAGE} - {"view"}
    return [
        (name, value)
        for name, values in request.GET.lists()
        if name not in passed_over
        for value in values
        if value
    ]


def _sorts(reading: Reading) -> Iterator[tuple[str, str]]:
    for column in columns_of_report(reading.report.name):
        if column.sort:
            yield column.name, _("%(column)s, upwards") % {"column": column.heading}
            yield f"-{column.name}", _("%(column)s, downwards") % {"column": column.heading}
