"""What Apple says, typed.

Every field may be null, absent or odd at any time. An odd value becomes None and is named in `problems`:
what Apple really said stays in `attributes`, with fields that are new. Only a record without identity is an
`UnreadableRecord`. Words that Apple may add to (status and the like) are plain text; the enumerations here
name those known today.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

import msgspec


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


class ServerType(StrEnum):
    MDM = "MDM"
    APPLE_CONFIGURATOR = "APPLE_CONFIGURATOR"
    APPLE_MDM = "APPLE_MDM"


class ActivityStatus(StrEnum):
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    STOPPED = "STOPPED"
    FAILED = "FAILED"


class LockType(StrEnum):
    MDM = "MDM"
    USER = "USER"
    NONE = "NONE"


class UnreadableRecord(msgspec.Struct, frozen=True):
    """Something in a list that is no record we know. `reason` names the JSON path."""

    raw: Any
    reason: str


class OrgDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A device of the organization. Times are aware, in UTC; the capacity is in decimal bytes."""

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

    Dates are Apple's calendar dates, the end included. `ends` None with nothing in `problems` is open-ended.
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
    default_product_families: tuple[str, ...] = ()
    enable_mdm_disown_flag: bool | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    last_connected_at: datetime | None = None
    last_connected_ip: str | None = None
    attributes: dict[str, Any]
    problems: tuple[str, ...] = ()


class MdmDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A device that is enrolled in Apple's built-in device management (Apple Business only).

    The names of this record's and its details' attributes are those of Apple's public documentation; no answer of a
    real account was seen. The list does not tell the OS version.
    """

    id: str
    serial_number: str
    device_name: str | None = None
    product_family: str | None = None
    enrolled_user_id: str | None = None
    attributes: dict[str, Any]
    problems: tuple[str, ...] = ()


class MdmDeviceDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What built-in device management was last told by the device itself. Storage is in bytes (inferred)."""

    id: str
    serial_number: str | None = None
    device_name: str | None = None
    device_model: str | None = None
    os_version: str | None = None
    platform: str | None = None
    last_check_in_at: datetime | None = None
    storage_total: int | None = None
    storage_free: int | None = None
    is_file_vault_enabled: bool | None = None
    is_firewall_enabled: bool | None = None
    device_lock_status: str | None = None
    device_erase_status: str | None = None
    lost_mode_status: str | None = None
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
