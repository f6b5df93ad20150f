"""Where Apple's list and the inventory differ. Only active connections count: of others nobody knows today's list.

What is linked to its like on today's list is in both. The others are few and known (`Unlinked`), and each of them is
looked at closely: its serial number may have been edited since the last sync, or not have been linked yet.

Devices of the inventory are cut to the viewer's sites. Apple's unmatched devices have no site yet, and
everybody who may see syncs sees them.
"""

from datetime import UTC, datetime
from typing import Any

from django.db.models import (
    Case,
    CharField,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextChoices,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.policy import Permission, Viewer
from homeroom.applesync.models import AppleDevice, Unlinked
from homeroom.applesync.queries.details import unlisted
from homeroom.inventory.makes import OTHER_FAMILIES, told_apple
from homeroom.inventory.models import Device, DeviceStatus
from homeroom.inventory.queries import visible_devices
from homeroom.plans import there_is_none
from homeroom.web.searching import with_words, within

FEW_MISFITS = 1_000
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Reason(TextChoices):
    """Why a device of the inventory is not on Apple's list."""

    NO_SERIAL_NUMBER = "no_serial_number", _("It has no serial number")
    RELEASED = "released", _("Released from the organization")
    GONE = "gone", _("Left Apple's list")
    NOT_SYNCED = "not_synced", _("Its connection is not active")
    NEVER_LISTED = "never_listed", _("Never on Apple's list")


def listed() -> QuerySet[AppleDevice]:
    """What Apple lists now."""
    return AppleDevice.objects.filter(gone_since__isnull=True, connection__active=True)


def in_apple_not_in_inventory(viewer: Viewer) -> QuerySet[AppleDevice]:
    """One row for each serial number, that of the connection to which it would belong."""
    if not viewer.may(Permission.VIEW_SYNC):
        return AppleDevice.objects.none()
    return _not_in_inventory(listed().filter(_may_be_lacking()))


def in_inventory_not_in_apple(viewer: Viewer) -> QuerySet[Device]:
    """Apple devices only. What is not told to be Apple's, by family, maker or model, is not."""
    if not viewer.may(Permission.VIEW_SYNC):
        return Device.objects.none()
    unlinked = visible_devices(viewer).filter(pk__in=Unlinked.objects.values("device"))
    if viewer.site_ids is not None:  # by their keys, or PostgreSQL looks closely at all devices of the sites
        unlinked = Device.objects.filter(pk__in=unlinked.values("pk"))
    return _not_listed(unlinked.filter(_is_apples()))


def near_matches(viewer: Viewer) -> QuerySet[Device]:
    """Devices that are not on Apple's list, where one that is not in the inventory is spelled nearly alike.

    Each has the nearest of Apple's: `apple_id`, `apple_serial_number`, `apple_model`, `apple_family`,
    `apple_connection_id` and `apple_connection`.
    """
    if not viewer.may(Permission.VIEW_SYNC):
        return Device.objects.none()
    unlinked = Unlinked.objects.filter(near_key__in=_keys_in_question()).values("device")
    near = _not_listed(_maybe_apples(visible_devices(viewer)).filter(pk__in=unlinked)).filter(
        Exists(_near_listed())
    )
    return with_nearest(near)


def with_nearest(devices: QuerySet[Device]) -> QuerySet[Any]:
    """Annotate what `near_matches` have: null where Apple has none."""
    nearest = _near_listed().order_by("serial_number", "pk")

    def of_nearest(path: str) -> Subquery:
        return Subquery(nearest.values(path)[:1])

    return devices.annotate(
        apple_id=of_nearest("pk"),
        apple_serial_number=of_nearest("serial_number"),
        apple_model=of_nearest("device_model"),
        apple_family=of_nearest("product_family"),
        apple_connection_id=of_nearest("connection_id"),
        apple_connection=of_nearest("connection__name"),
    )


def near_listed(viewer: Viewer, key: str) -> QuerySet[AppleDevice]:
    """What Apple lists, the inventory has not, and has this near key."""
    if not viewer.may(Permission.VIEW_SYNC):
        return AppleDevice.objects.none()
    return _not_in_inventory(listed().filter(near_key=key)).order_by("serial_number", "pk")


def with_near_device(rows: QuerySet[AppleDevice]) -> QuerySet[Any]:
    """Annotate `near_match`: whether a device of any site is spelled nearly alike."""
    near = _not_listed(_maybe_apples(Device.objects.filter(near_key=OuterRef("near_key"))))
    return rows.annotate(near_match=Exists(near))


def with_reason(devices: QuerySet[Device]) -> QuerySet[Device]:
    """Annotate devices that Apple does not list: `reason`, `left_at`, `retired` and `near_match`."""
    same = Q(apple_device__serial_number=F("serial_number"))
    gone = same & Q(apple_device__gone_since__isnull=False)
    return devices.annotate(
        reason=Case(
            When(serial_number__isnull=True, then=Value(Reason.NO_SERIAL_NUMBER.value)),
            When(gone & Q(apple_device__released_at__isnull=False), then=Value(Reason.RELEASED.value)),
            When(gone, then=Value(Reason.GONE.value)),
            When(same, then=Value(Reason.NOT_SYNCED.value)),
            default=Value(Reason.NEVER_LISTED.value),
            output_field=CharField(),
        ),
        left_at=Case(
            When(gone, then=Coalesce("apple_device__released_at", "apple_device__gone_since")), default=None
        ),
        retired=Case(When(is_retired(), then=Value(value=True)), default=Value(value=False)),
        near_match=Exists(_near_listed()),
    )


def is_retired() -> Q:
    return Q(status__kind=DeviceStatus.Kind.RETIRED)


def search_apple_devices(rows: QuerySet[AppleDevice], text: str) -> QuerySet[AppleDevice]:
    """Every word must be found in the serial, order or part number or in the model."""
    return with_words(rows, text, within("serial_number", "device_model", "order_number", "part_number"))


def search_near_matches(devices: QuerySet[Device], text: str) -> QuerySet[Device]:
    """Every word must be found in the tag or in either spelling."""
    return with_words(devices, text, within("serial_number", "asset_tag", "apple_serial_number"))


def _may_be_lacking() -> Q:
    """Rows that the inventory may lack: the others are linked to a device with their serial number."""
    misfits = _misfits()
    few = list(misfits[: FEW_MISFITS + 1])  # mostly none, and then an index has the rows in order
    return Q(device__isnull=True) | Q(pk__in=few if len(few) <= FEW_MISFITS else misfits)


def _keys_in_question() -> QuerySet[Any, Any]:
    """The near keys of the same rows."""
    rows = AppleDevice.objects.order_by()
    found: QuerySet[Any, Any] = rows.filter(device__isnull=True).values("near_key")
    return found.union(rows.filter(pk__in=_misfits()).values("near_key"), all=True)


def _misfits() -> QuerySet[Unlinked, int | None]:
    """The keys of rows that are linked to a device whose serial number is another."""
    return Unlinked.objects.filter(misfit__isnull=False).values_list("misfit", flat=True)


def _is_apples() -> Q:
    return told_apple() | (Q(product_family="") & ~unlisted())


def _maybe_apples(devices: QuerySet[Device]) -> QuerySet[Device]:
    return devices.exclude(product_family__in=OTHER_FAMILIES)


def _not_listed(devices: QuerySet[Device]) -> QuerySet[Device]:
    return devices.filter(there_is_none(listed().filter(serial_number=OuterRef("serial_number"))))


def _not_in_inventory(rows: QuerySet[AppleDevice]) -> QuerySet[AppleDevice]:
    in_inventory = Device.objects.filter(serial_number=OuterRef("serial_number"))
    of_same = listed().order_by().filter(serial_number=OuterRef("serial_number")).exclude(pk=OuterRef("pk"))
    ours = Coalesce(OuterRef("added_at"), Value(LONG_AGO))
    owners = of_same.annotate(added=Coalesce("added_at", Value(LONG_AGO))).filter(
        Q(added__gt=ours) | Q(added=ours, pk__gt=OuterRef("pk"))
    )
    return rows.filter(there_is_none(in_inventory), there_is_none(owners))


def _near_listed() -> QuerySet[AppleDevice]:
    """Apple's unmatched devices that are spelled nearly like the outer query's device."""
    return _not_in_inventory(listed().filter(near_key=OuterRef("near_key")))
