"""From JSON to typed records. Nothing in here raises, whatever Apple sends."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from appleschool.records import (
    ActivationLockStatus,
    AppleCareCoverage,
    MdmDevice,
    MdmDeviceDetails,
    MdmServer,
    OrgDevice,
    OrgDeviceActivity,
    UnreadableRecord,
)
from appleschool.values import as_capacity, as_day, as_flag, as_macs, as_number, as_text, as_texts, as_time

LONGEST_IDENTITY = 100

R_co = TypeVar("R_co", covariant=True)
V = TypeVar("V")


class Reader(Protocol[R_co]):
    def __call__(self, record: Any, path: str) -> R_co | UnreadableRecord: ...


class _Record:
    """One record's identity and attributes; collects what is odd about them."""

    __slots__ = ("attributes", "identity", "path", "problems")

    def __init__(self, record: dict[str, Any], path: str, name: str) -> None:
        self.path = path
        self.problems: list[str] = []
        attributes = record.get("attributes")
        if attributes is not None and not isinstance(attributes, dict):
            self._note(f"{path}.attributes", "an object", attributes)
        self.attributes: dict[str, Any] = attributes if isinstance(attributes, dict) else {}
        named = self.read(name, as_text, "a text") if name else None
        self.identity = _usable(named) or _usable(record.get("id"))

    def read(self, name: str, convert: Callable[[Any], V | None], wanted: str) -> V | None:
        """The attribute as it is wanted, None without one. An empty text is no value either."""
        value = self.attributes.get(name)
        if value is None:
            return None
        converted = convert(value)
        if converted is None and value != "":
            self._note(f"{self.path}.attributes.{name}", wanted, value)
        return converted

    def text(self, name: str) -> str | None:
        return self.read(name, as_text, "a text")

    def texts(self, name: str) -> tuple[str, ...]:
        return self.read(name, as_texts, "a list of texts") or ()

    def macs(self, name: str) -> tuple[str, ...]:
        return self.read(name, as_macs, "a list of addresses") or ()

    def flag(self, name: str) -> bool | None:
        return self.read(name, as_flag, "true or false")

    def _note(self, path: str, wanted: str, value: Any) -> None:
        self.problems.append(f"{path} is not {wanted}: {_shown(value)}.")


def read_org_device(record: Any, path: str = "$") -> OrgDevice | UnreadableRecord:
    read = _open(record, path, "serialNumber")
    if isinstance(read, UnreadableRecord):
        return read
    capacity = read.text("deviceCapacity")
    return OrgDevice(
        serial_number=read.identity,
        added_to_org_at=read.read("addedToOrgDateTime", as_time, "a time"),
        released_from_org_at=read.read("releasedFromOrgDateTime", as_time, "a time"),
        updated_at=read.read("updatedDateTime", as_time, "a time"),
        ordered_at=read.read("orderDateTime", as_time, "a time"),
        device_model=read.text("deviceModel"),
        product_family=read.text("productFamily"),
        product_type=read.text("productType"),
        device_capacity=capacity,
        capacity_bytes=as_capacity(capacity),
        part_number=read.text("partNumber"),
        order_number=read.text("orderNumber"),
        color=read.text("color"),
        status=read.text("status"),
        imei=read.texts("imei"),
        meid=read.texts("meid"),
        eid=read.text("eid"),
        wifi_mac_addresses=read.macs("wifiMacAddress"),
        bluetooth_mac_addresses=read.macs("bluetoothMacAddress"),
        ethernet_mac_addresses=read.macs("ethernetMacAddress"),
        purchase_source_id=read.text("purchaseSourceId") or read.text("purchaseSourceUid"),
        purchase_source_type=read.text("purchaseSourceType"),
        is_mdm_migration_capable=read.flag("isMdmMigrationCapable"),
        mdm_migration_status=read.text("mdmMigrationStatus"),
        mdm_migration_deadline=read.read("mdmMigrationDeadlineDateTime", as_time, "a time"),
        attributes=read.attributes,
        problems=tuple(read.problems),
    )


def read_coverage(record: Any, path: str = "$") -> AppleCareCoverage | UnreadableRecord:
    read = _open(record, path)
    if isinstance(read, UnreadableRecord):
        return read
    return AppleCareCoverage(
        id=read.identity,
        description=read.text("description"),
        status=read.text("status"),
        payment_type=read.text("paymentType"),
        starts=read.read("startDateTime", as_day, "a date"),
        ends=read.read("endDateTime", as_day, "a date"),
        is_renewable=read.flag("isRenewable"),
        is_canceled=read.flag("isCanceled"),
        contract_cancelled=read.read("contractCancelDateTime", as_day, "a date"),
        agreement_number=read.text("agreementNumber"),
        attributes=read.attributes,
        problems=tuple(read.problems),
    )


