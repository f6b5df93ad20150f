from django.http import HttpResponse
from django.shortcuts import render

from homeroom.accounts import queries
from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.filters import EntryFilter
from homeroom.accounts.policy import Permission
from homeroom.accounts.tables import EntryTable


@requires(Permission.VIEW_AUDIT)
def audit(request: ViewerRequest) -> HttpResponse:
    chosen = EntryFilter(request.GET, queryset=queries.audit_entries(request.viewer))
    table = EntryTable(chosen.qs, order_by=request.GET.get("sort", "-at"))
    table.paginate(page=request.GET.get("page", 1), per_page=50, silent=True)
    return render(request, "accounts/audit.html", {"table": table, "filter": chosen})
