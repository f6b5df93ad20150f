"""Where Apple's list and the inventory differ. Only active connections count: of others nobody knows today's list.

What only one side has is kept by the database (`NotInApple`, `NotInInventory`), and here asked by people.

Devices of the inventory are cut to the viewer's sites. Apple's unmatched devices have no site yet, and
everybody who may see syncs sees them.
"""

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
from homeroom.applesync.models import AppleDevice, NotInApple, NotInInventory
from homeroom.applesync.queries.details import unlisted
from homeroom.inventory.makes import told_apple
from homeroom.inventory.models import Device, DeviceStatus
from homeroom.inventory.visibility import visible_beyond_sites
from homeroom.web.searching import with_words, within


class Reason(TextChoices):
    """Why a device of the inventory is not on Apple's list."""

    NO_SERIAL_NUMBER = "no_serial_number", _("It has no serial number")
    RELEASED = "released", _("Released from the organization")
    GONE = "gone", _("Left Apple's list")
    NOT_SYNCED = "not_synced", _("Its connection is not active")
    NEVER_LISTED = "never_listed", _("Never on Apple's list")


def in_apple_not_in_inventory(viewer: Viewer) -> QuerySet[AppleDevice]:
    """One row for each serial number, that of the connection to which it would belong."""
    if not viewer.may(Permission.VIEW_SYNC):
        return AppleDevice.objects.none()
    # By their keys: of two joined tables SQLite would go through the larger one.
    return AppleDevice.objects.filter(pk__in=NotInInventory.objects.values("row"))


def in_inventory_not_in_apple(viewer: Viewer) -> QuerySet[Device]:
    """Apple devices only. What is not told to be Apple's, by family, maker or model, is not."""
    if not viewer.may(Permission.VIEW_SYNC):
        return Device.objects.none()
    return Device.objects.filter(_is_apples(), pk__in=_not_in_apple(viewer).values("device"))


def near_matches(viewer: Viewer) -> QuerySet[Device]:
    """Devices that are not on Apple's list, where one that is not in the inventory is spelled nearly alike.

    Each has the nearest of Apple's: `apple_id`, `apple_serial_number`, `apple_model`, `apple_family`,
    `apple_connection_id` and `apple_connection`.
    """
    if not viewer.may(Permission.VIEW_SYNC):
        return Device.objects.none()
    near = _not_in_apple(viewer).filter(near_key__in=NotInInventory.objects.values("near_key"))
    return with_nearest(Device.objects.filter(pk__in=near.values("device")))


def with_nearest(devices: QuerySet[Device]) -> QuerySet[Any]:
    """Annotate what `near_matches` have: null where Apple has none."""
    nearest = _near_in_apple().order_by("serial_number", "row_id")

    def of_nearest(path: str) -> Subquery:
        return Subquery(nearest.values(path)[:1])

    return devices.annotate(
        apple_id=of_nearest("row"),
        apple_serial_number=of_nearest("serial_number"),
        apple_model=of_nearest("row__device_model"),
        apple_family=of_nearest("row__product_family"),
        apple_connection_id=of_nearest("row__connection_id"),
        apple_connection=of_nearest("row__connection__name"),
    )


def near_listed(viewer: Viewer, key: str) -> QuerySet[AppleDevice]:
    """What Apple lists, the inventory has not, and has this near key."""
    near = in_apple_not_in_inventory(viewer).filter(not_in_inventory__near_key=key)
    return near.order_by("serial_number", "pk")


def with_near_device(rows: QuerySet[AppleDevice]) -> QuerySet[Any]:
    """Annotate `near_match`: whether a device of any site is spelled nearly alike."""
    return rows.annotate(near_match=Exists(NotInApple.objects.filter(near_key=OuterRef("near_key"))))


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
        near_match=Exists(_near_in_apple()),
    )


def is_retired() -> Q:
    return Q(status__kind=DeviceStatus.Kind.RETIRED)


def search_apple_devices(rows: QuerySet[AppleDevice], text: str) -> QuerySet[AppleDevice]:
    """Every word must be found in the serial, order or part number or in the model."""
    return with_words(rows, text, within("serial_number", "device_model", "order_number", "part_number"))


def search_near_matches(devices: QuerySet[Device], text: str) -> QuerySet[Device]:
    """Every word must be found in the tag or in either spelling."""
    return with_words(devices, text, within("serial_number", "asset_tag", "apple_serial_number"))


def _is_apples() -> Q:
    return told_apple() | (Q(product_family="") & ~unlisted())


def _not_in_apple(viewer: Viewer) -> QuerySet[NotInApple]:
    """Of the devices that the viewer sees. Their sites are kept too, or all devices of these would be looked at."""
    if viewer.site_ids is None:
        return NotInApple.objects.all()
    theirs, beyond = Q(site__in=viewer.site_ids), visible_beyond_sites(viewer)
    if beyond is not None:
        theirs |= Q(device__in=Device.objects.filter(beyond).values("pk"))
    return NotInApple.objects.filter(theirs)


def _near_in_apple() -> QuerySet[NotInInventory]:
    """What only Apple has and is spelled nearly like the outer query's device."""
    return NotInInventory.objects.filter(near_key=OuterRef("near_key"))
