"""What people decide where Apple's list and the inventory differ. What is decided is linked at once."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.translation import gettext as _

from homeroom.applesync.models import AppleDevice, Connection
from homeroom.applesync.pipeline import matching
from homeroom.applesync.queries.reconciliation import with_near_device
from homeroom.audit.actors import Actor
from homeroom.audit.verbs import record
from homeroom.inventory.models import Device, DeviceStatus, Site
from homeroom.inventory.near import Difference, differences, near_key
from homeroom.inventory.verbs.devices import create_device, update_device
from homeroom.rows import Growing
from homeroom.web.errors import Refused

BATCH = 1000
HARMLESS = {Difference.CASE, Difference.WHITE_SPACE}
"""What may be corrected for many devices at once. Anything else is another character: a person looks at each."""
LONGEST_MODEL = 200


@dataclass(frozen=True, slots=True)
class Pair:
    """A device of the inventory and the one on Apple's list that is spelled nearly alike."""

    device_id: int
    serial_number: str
    apple_id: int
    apple_serial_number: str
    connection_id: int


@dataclass(frozen=True, slots=True)
class Sorted:
    """Near matches that may be corrected together, and how many a person has to look at one by one."""

    harmless: list[Pair]
    left: int


def inventory_values(
    *,
    serial_number: str,
    product_family: str,
    device_model: str,
    product_type: str,
    capacity: str,
    color: str,
) -> dict[str, str]:
    """How a device that Apple lists is written into the inventory. A family that is new to us stays empty."""
    model = " ".join(part for part in (device_model or product_type, capacity, color.title()) if part)
    return {
        "serial_number": serial_number,
        "manufacturer": "Apple",
        "model": model[:LONGEST_MODEL].strip(),
        "product_family": product_family if product_family in Device.ProductFamily.values else "",
    }


def values_of(apple: AppleDevice) -> dict[str, str]:
    return inventory_values(
        serial_number=apple.serial_number,
        product_family=apple.product_family,
        device_model=apple.device_model,
        product_type=apple.product_type,
        capacity=str(apple.attributes.get("deviceCapacity") or ""),
        color=apple.color,
    )


@transaction.atomic
def add_to_inventory(apple: AppleDevice, *, actor: Actor, **values: Any) -> Device:
    """Add a device that Apple lists, under Apple's own serial number; the other values as given."""
    device = create_device(actor=actor, **values | {"serial_number": apple.serial_number})
    matching.link(apple.connection, rows=[apple.pk])
    return device


def addable(rows: QuerySet[AppleDevice]) -> QuerySet[AppleDevice]:
    """Without those that have a near match: adding them would make a second row of what is there already."""
    return with_near_device(rows).filter(near_match=False)


@transaction.atomic
def add_many_to_inventory(
    rows: QuerySet[AppleDevice], *, site: Site, status: DeviceStatus, actor: Actor
) -> int:
    """Add all of these that are `addable`, or none; without asset tags. How many there were."""
    if status.is_system:
        raise Refused(_("This status is set by the integration alone."), field="status")
    number, growing = 0, Growing(Device)
    for batch in _batches(_facts(addable(rows))):
        _write([values for _, values in batch], site, status)
        growing.by(len(batch))
        matching.link_owners([apple_id for apple_id, _ in batch])
        number += len(batch)
    if number:
        record(actor, "devices.added_from_apple", site, after={"devices": number, "status": status})
    return number


@transaction.atomic
def take_spelling(device: Device, apple: AppleDevice, *, actor: Actor) -> None:
    """Give the device the serial number as Apple spells it."""
    spelling = apple.serial_number
    other = Device.objects.filter(serial_number=spelling).exclude(pk=device.pk).first()
    if other is not None:
        raise Refused(
            _("%(other)s has the serial number %(serial)s already, and no two devices can share one.")
            % {"other": other, "serial": spelling}
        )
    current = device.serial_number or ""
    if current == spelling or near_key(current) != near_key(spelling):
        raise Refused(
            _("%(device)s has been changed meanwhile. Look at the list again.") % {"device": device}
        )
    update_device(device, actor=actor, serial_number=spelling)
    AppleDevice.objects.filter(device=device).update(device=None)
    matching.link(apple.connection, rows=[apple.pk])


