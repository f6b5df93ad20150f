"""Linking the mirror to the inventory: by the exact serial number, in single statements.

A serial number that several connections list belongs to one of them: a row that Apple still lists goes before
one that is gone, an active connection before a deactivated one, and then the one that added it last.
"""

from collections.abc import Collection
from datetime import UTC, datetime

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from homeroom.applesync.models import AppleDevice, Connection, StagedDevice, SyncRun
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
    AppleDevice.objects.filter(pk__in=rows).update(device=None)


def link(connection: Connection, *, rows: Collection[int]) -> dict[str, int]:
    """Link those of the connection's rows to the device with that serial; the linked ones' device, by serial."""
    if not rows:
        return {}
    unlinked = AppleDevice.objects.filter(
        connection=connection, device__isnull=True, gone_since__isnull=True, pk__in=rows
    )
    same_serial = Device.objects.filter(serial_number=OuterRef("serial_number")).values("pk")
    ours = _with_claim(unlinked).filter(Exists(same_serial)).exclude(Exists(_better_claims()))
    AppleDevice.objects.filter(
        device__isnull=False, serial_number__in=ours.filter(_is_listed_twice()).values("serial_number")
    ).update(device=None)
    ours.update(device=Subquery(same_serial[:1]))
    linked = AppleDevice.objects.order_by().filter(pk__in=rows, device__isnull=False)
    return dict(linked.values_list("serial_number", "device_id"))


def link_staged(run: SyncRun, serials: Collection[str]) -> dict[str, int]:
    """What `link` would do with these serial numbers of a preview; the matched ones' device, by serial."""
    same_serial = Device.objects.filter(serial_number=OuterRef("serial_number")).values("pk")
    staged = StagedDevice.objects.filter(run=run, serial_number__in=serials)
    ours = staged.annotate(standing=Value(LIVE), since=Coalesce("added_at", Value(LONG_AGO)))
    others = _with_claim(AppleDevice.objects.exclude(connection=run.connection_id)).filter(
        Q(standing__gt=OuterRef("standing")) | Q(standing=OuterRef("standing"), since__gt=OuterRef("since")),
        serial_number=OuterRef("serial_number"),
    )
    ours.filter(Exists(same_serial)).exclude(Exists(others)).update(device=Subquery(same_serial[:1]))
    return dict(staged.filter(device__isnull=False).values_list("serial_number", "device_id"))


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
