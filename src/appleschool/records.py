"""What Apple says, typed (apple-api.md sections 4 to 6).

Every field may be null, absent or odd at any time. An odd value becomes None and is named in `problems`; what
Apple really said stays in `attributes`, fields that are new to us included. Only a record without any identity
is an `UnreadableRecord`.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

import msgspec

R = TypeVar("R")
V = TypeVar("V")


class DeviceStatus(StrEnum):
    ASSIGNED = "ASSIGNED"
    UNASSIGNED = "UNASSIGNED"


class CoverageStatus(StrEnum):
    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"


class PaymentType(StrEnum):
    ABE_SUBSCRIPTION = "ABE_SUBSCRIPTION"
    PAID_UP_FRONT = "PAID_UP_FRONT"
    SUBSCRIPTION = "SUBSCRIPTION"
    NONE = "NONE"


class PurchaseSource(StrEnum):
    APPLE = "APPLE"
    RESELLER = "RESELLER"
    MANUALLY_ADDED = "MANUALLY_ADDED"


class UnreadableRecord(msgspec.Struct, frozen=True):
    """Something in a list that is no record we know. `reason` names the JSON path."""

    raw: Any
    reason: str


class Page(msgspec.Struct, Generic[R], frozen=True):
    """One page of a list. `next_cursor` is where to go on, None at the end."""

    records: list[R | UnreadableRecord]
    next_cursor: str | None


class OrgDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A device of the organization. Times are aware, in UTC; the capacity is in bytes, decimal as Apple counts."""

    serial_number: str
    added_to_org_at: datetime | None = None
    released_from_org_at: datetime | None = None
    updated_at: datetime | None = None
    ordered_at: datetime | None = None
    device_model: str | None = None
    product_family: str | None = None
    product_type: str | None = None
    device_capacity: str | None = None
    capacity_bytes: int | None = None
    part_number: str | None = None
    order_number: str | None = None
    color: str | None = None
    status: str | None = None
    imei: tuple[str, ...] = ()
    meid: tuple[str, ...] = ()
    eid: str | None = None
    wifi_mac_addresses: tuple[str, ...] = ()
    bluetooth_mac_addresses: tuple[str, ...] = ()
    ethernet_mac_addresses: tuple[str, ...] = ()
    purchase_source_id: str | None = None
    purchase_source_type: str | None = None
    is_mdm_migration_capable: bool | None = None
    mdm_migration_status: str | None = None
    mdm_migration_deadline: datetime | None = None
    attributes: dict[str, Any]
    problems: tuple[str, ...] = ()


class AppleCareCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """One coverage of a device: the limited warranty or an AppleCare plan.

    Dates are Apple's calendar dates (UTC), the end included. `ends` None with nothing in `problems` is open-ended.
    """

    id: str
    description: str | None = None
    status: str | None = None
    payment_type: str | None = None
    starts: date | None = None
    ends: date | None = None
    is_renewable: bool | None = None
    is_canceled: bool | None = None
    contract_cancelled: date | None = None
    agreement_number: str | None = None
    attributes: dict[str, Any]
    problems: tuple[str, ...] = ()


class MdmServer(msgspec.Struct, frozen=True, kw_only=True):
    """A device management service."""

    id: str
    name: str | None = None
    type: str | None = None
    status: str | None = None
    device_count: int | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    last_connected_at: datetime | None = None
    attributes: dict[str, Any]
    problems: tuple[str, ...] = ()


class OrgDeviceActivity(msgspec.Struct, frozen=True, kw_only=True):
    """An assignment of devices to a service, as it went."""

    id: str
    status: str | None = None
    sub_status: str | None = None
    created_at: datetime | None = None
    completed_at: datetime | None = None
    download_url: str | None = None
    attributes: dict[str, Any]
    problems: tuple[str, ...] = ()


class ActivationLockStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a device is locked, and by whom: `MDM`, `USER` or `NONE`."""

    id: str
    is_locked: bool | None = None
    lock_type: str | None = None
    attributes: dict[str, Any]
    problems: tuple[str, ...] = ()


class _Attributes:
    """Reads one record's attributes and collects what is odd about them."""

    __slots__ = ("problems", "values")

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values
        self.problems: list[str] = []

    def _read(self, name: str, convert: Callable[[Any], V | None]) -> V | None:
        value = self.values.get(name)
        if value is None:
            return None
        converted = convert(value)
        if converted is None and value != "":
            self.problems.append(f"$.attributes.{name} is odd: {repr(value)[:100]}.")
        return converted

    def text(self, name: str) -> str | None:
        return self._read(name, _text)

    def flag(self, name: str) -> bool | None:
        return self._read(name, lambda value: value if isinstance(value, bool) else None)

    def number(self, name: str) -> int | None:
        return self._read(name, lambda value: value if type(value) is int else None)

    def time(self, name: str) -> datetime | None:
        return self._read(name, _time)

    def day(self, name: str) -> date | None:
        time = self._read(name, _time)
        return time.date() if time else None

    def texts(self, name: str) -> tuple[str, ...]:
        return self._read(name, _texts) or ()

    def macs(self, name: str) -> tuple[str, ...]:
        return tuple(_mac(text) for text in self.texts(name))


