"""Where Apple's list and the inventory differ; to be read only."""

from typing import Any

from ninja import Query, Router

from homeroom.accounts.policy import Permission
from homeroom.api.authentication import ApiRequest, requires
from homeroom.api.paging import PageOf, PageQuery, page_of
from homeroom.applesync.queries import reconciliation as queries
from homeroom.applesync.reconciliation import reports

router = Router(tags=["reconciliation"])


@router.get("/reconciliation/in-apple-not-in-inventory", response=PageOf)
@requires(Permission.VIEW_SYNC)
def in_apple(request: ApiRequest, query: Query[PageQuery]) -> Any:
    return page_of(reports.IN_APPLE, queries.in_apple_not_in_inventory(request.viewer), request.viewer, query)


@router.get("/reconciliation/in-inventory-not-in-apple", response=PageOf)
@requires(Permission.VIEW_SYNC)
def in_inventory(request: ApiRequest, query: Query[PageQuery]) -> Any:
    found = queries.in_inventory_not_in_apple(request.viewer)
    return page_of(reports.IN_INVENTORY, found, request.viewer, query)


@router.get("/reconciliation/near-matches", response=PageOf)
@requires(Permission.VIEW_SYNC)
def near_matches(request: ApiRequest, query: Query[PageQuery]) -> Any:
    return page_of(reports.NEAR, queries.near_matches(request.viewer), request.viewer, query)
