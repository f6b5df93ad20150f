"""Linking the mirror to the inventory: by the exact serial number, many at once.

A serial number that several connections list belongs to one of them: a row that Apple still lists goes before
one that is gone, an active connection before a deactivated one, and then the one that added it last.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from typing import Any

from django.db import transaction
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from homeroom.applesync.models import AppleDevice, Connection
from homeroom.inventory.models import Device

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
GONE, INACTIVE, LIVE = range(3)
"""How good a row's claim to its serial number is, from the worst to the best."""


def misfits() -> QuerySet[AppleDevice]:
    """Linked rows whose device now has another serial number, or that another connection owns."""
    linked = AppleDevice.objects.filter(device__isnull=False)
    renamed = linked.exclude(device__serial_number=F("serial_number"))
    lost = _with_claim(linked).filter(_is_listed_twice(), Exists(_better_claims()))
    return AppleDevice.objects.filter(Q(pk__in=renamed.values("pk")) | Q(pk__in=lost.values("pk")))


def unlink(rows: Collection[int]) -> None:
    if rows:
        AppleDevice.objects.filter(pk__in=rows).update(device=None)


Claims = Mapping[str, tuple[datetime | None, int | None]]
"""Serial numbers of a connection: when each was added to the organization, and its row, None for one to come."""


@dataclass(frozen=True, slots=True)
class Owned:
    """Devices that a connection owns, by serial number, and rows of others that must let go of them."""

    devices: Mapping[str, int]
    displaced: Collection[int]


def owned(connection: Connection, claims: Claims) -> Owned:
    """Which of these serial numbers, listed by the connection now, are devices of the inventory and belong to it.

    Asked inside a transaction, until whose end the devices stay.
    """
    found = (
        Device.objects.select_for_update(no_key=True).order_by("pk").filter(serial_number__in=list(claims))
    )
    devices = {serial: pk for serial, pk in found.values_list("serial_number", "pk") if serial}
    if not devices or not Connection.objects.exclude(pk=connection.pk).exists():
        return Owned(devices, ())
    lost, displaced = set(), []
    for serial, standing, since, row, device_id in _rivals(connection, devices):
        added, own_row = claims[serial]
        ours = (
            LIVE if connection.active else INACTIVE,
            added or LONG_AGO,
            inf if own_row is None else own_row,
        )
        if (standing, since, row) > ours:
            lost.add(serial)
        elif device_id is not None:
            displaced.append((serial, row))
    return Owned(
        {serial: device for serial, device in devices.items() if serial not in lost},
        [row for serial, row in displaced if serial not in lost],
    )


@transaction.atomic
def link(connection: Connection, *, rows: Collection[int]) -> None:
    """Link those of the connection's rows that have no device yet to the device with their serial number."""
    unlinked = AppleDevice.objects.filter(
        connection=connection, device__isnull=True, gone_since__isnull=True, pk__in=rows
    )
    found = {
        serial: (added, pk) for serial, added, pk in unlinked.values_list("serial_number", "added_at", "pk")
    }
    ours = owned(connection, found)
    unlink(ours.displaced)
    give({found[serial][1]: device for serial, device in ours.devices.items()})


def link_owners(rows: Collection[int]) -> None:
    """Link rows that are known to own their serial number, to devices that nothing is linked to."""
    same_serial = Device.objects.filter(serial_number=OuterRef("serial_number")).values("pk")
    AppleDevice.objects.filter(pk__in=rows).update(device=Subquery(same_serial[:1]))


def give(devices: Mapping[int, int]) -> None:
    """Link rows to devices, by their ids."""
    rows = [AppleDevice(pk=row, device_id=device) for row, device in devices.items()]
    AppleDevice.objects.bulk_update(rows, ["device"], batch_size=500)


def _rivals(
    connection: Connection, serials: Iterable[str]
) -> Iterable[tuple[str, int, datetime, int, int | None]]:
    others = AppleDevice.objects.order_by().exclude(connection=connection)
    claims: QuerySet[Any] = _with_claim(others.filter(serial_number__in=list(serials)))
    return claims.values_list("serial_number", "standing", "since", "pk", "device_id").iterator()


def _is_listed_twice() -> Exists:
    return Exists(
        AppleDevice.objects.filter(serial_number=OuterRef("serial_number")).exclude(pk=OuterRef("pk"))
    )


def _with_claim(rows: QuerySet[AppleDevice]) -> QuerySet[AppleDevice]:
    return rows.annotate(
        standing=Case(
            When(gone_since__isnull=False, then=Value(GONE)),
            When(connection__active=False, then=Value(INACTIVE)),
            default=Value(LIVE),
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
