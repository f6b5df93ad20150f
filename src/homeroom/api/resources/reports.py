"""Reports, with the filters and columns that their pages have; to be read only."""

from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema

from homeroom.accounts.policy import Permission
from homeroom.api.authentication import ApiRequest, requires
from homeroom.api.paging import PageOf, PageQuery, page_of
from homeroom.inventory.exports.reports import columns_of_report, reports_for
from homeroom.reports.queries.reports import visible_report
from homeroom.reports.selection import SORT, filter_names, selection
from homeroom.web.errors import Refused

router = Router(tags=["reports"])
OF_PAGES = frozenset(PageQuery.model_fields)


class ReportOut(Schema):
    """`filters` are parameters of the report's own address; a site or connection is named by its name or key."""

    name: str
    title: str
    about: str
    filters: list[str]
    columns: list[str]


@router.get("/reports", response=list[ReportOut])
@requires(Permission.VIEW_INVENTORY)
def reports(request: ApiRequest) -> Any:
    """Those that the token's owner may see."""
    return [
        {
            "name": report.name,
            "title": str(report.title),
            "about": str(report.about),
            "filters": filter_names(report, request.viewer),
            "columns": [column.name for column in columns_of_report(report.name)],
        }
        for report in reports_for(request.viewer)
    ]


@router.get("/reports/{name}", response=PageOf)
@requires(Permission.VIEW_INVENTORY)
def report(request: ApiRequest, name: str, query: Query[PageQuery]) -> Any:
    """A report's rows in the order of their ids. Its filters are parameters too, and `columns` (`a,b`) chooses some."""
    found = visible_report(request.viewer, name)
    asked = selection(found, _asked(request), request.viewer)
    return page_of(found.name, asked.found, request.viewer, query, asked.columns)


def _asked(request: ApiRequest) -> str:
    asked = QueryDict(mutable=True)
    for parameter, values in request.GET.lists():
        if parameter == SORT:
            raise Refused(_("Through the API, rows come in the order of their ids."), field=SORT)
        if parameter not in OF_PAGES:
            asked.setlist(parameter, values)
    return asked.urlencode()
