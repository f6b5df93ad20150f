"""Linking the mirror to the inventory: by the exact serial number, in single statements.

A serial number that several connections list belongs to one of them: a row that Apple still lists goes before
one that is gone, an active connection before a deactivated one, and then the one that added it last.
"""

from collections.abc import Collection
from datetime import UTC, datetime

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from homeroom.applesync.models import AppleDevice, Connection
from homeroom.inventory.models import Device

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def unlink_what_no_longer_fits() -> None:
    """Take the link from rows whose device now has another serial number, or that another connection owns."""
    linked = AppleDevice.objects.filter(device__isnull=False)
    linked.exclude(device__serial_number=F("serial_number")).update(device=None)
    _with_claim(linked).filter(_is_listed_twice(), Exists(_better_claims())).update(device=None)


def link(connection: Connection, *, rows: Collection[int] | None = None) -> None:
    """Link unlinked rows of the connection (all, or those with the given ids) to the device with that serial."""
    unlinked = AppleDevice.objects.filter(connection=connection, device__isnull=True, gone_since__isnull=True)
    if rows is not None:
        unlinked = unlinked.filter(pk__in=rows)
    same_serial = Device.objects.filter(serial_number=OuterRef("serial_number")).values("pk")
    ours = _with_claim(unlinked).filter(Exists(same_serial)).exclude(Exists(_better_claims()))
    AppleDevice.objects.filter(
        device__isnull=False, serial_number__in=ours.filter(_is_listed_twice()).values("serial_number")
    ).update(device=None)
    ours.update(device=Subquery(same_serial[:1]))


def _is_listed_twice() -> Exists:
    return Exists(
        AppleDevice.objects.filter(serial_number=OuterRef("serial_number")).exclude(pk=OuterRef("pk"))
    )


def _with_claim(rows: QuerySet[AppleDevice]) -> QuerySet[AppleDevice]:
    return rows.annotate(
        standing=Case(
            When(gone_since__isnull=False, then=Value(0)),
            When(connection__active=False, then=Value(1)),
            default=Value(2),
        ),
        since=Coalesce("added_at", Value(LONG_AGO)),
    )


def _better_claims() -> QuerySet[AppleDevice]:
    """Rows of the outer row's serial number with a better claim; the outer query has `_with_claim`."""
    ours = {name: OuterRef(name) for name in ("standing", "since", "pk")}
    return _with_claim(AppleDevice.objects.filter(serial_number=OuterRef("serial_number"))).filter(
        Q(standing__gt=ours["standing"])
        | Q(standing=ours["standing"], since__gt=ours["since"])
        | Q(standing=ours["standing"], since=ours["since"], pk__gt=ours["pk"])
    )
