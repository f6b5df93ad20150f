"""Who also sees a device, beyond those of its site. Higher apps say so; the inventory does not know why."""

from collections.abc import Callable, Collection
from functools import reduce
from operator import or_

from django.db import connection
from django.db.models import BigIntegerField, Q
from django.db.models.lookups import In

from homeroom.accounts.policy import Viewer
from homeroom.plans import Unindexed
from homeroom.rows import Keyed

FEW_SITES = 30
AlsoVisible = Callable[[Viewer], Q | None]

_widenings: list[AlsoVisible] = []


def widen_visibility(also_visible: AlsoVisible) -> None:
    """Called once, in `AppConfig.ready()`. `also_visible` answers None for viewers it has nothing for."""
    _widenings.append(also_visible)


def visible_to(viewer: Viewer) -> Q:
    """Which devices the viewer sees."""
    if viewer.site_ids is None:
        return Q()
    beyond = visible_beyond_sites(viewer)
    return of_sites(viewer.site_ids) if beyond is None else of_sites(viewer.site_ids) | beyond


def of_sites(sites: Collection[int]) -> Q:
    """Of many sites' devices SQLite would fetch each, to sort them or to see that few are wanted.

    It has no statistics to know better. So it is not shown the index, and reads devices as it does for those who see
    all. PostgreSQL gets many as one parameter.
    """
    if len(sites) <= FEW_SITES:
        return Q(site__in=sites)
    if connection.vendor == "postgresql":
        return Q(Keyed(sites, "site_id"))
    return Q(In(Unindexed("site_id", output_field=BigIntegerField()), list(sites)))


def visible_beyond_sites(viewer: Viewer) -> Q | None:
    """Which devices a viewer who is limited to sites also sees, whatever their site. None: no others."""
    more = [seen for also_visible in _widenings if (seen := also_visible(viewer)) is not None]
    return reduce(or_, more) if more else None