def read_mdm_server(record: Any, path: str = "$") -> MdmServer | UnreadableRecord:
    read = _open(record, path)
    if isinstance(read, UnreadableRecord):
        return read
    return MdmServer(
        id=read.identity,
        name=read.text("serverName"),
        type=read.text("serverType"),
        status=read.text("status"),
        device_count=read.read("deviceCount", as_number, "a whole number"),
        default_product_families=read.texts("defaultProductFamilies"),
        enable_mdm_disown_flag=read.flag("enableMdmDisownFlag"),
        created_at=read.read("createdDateTime", as_time, "a time"),
        updated_at=read.read("updatedDateTime", as_time, "a time"),
        last_connected_at=read.read("lastConnectedDateTime", as_time, "a time"),
        last_connected_ip=read.text("lastConnectedIp"),
        attributes=read.attributes,
        problems=tuple(read.problems),
    )


def read_mdm_device(record: Any, path: str = "$") -> MdmDevice | UnreadableRecord:
    read = _open(record, path)
    if isinstance(read, UnreadableRecord):
        return read
    return MdmDevice(
        id=read.identity,
        serial_number=_usable(read.text("serialNumber")) or read.identity,
        device_name=read.text("deviceName"),
        product_family=read.text("productFamily"),
        enrolled_user_id=read.text("enrolledUserId"),
        attributes=read.attributes,
        problems=tuple(read.problems),
    )


def read_mdm_device_details(record: Any, path: str = "$") -> MdmDeviceDetails | UnreadableRecord:
    """`operatingSystemVersion` is a name that Apple's other services use (inferred)."""
    read = _open(record, path)
    if isinstance(read, UnreadableRecord):
        return read
    return MdmDeviceDetails(
        id=read.identity,
        serial_number=read.text("serialNumber"),
        device_name=read.text("deviceName"),
        device_model=read.text("deviceModel"),
        os_version=read.text("osVersion") or read.text("operatingSystemVersion"),
        platform=read.text("platform"),
        last_check_in_at=read.read("lastCheckInDateTime", as_time, "a time"),
        storage_total=read.read("storageTotalCapacity", as_number, "a whole number"),
        storage_free=read.read("storageFreeCapacity", as_number, "a whole number"),
        is_file_vault_enabled=read.flag("isFileVaultEnabled"),
        is_firewall_enabled=read.flag("isFirewallEnabled"),
        device_lock_status=read.text("deviceLockStatus"),
        device_erase_status=read.text("deviceEraseStatus"),
        lost_mode_status=read.text("lostModeStatus"),
        attributes=read.attributes,
        problems=tuple(read.problems),
    )


def read_activity(record: Any, path: str = "$") -> OrgDeviceActivity | UnreadableRecord:
    read = _open(record, path)
    if isinstance(read, UnreadableRecord):
        return read
    return OrgDeviceActivity(
        id=read.identity,
        status=read.text("status"),
        sub_status=read.text("subStatus"),
        created_at=read.read("createdDateTime", as_time, "a time"),
        completed_at=read.read("completedDateTime", as_time, "a time"),
        download_url=read.text("downloadUrl"),
        attributes=read.attributes,
        problems=tuple(read.problems),
    )


def read_activation_lock(record: Any, path: str = "$") -> ActivationLockStatus | UnreadableRecord:
    read = _open(record, path)
    if isinstance(read, UnreadableRecord):
        return read
    return ActivationLockStatus(
        id=read.identity,
        is_locked=read.flag("isLocked"),
        lock_type=read.text("lockType"),
        attributes=read.attributes,
        problems=tuple(read.problems),
    )


def read_id(record: Any, path: str = "$") -> str | UnreadableRecord:
    """The id of a linkage."""
    read = _open(record, path)
    return read if isinstance(read, UnreadableRecord) else read.identity


def _open(record: Any, path: str, name: str = "") -> _Record | UnreadableRecord:
    """The record, by the attribute `name` or else its `id`."""
    if not isinstance(record, dict):
        return UnreadableRecord(record, f"{path} is not an object: {_shown(record)}.")
    read = _Record(record, path, name)
    if not read.identity:
        return UnreadableRecord(record, f"{path}.id is not a usable text: {_shown(record.get('id'))}.")
    return read


def _usable(identity: Any) -> str:
    text = (as_text(identity) or "").strip()
    return text if len(text) <= LONGEST_IDENTITY else ""


def _shown(value: Any) -> str:
    """The start of it. A container may be endless and is only named."""
    match value:
        case dict():
            return "an object"
        case list():
            return "a list"
        case None:
            return "nothing"
        case str():
            return repr(value[:60])
        case _:
            return str(value)[:60]