def read_org_device(record: Any) -> OrgDevice | UnreadableRecord:
    identity, values, problem = _identified(record, "serialNumber")
    if problem:
        return UnreadableRecord(record, problem)
    read = _Attributes(values)
    capacity = read.text("deviceCapacity")
    device = {
        "added_to_org_at": read.time("addedToOrgDateTime"),
        "released_from_org_at": read.time("releasedFromOrgDateTime"),
        "updated_at": read.time("updatedDateTime"),
        "ordered_at": read.time("orderDateTime"),
        "device_model": read.text("deviceModel"),
        "product_family": read.text("productFamily"),
        "product_type": read.text("productType"),
        "device_capacity": capacity,
        "capacity_bytes": _capacity(capacity),
        "part_number": read.text("partNumber"),
        "order_number": read.text("orderNumber"),
        "color": read.text("color"),
        "status": read.text("status"),
        "imei": read.texts("imei"),
        "meid": read.texts("meid"),
        "eid": read.text("eid"),
        "wifi_mac_addresses": read.macs("wifiMacAddress"),
        "bluetooth_mac_addresses": read.macs("bluetoothMacAddress"),
        "ethernet_mac_addresses": read.macs("ethernetMacAddress"),
        "purchase_source_id": read.text("purchaseSourceId") or read.text("purchaseSourceUid"),
        "purchase_source_type": read.text("purchaseSourceType"),
        "is_mdm_migration_capable": read.flag("isMdmMigrationCapable"),
        "mdm_migration_status": read.text("mdmMigrationStatus"),
        "mdm_migration_deadline": read.time("mdmMigrationDeadlineDateTime"),
    }
    return OrgDevice(serial_number=identity, attributes=values, problems=tuple(read.problems), **device)


def read_coverage(record: Any) -> AppleCareCoverage | UnreadableRecord:
    identity, values, problem = _identified(record)
    if problem:
        return UnreadableRecord(record, problem)
    read = _Attributes(values)
    coverage = {
        "description": read.text("description"),
        "status": read.text("status"),
        "payment_type": read.text("paymentType"),
        "starts": read.day("startDateTime"),
        "ends": read.day("endDateTime"),
        "is_renewable": read.flag("isRenewable"),
        "is_canceled": read.flag("isCanceled"),
        "contract_cancelled": read.day("contractCancelDateTime"),
        "agreement_number": read.text("agreementNumber"),
    }
    return AppleCareCoverage(id=identity, attributes=values, problems=tuple(read.problems), **coverage)


def read_mdm_server(record: Any) -> MdmServer | UnreadableRecord:
    identity, values, problem = _identified(record)
    if problem:
        return UnreadableRecord(record, problem)
    read = _Attributes(values)
    server = {
        "name": read.text("serverName"),
        "type": read.text("serverType"),
        "status": read.text("status"),
        "device_count": read.number("deviceCount"),
        "created_at": read.time("createdDateTime"),
        "updated_at": read.time("updatedDateTime"),
        "last_connected_at": read.time("lastConnectedDateTime"),
    }
    return MdmServer(id=identity, attributes=values, problems=tuple(read.problems), **server)


def read_activity(record: Any) -> OrgDeviceActivity | UnreadableRecord:
    identity, values, problem = _identified(record)
    if problem:
        return UnreadableRecord(record, problem)
    read = _Attributes(values)
    activity = {
        "status": read.text("status"),
        "sub_status": read.text("subStatus"),
        "created_at": read.time("createdDateTime"),
        "completed_at": read.time("completedDateTime"),
        "download_url": read.text("downloadUrl"),
    }
    return OrgDeviceActivity(id=identity, attributes=values, problems=tuple(read.problems), **activity)


def read_activation_lock(record: Any) -> ActivationLockStatus | UnreadableRecord:
    identity, values, problem = _identified(record)
    if problem:
        return UnreadableRecord(record, problem)
    read = _Attributes(values)
    lock = {"is_locked": read.flag("isLocked"), "lock_type": read.text("lockType")}
    return ActivationLockStatus(id=identity, attributes=values, problems=tuple(read.problems), **lock)


def read_id(record: Any) -> str | UnreadableRecord:
    """The id of a linkage."""
    identity, _values, problem = _identified(record)
    return UnreadableRecord(record, problem) if problem else identity


def _identified(record: Any, alias: str = "") -> tuple[str, dict[str, Any], str]:
    """Identity, attributes, and why the record can't be read (empty if it can)."""
    if not isinstance(record, Mapping):
        return "", {}, "$ is not an object."
    values = record.get("attributes")
    if values is not None and not isinstance(values, dict):
        return "", {}, "$.attributes is not an object."
    values = values or {}
    identity = values.get(alias) or record.get("id")
    if not isinstance(identity, str) or not identity.strip():
        return "", {}, "$.id is missing." if identity is None else "$.id is odd."
    return identity, values, ""


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and "\0" not in value else None


def _texts(value: Any) -> tuple[str, ...] | None:
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in values):
        return None
    return tuple(text for text in values if text)


def _time(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


_HEX = re.compile(r"^[0-9A-Fa-f]{12}$")


def _mac(text: str) -> str:
    """`A4C3F0112233`, `a4:c3:…` and `a4-c3-…` alike as `A4:C3:F0:11:22:33`; anything else as it is."""
    bare = text.replace(":", "").replace("-", "")
    if not _HEX.match(bare):
        return text
    return ":".join(bare[i : i + 2] for i in range(0, 12, 2)).upper()


_CAPACITY = re.compile(r"^(\d{1,6})\s?(MB|GB|TB)$")
_UNITS = {"MB": 10**6, "GB": 10**9, "TB": 10**12}


def _capacity(text: str | None) -> int | None:
    found = _CAPACITY.match(text or "")
    return int(found[1]) * _UNITS[found[2]] if found else None
