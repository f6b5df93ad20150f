"""What the device profile says of Apple: details from the mirror, and how the device last fared in the sync."""

from typing import Any

from homeroom.accounts.policy import Permission, Viewer
from homeroom.applesync.models import AppleDevice
from homeroom.inventory.models import Device


def apple_panel(viewer: Viewer, device: Device) -> dict[str, Any] | None:
    """None for a device that Apple does not list under its exact serial number."""
    found = AppleDevice.objects.select_related("connection").defer("connection__private_key")
    mirrored = found.filter(device=device).first()
    if mirrored is None:
        return None
    attributes = mirrored.attributes
    return {
        "apple": mirrored,
        "mac_addresses": [
            (label, ", ".join(values) if isinstance(values, list) else values)
            for label, name in (
                ("Wi-Fi", "wifiMacAddress"),
                ("Bluetooth", "bluetoothMacAddress"),
                ("Ethernet", "ethernetMacAddress"),
            )
            if (values := attributes.get(name))
        ],
        "may_see_syncs": viewer.may(Permission.VIEW_SYNC),
    }
