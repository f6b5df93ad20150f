"""What the device profile says of Apple: details from the mirror, and how the device last fared in the sync."""

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from homeroom.accounts.policy import Permission, Viewer
from homeroom.applesync.models import AppleDevice, Connection, Replacement
from homeroom.applesync.queries import replacements
from homeroom.applesync.queries.receiving import receiving, scanned
from homeroom.applesync.queries.reconciliation import in_inventory_not_in_apple
from homeroom.applesync.queries.runs import last_complete_listing
from homeroom.applesync.queries.why import why_of_device
from homeroom.incidents.models import Incident
from homeroom.inventory.models import Device


def apple_panel(viewer: Viewer, device: Device) -> dict[str, Any] | None:
    """None for a device that is neither on Apple's list nor, as far as anybody says, one of Apple's."""
    found = AppleDevice.objects.select_related("connection", "managed").defer("connection__private_key")
    mirrored = found.filter(device=device).first()
    if mirrored is None:
        return _not_listed(viewer, device)
    attributes = mirrored.attributes
    return {
        "apple": mirrored,
        "managed": getattr(mirrored, "managed", None),
        "may_refresh": viewer.may(Permission.REFRESH_DEVICES) and mirrored.connection.active,
        "mac_addresses": [
            (label, ", ".join(values) if isinstance(values, list) else values)
            for label, name in (
                ("Wi-Fi", "wifiMacAddress"),
                ("Bluetooth", "bluetoothMacAddress"),
                ("Ethernet", "ethernetMacAddress"),
            )
            if (values := attributes.get(name))
        ],
        "seen_at": mirrored.gone_since or last_complete_listing(mirrored.connection),
    }


def why_panel(viewer: Viewer, device: Device) -> dict[str, Any] | None:
    """What is in the way or worth knowing; None where all is as it should be, or the viewer sees no syncs."""
    if not viewer.may(Permission.VIEW_SYNC):
        return None
    answer = why_of_device(viewer, device)
    told = [finding for finding in answer.findings if finding.weight]
    query = urlencode({"q": answer.asked})
    return {"told": told, "url": f"{reverse('applesync:why')}?{query}"} if told else None


def replacement_panel(viewer: Viewer, device: Device) -> dict[str, Any] | None:
    """What replaced it and what it replaced; None where no replacement has to do with it."""
    serial = device.serial_number or ""
    chain = replacements.chain_of(serial)
    suggested = replacements.suggestions(viewer).filter(incident__device=device).count()
    if not chain and not suggested:
        return None
    applied = list(replacements.shown(Replacement.objects.filter(pk__in=[each.pk for each in chain])))
    replaces = next((each for each in applied if each.replacement_serial == serial), None)
    serials = {name for each in chain for name in (each.original_serial, each.replacement_serial)}
    return {
        "replaced_by": next((each for each in applied if each.original_serial == serial), None),
        "replaces": replaces,
        "chain": chain,
        "devices": replacements.devices_called(viewer, serials),
        "suggested": suggested,
        "standing": receiving(replaces) if replaces else None,
    }


def incident_panel(viewer: Viewer, incident: Incident) -> dict[str, Any] | None:
    """What replaced the incident's device, or may."""
    of_incident = replacements.replacements(viewer).filter(
        incident=incident, state__in=(Replacement.State.APPLIED, Replacement.State.SUGGESTED)
    )
    found = list(replacements.shown(of_incident).order_by("rank", "pk"))
    if applied := next((each for each in found if each.state == Replacement.State.APPLIED), None):
        return {"applied": applied, "standing": receiving(applied)}
    return {"suggested": found} if found else None


def where_scanned(viewer: Viewer, code: str) -> str | None:
    """Of a new device out of a box from Apple: what is known of it, or where to decide."""
    found = scanned(viewer, code) if viewer.may(Permission.EDIT_INVENTORY) else None
    if found and (found.replacement or found.candidate or found.elsewhere):
        return f"{reverse('applesync:scan-replacement')}?{urlencode({'serial': code})}"
    return None


def _not_listed(viewer: Viewer, device: Device) -> dict[str, Any] | None:
    """For those who may ask Apple about it."""
    may_refresh = viewer.may(Permission.REFRESH_DEVICES) and bool(device.serial_number)
    if may_refresh and in_inventory_not_in_apple(viewer).filter(pk=device.pk).exists():
        return {"apple": None, "may_refresh": Connection.objects.filter(active=True).exists()}
    return None