def sorted_matches(matches: QuerySet[Device]) -> Sorted:
    """Of near matches, those that differ by case and white space alone and mean no other device as well."""
    paths = ("pk", "serial_number", "apple_id", "apple_serial_number", "apple_connection_id")
    pairs = [Pair(*values) for values in matches.order_by("pk").values_list(*paths)]
    times = Counter(near_key(pair.serial_number) for pair in pairs)
    harmless = [
        pair
        for pair in pairs
        if times[near_key(pair.serial_number)] == 1
        and HARMLESS.issuperset(differences(pair.serial_number, pair.apple_serial_number))
    ]
    return Sorted(harmless, left=len(pairs) - len(harmless))


@transaction.atomic
def take_spellings(matches: QuerySet[Device], *, actor: Actor) -> int:
    """Take Apple's spelling for all that differ by case and white space alone. How many there were."""
    by_connection: dict[int, list[Pair]] = defaultdict(list)
    for pair in sorted_matches(matches).harmless:
        by_connection[pair.connection_id].append(pair)
    for pairs in by_connection.values():
        for batch in _batches(pairs):
            _respell(batch)
            matching.link_owners([pair.apple_id for pair in batch])
    for connection in Connection.objects.defer("private_key").filter(pk__in=by_connection):
        pairs = by_connection[connection.pk]
        record(
            actor,
            "devices.spelling_taken",
            connection,
            before={"serial_numbers": [pair.serial_number for pair in pairs]},
            after={"serial_numbers": [pair.apple_serial_number for pair in pairs]},
        )
    return sum(map(len, by_connection.values()))


def _respell(pairs: Sequence[Pair]) -> None:
    """One statement. Among these each key is there once, so that it finds the one Apple device."""
    ids = [pair.device_id for pair in pairs]
    spelling = AppleDevice.objects.filter(
        pk__in=[pair.apple_id for pair in pairs], near_key=OuterRef("near_key")
    )
    devices = Device.objects.filter(pk__in=ids, serial_number__in=[pair.serial_number for pair in pairs])
    AppleDevice.objects.filter(device__in=ids).update(device=None)
    try:
        with transaction.atomic():
            changed = devices.update(serial_number=Subquery(spelling.values("serial_number")[:1]))
    except IntegrityError as error:
        raise _changed_meanwhile() from error
    if changed != len(pairs):
        raise _changed_meanwhile()


def _facts(rows: QuerySet[AppleDevice]) -> Iterable[tuple[int, dict[str, str]]]:
    """The id of each, and its values for the inventory."""
    paths = (
        "pk",
        "serial_number",
        "product_family",
        "device_model",
        "product_type",
        "attributes__deviceCapacity",
        "color",
    )
    for pk, serial, family, model, kind, capacity, color in list(rows.order_by("pk").values_list(*paths)):
        yield (
            pk,
            inventory_values(
                serial_number=serial,
                product_family=family,
                device_model=model,
                product_type=kind,
                capacity=str(capacity or ""),
                color=color,
            ),
        )


def _write(many: Sequence[dict[str, str]], site: Site, status: DeviceStatus) -> None:
    devices = [Device(site=site, status=status, **values) for values in many]
    try:
        with transaction.atomic():
            Device.objects.bulk_create(devices)
    except IntegrityError as error:
        raise _changed_meanwhile() from error


def _batches(things: Iterable[Any]) -> Iterable[list[Any]]:
    remaining = iter(things)
    while batch := list(islice(remaining, BATCH)):
        yield batch


def _changed_meanwhile() -> Refused:
    return Refused(
        _("The inventory has been changed meanwhile, and nothing was done. Look at the list again.")
    )
