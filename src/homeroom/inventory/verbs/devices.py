"""What can be done with a device, whoever asks: page, import, command, API or sync."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from homeroom.audit.actors import Actor
from homeroom.audit.verbs import changed_values, record
from homeroom.inventory.models import Device, DeviceStatus
from homeroom.inventory.system_statuses import integration_sets_status
from homeroom.inventory.verbs.saving import assign, check_and_save, values_of
from homeroom.inventory.verbs.statuses import default_status
from homeroom.web.errors import Refused

DEVICE_VALUES = frozenset(
    {
        "asset_tag",
        "serial_number",
        "name",
        "manufacturer",
        "model",
        "product_family",
        "site",
        "status",
        "purchase_date",
        "cost",
        "purchase_order",
        "funding_source",
        "notes",
        "replaces_serial",
    }
)


@transaction.atomic
def create_device(*, actor: Actor, **values: Any) -> Device:
    """Add a device. Without a status it is *In service*."""
    values["status"] = values.get("status") or default_status()
    _refuse_system_status(values["status"])
    device = Device()
    assign(device, _identity_null_when_empty(values), allowed=DEVICE_VALUES)
    check_and_save(device)
    known = {
        name: value for name, value in values_of(device, DEVICE_VALUES).items() if value not in (None, "")
    }
    record(actor, "device.created", device, after=known)
    return device


@transaction.atomic
def update_device(device: Device, *, actor: Actor, **values: Any) -> Device:
    """Change the given values. A status that an integration has set may stay, never be chosen."""
    stored = locked_device(device)
    if values.get("status") not in (None, stored.status):
        _refuse_system_status(values["status"])
    before = values_of(stored, DEVICE_VALUES)
    assign(stored, _identity_null_when_empty(values), allowed=DEVICE_VALUES)
    _write_changes(stored, "device.updated", before=before, actor=actor)
    assign(device, {name: getattr(stored, name) for name in values}, allowed=DEVICE_VALUES)
    return device


@transaction.atomic
def set_status(device: Device, status: DeviceStatus, *, actor: Actor) -> Device:
    """Set one of the district's own statuses. A system status may be left by hand, never entered."""
    _refuse_system_status(status)
    return _change_status(device, status, actor=actor)


@transaction.atomic
def mark_replaced_by_applecare(device: Device, *, actor: Actor) -> Device:
    """Set the system status. Called by replacement processing alone, for no form or API offers it."""
    status = DeviceStatus.objects.get(system_key=DeviceStatus.SystemKey.REPLACED_BY_APPLECARE)
    with integration_sets_status():
        return _change_status(device, status, actor=actor)


@transaction.atomic
def delete_device(device: Device, *, actor: Actor) -> None:
    """Delete a device that was entered by mistake. One with a history stays: it is retired instead."""
    stored = locked_device(device)
    if stored.assignments.exists():
        raise Refused(
            _("%(device)s has been with people, and that history is kept. Retire it instead.")
            % {"device": stored}
        )
    record(actor, "device.deleted", stored, before=values_of(stored, DEVICE_VALUES))
    try:
        stored.delete()
    except ProtectedError as error:
        raise Refused(
            _("%(device)s has a history, and that is kept. Retire it instead.") % {"device": stored}
        ) from error


def locked_device(device: Device) -> Device:
    """The device as it is stored now, so that the audit trail tells what was really changed."""
    return Device.objects.select_for_update(of=("self",)).select_related("site", "status").get(pk=device.pk)


def lock_devices(keys: Iterable[int]) -> set[int]:
    """Those that are there, nobody else's to change until the end of the transaction. What names them can be added."""
    rows = Device.objects.select_for_update(no_key=True).order_by("pk").filter(pk__in=list(keys))
    return set(rows.values_list("pk", flat=True))


def _change_status(device: Device, status: DeviceStatus, *, actor: Actor) -> Device:
    stored = locked_device(device)
    before = values_of(stored, DEVICE_VALUES)
    stored.status = status
    _write_changes(stored, "device.status_set", before=before, actor=actor)
    device.status = status
    return device


def _write_changes(device: Device, action: str, *, before: dict[str, Any], actor: Actor) -> None:
    old, new = changed_values(before, values_of(device, DEVICE_VALUES))
    if new:
        check_and_save(device)
        record(actor, action, device, before=old, after=new)


def _refuse_system_status(status: DeviceStatus) -> None:
    if status.is_system:
        raise Refused(
            _("“%(status)s” is set by AppleCare replacement processing alone.") % {"status": status},
            field="status",
        )


def _identity_null_when_empty(values: dict[str, Any]) -> dict[str, Any]:
    """Unknown tags and serial numbers are NULL, so that any number of devices may lack one."""
    identity = {name: values[name] for name in ("asset_tag", "serial_number") if name in values}
    return values | {name: (value or "").strip() or None for name, value in identity.items()}
