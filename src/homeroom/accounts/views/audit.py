from django.http import HttpResponse
from django.shortcuts import render
from django_tables2 import RequestConfig

from homeroom.accounts import queries
from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.filters import EntryFilter
from homeroom.accounts.policy import Permission
from homeroom.accounts.tables import EntryTable


@requires(Permission.VIEW_AUDIT)
def audit(request: ViewerRequest) -> HttpResponse:
    chosen = EntryFilter(request.GET, queryset=queries.audit_entries(request.viewer))
    table = EntryTable(chosen.qs, order_by="-at")
    RequestConfig(request, paginate={"per_page": 50}).configure(table)
    return render(request, "accounts/audit.html", {"table": table, "filter": chosen})
