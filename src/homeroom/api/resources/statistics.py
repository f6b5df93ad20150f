"""The statistics; to be read only."""

from typing import Any

from ninja import Query, Router, Schema

from homeroom.accounts.policy import Permission
from homeroom.api.authentication import ApiRequest, requires
from homeroom.api.values import site_named
from homeroom.inventory.models import Device
from homeroom.reports.queries.statistics import statistics_for
from homeroom.reports.rows import row
from homeroom.reports.statistics.tally import Values

router = Router(tags=["statistics"])


class StatisticsQuery(Schema):
    """Each leaves one kind of devices; an empty one leaves those that say nothing."""

    site: str | None = None
    product_family: Device.ProductFamily | None = None
    model: str | None = None
    funding_source: str | None = None


@router.get("/statistics", response=dict[str, Any])
@requires(Permission.VIEW_INVENTORY)
def statistics(request: ApiRequest, query: Query[StatisticsQuery]) -> Any:
    """The numbers of the page MDM Statistics; `counted_at` says as of when, null for now."""
    site = None if query.site is None else site_named(request.viewer, query.site).pk
    chosen = Values(site, query.product_family, query.model, query.funding_source)
    return row(statistics_for(request.viewer, chosen))
