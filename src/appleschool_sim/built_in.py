"""Apple's built-in device management: what it knows of its devices, in the shape of Apple's resources.

The names are those of Apple's public documentation. The words for platforms are inferred.
"""

from datetime import datetime, timedelta
from typing import Any

from appleschool_sim.devices import Device, digest, midnight
from appleschool_sim.rendering import chosen, with_milliseconds

MDM_DEVICE_FIELDS = frozenset({"serialNumber", "deviceName", "productFamily", "enrolledUserId", "details"})
DETAIL_FIELDS = frozenset(
    {
        *("serialNumber", "deviceName", "deviceModel", "osVersion", "platform", "imei", "meid"),
        *("wifiMacAddress", "bluetoothMacAddress", "ethernetMacAddress", "lastCheckInDateTime"),
        *("isFirewallEnabled", "isFileVaultEnabled", "storageFreeCapacity", "storageTotalCapacity"),
        *("deviceLockStatus", "deviceEraseStatus", "lostModeStatus"),
    }
)
OTHER_ID = "MDM-"
_PLATFORMS = {"Mac": "MACOS", "AppleTV": "TVOS"}
_VERSIONS = ("26.1", "26.0.1", "18.7.2", "18.6.2", "17.7.10")
_BYTES = {"GB": 10**9, "TB": 10**12}
_SILENT_IN = 8


def os_version_of(seed: int, device: Device) -> str | None:
    """None for a device that never checked in."""
    if device.os_version is not None:
        return device.os_version
    d = digest(seed, "built-in", device.serial)
    return None if d[0] % _SILENT_IN == 0 else _VERSIONS[d[1] % len(_VERSIONS)]


def mdm_device(seed: int, device: Device, *, mdm_id: str, base: str, fields: frozenset[str] | None) -> Any:
    d = digest(seed, "built-in", device.serial)
    attributes = {
        "serialNumber": device.serial,
        "deviceName": f"{device.model.family} {device.serial[-4:]}" if d[2] % 4 else None,
        "productFamily": device.model.family,
        "enrolledUserId": f"user-{d[3]:03}" if d[4] % 2 else None,
    }
    link = f"{base}/v1/mdmDevices/{mdm_id}"
    resource: dict[str, Any] = {"type": "mdmDevices", "id": mdm_id, "attributes": chosen(attributes, fields)}
    if fields is None or "details" in fields:
        resource["relationships"] = {"details": {"links": {"related": f"{link}/details"}}}
    return resource | {"links": {"self": link}}


def details_of(seed: int, device: Device, now: datetime) -> dict[str, Any]:
    d = digest(seed, "built-in", device.serial)
    version = os_version_of(seed, device)
    seen = midnight(now.date()) - timedelta(minutes=int.from_bytes(d[5:7]) % 2880)
    is_mac = device.model.family == "Mac"
    total = _in_bytes(device.capacity)
    attributes = {
        "serialNumber": device.serial,
        "deviceName": f"{device.model.family} {device.serial[-4:]}",
        "deviceModel": device.model.name,
        "osVersion": version,
        "platform": _PLATFORMS.get(device.model.family, "IOS"),
        "imei": device.imei or None,
        "meid": device.meid or None,
        "wifiMacAddress": device.wifi_mac,
        "bluetoothMacAddress": device.bluetooth_mac,
        "ethernetMacAddress": next(iter(device.ethernet_mac), None),
        "lastCheckInDateTime": with_milliseconds(seen) if version else None,
        "isFirewallEnabled": bool(d[7] % 2) if is_mac else None,
        "isFileVaultEnabled": bool(d[8] % 2) if is_mac else None,
        "storageTotalCapacity": total,
        "storageFreeCapacity": total and total * (d[9] % 90 + 5) // 100,
        "deviceLockStatus": "UNLOCKED",
        "deviceEraseStatus": "NOT_ERASED",
        "lostModeStatus": "DISABLED",
    }
    if device.leaves_out_empty:
        return {name: value for name, value in attributes.items() if value is not None}
    return attributes


def _in_bytes(capacity: str) -> int | None:
    number, unit = capacity[:-2], capacity[-2:]
    return int(number) * _BYTES[unit] if number.isdecimal() and unit in _BYTES else None
