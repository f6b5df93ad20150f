"""Devices, coverage and servers in the shape of Apple's resources."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from appleschool_sim.coverages import Coverage
from appleschool_sim.devices import Device
from appleschool_sim.faults import Fault, Faults
from appleschool_sim.kinds import RequestKind
from appleschool_sim.world import MdmServer

DEVICE_FIELDS = frozenset(
    {
        *("serialNumber", "addedToOrgDateTime", "releasedFromOrgDateTime", "updatedDateTime", "deviceModel"),
        *("productFamily", "productType", "deviceCapacity", "partNumber", "orderNumber", "color", "status"),
        *(
            "orderDateTime",
            "imei",
            "meid",
            "eid",
            "wifiMacAddress",
            "bluetoothMacAddress",
            "ethernetMacAddress",
        ),
        *("purchaseSourceId", "purchaseSourceType", "assignedServer", "appleCareCoverage"),
    }
)
COVERAGE_FIELDS = frozenset(
    {
        *("description", "status", "paymentType", "startDateTime", "endDateTime", "agreementNumber"),
        *("isRenewable", "isCanceled", "contractCancelDateTime"),
    }
)
SERVER_FIELDS = frozenset(
    {
        *("serverName", "serverType", "createdDateTime", "updatedDateTime", "status", "deviceCount"),
        *(
            "defaultProductFamilies",
            "enableMdmDisownFlag",
            "lastConnectedDateTime",
            "lastConnectedIp",
            "devices",
        ),
    }
)
ACTIVITY_FIELDS = frozenset({"status", "subStatus", "createdDateTime", "completedDateTime", "downloadUrl"})
LOCK_FIELDS = frozenset({"isLocked", "lockType"})
# What stays in a record even where the record leaves out what is empty.
_ALWAYS_THERE = {"color", "releasedFromOrgDateTime"}
_EMPTY: tuple[object, ...] = (None, (), [])


def with_milliseconds(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.isoformat(timespec='milliseconds')[:-6]}Z"


def without_milliseconds(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.isoformat(timespec='seconds')[:-6]}Z"


def chosen(attributes: dict[str, Any], fields: Collection[str] | None) -> dict[str, Any]:
    return attributes if fields is None else {name: attributes[name] for name in attributes if name in fields}


def device_attributes(device: Device, *, shows_release: bool) -> dict[str, Any]:
    empty: list[str] | None = None if device.index % 3 else []
    attributes: dict[str, Any] = {
        "serialNumber": device.serial,
        "addedToOrgDateTime": with_milliseconds(device.added),
        "releasedFromOrgDateTime": with_milliseconds(device.released) if shows_release else None,
        "updatedDateTime": with_milliseconds(device.updated),
        "deviceModel": device.model.name,
        "productFamily": device.model.family,
        "productType": device.model.product_type,
        "deviceCapacity": device.capacity,
        "partNumber": device.part_number,
        "orderNumber": device.order_number,
        "color": device.color,
        "status": "ASSIGNED" if device.server_id and device.released is None else "UNASSIGNED",
        "orderDateTime": without_milliseconds(device.ordered),
        "imei": device.imei or empty,
        "meid": device.meid or empty,
        "eid": device.eid,
        "wifiMacAddress": device.wifi_mac,
        "bluetoothMacAddress": device.bluetooth_mac,
        "ethernetMacAddress": device.ethernet_mac or None,
        "purchaseSourceId": device.source_id,
        "purchaseSourceType": device.source,
        "isMdmMigrationCapable": device.model.family != "AppleTV",
    }
    if device.migration_status is not None:
        attributes["mdmMigrationStatus"] = device.migration_status
        attributes["mdmMigrationDeadlineDateTime"] = with_milliseconds(device.migration_deadline)
    if device.leaves_out_empty:
        return {
            name: value for name, value in attributes.items() if value not in _EMPTY or name in _ALWAYS_THERE
        }
    return attributes


def device_resource(
    device: Device, attributes: dict[str, Any], *, base: str, fields: Collection[str] | None
) -> dict[str, Any]:
    link = f"{base}/v1/orgDevices/{device.serial}"
    relationships = {
        "assignedServer": {
            "links": {"self": f"{link}/relationships/assignedServer", "related": f"{link}/assignedServer"}
        },
        "appleCareCoverage": {"links": {"related": f"{link}/appleCareCoverage"}},
        "activationLockStatus": {"links": {"related": f"{link}/activationLockStatus"}},
    }
    if fields is not None:
        relationships = {name: value for name, value in relationships.items() if name in fields}
    resource: dict[str, Any] = {"type": "orgDevices", "id": device.serial, "attributes": attributes}
    if relationships:
        resource["relationships"] = relationships
    resource["links"] = {"self": link}
    return resource


def coverage_attributes(record: Coverage, today: date, *, leaves_out_empty: bool) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "description": record.description,
        "status": "ACTIVE" if record.is_active(today) else "INACTIVE",
        "paymentType": record.payment,
        "startDateTime": without_milliseconds(record.starts),
        "endDateTime": without_milliseconds(record.ends),
        "agreementNumber": record.agreement,
        "isRenewable": record.renewable,
        "isCanceled": record.canceled is not None,
        "contractCancelDateTime": without_milliseconds(record.canceled),
    }
    if leaves_out_empty:
        return {name: value for name, value in attributes.items() if value is not None}
    return attributes


def server_resource(
    server: MdmServer, *, device_count: int, seen: datetime, base: str, fields: Collection[str] | None
) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "serverName": server.name,
        "serverType": server.type,
        "createdDateTime": "2021-07-06T15:20:41.508Z",
        "updatedDateTime": "2025-06-18T08:31:07.204Z",
        "status": server.status,
        "deviceCount": device_count,
        "defaultProductFamilies": server.families,
        "enableMdmDisownFlag": False,
    }
    if server.type == "MDM":
        # Apple Configurator is an app and never connects; what is out of use connects no longer.
        is_in_use = server.status == "ACTIVE"
        attributes["lastConnectedDateTime"] = with_milliseconds(seen) if is_in_use else None
        attributes["lastConnectedIp"] = "192.0.2.17" if is_in_use else None
    link = f"{base}/v1/mdmServers/{server.id}"
    resource: dict[str, Any] = {
        "type": "mdmServers",
        "id": server.id,
        "attributes": chosen(attributes, fields),
    }
    if fields is None or "devices" in fields:
        resource["relationships"] = {"devices": {"links": {"self": f"{link}/relationships/devices"}}}
    return resource | {"links": {"self": link}}


def damage_device(
    attributes: dict[str, Any], device: Device, faults: Faults, kind: RequestKind
) -> dict[str, Any]:
    """Apply the faults of single records, in place."""

    def strikes(fault: Fault) -> bool:
        return faults.strikes(fault, kind, device.serial) is not None

    if strikes(Fault.PURCHASE_SOURCE_UID) and "purchaseSourceId" in attributes:
        attributes["purchaseSourceUid"] = attributes.pop("purchaseSourceId")
    if strikes(Fault.UNKNOWN_ATTRIBUTES):
        attributes |= {"batteryHealth": {"cycleCount": 12}, "isRefurbished": False, "tags": ["a", 1, None]}
    if strikes(Fault.UNKNOWN_ENUM):
        attributes |= {"status": "IN_TRANSIT", "productFamily": "HomeHub", "purchaseSourceType": "LEASED"}
    if strikes(Fault.BAD_DATE) and "addedToOrgDateTime" in attributes:
        attributes["addedToOrgDateTime"] = "2026-02-31T25:00:00Z"
    if strikes(Fault.NO_SERIAL):
        attributes.pop("serialNumber", None)
    if strikes(Fault.MAC_ARRAYS):
        for name in ("wifiMacAddress", "bluetoothMacAddress"):
            if attributes.get(name):
                attributes[name] = [attributes[name]]
    return attributes


def damage_coverage(attributes: dict[str, Any], serial: str, faults: Faults) -> dict[str, Any]:
    """Apply the faults of single records, in place."""
    kind = RequestKind.COVERAGE
    if faults.strikes(Fault.UNKNOWN_ATTRIBUTES, kind, serial):
        attributes |= {"incidentsUsed": 1, "planTier": {"name": "gold"}}
    if faults.strikes(Fault.UNKNOWN_ENUM, kind, serial):
        attributes |= {"status": "SUSPENDED", "paymentType": "BARTER"}
    if faults.strikes(Fault.BAD_DATE, kind, serial):
        attributes["endDateTime"] = "soon"
    return attributes
