"""Everything Apple's servers are known or feared to do, each to be switched on at run time."""

import random
from enum import StrEnum

import msgspec

from appleschool_sim.kinds import RequestKind


class Fault(StrEnum):
    THROTTLED = "throttled"
    THROTTLED_DATE = "throttled_date"
    THROTTLED_SILENT = "throttled_silent"
    TOKEN_THROTTLED = "token_throttled"  # noqa: S105 - the name of a fault
    TOKEN_REFUSED = "token_refused"  # noqa: S105 - the name of a fault
    SERVER_ERROR = "server_error"
    UNAVAILABLE = "unavailable"
    CUT_BODY = "cut_body"
    BROKEN_JSON = "broken_json"
    DROPPED = "dropped"
    SLOW = "slow"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    STALE_CURSOR = "stale_cursor"
    FOREIGN_NEXT = "foreign_next"
    COVERAGE_NOT_FOUND = "coverage_not_found"
    COVERAGE_FAILING = "coverage_failing"
    PURCHASE_SOURCE_UID = "purchase_source_uid"
    UNKNOWN_ATTRIBUTES = "unknown_attributes"
    UNKNOWN_ENUM = "unknown_enum"
    BAD_DATE = "bad_date"
    NO_SERIAL = "no_serial"
    MAC_ARRAYS = "mac_arrays"
    EMPTY_SERVER_ID = "empty_server_id"
    OTHER_MDM_IDS = "other_mdm_ids"
    NO_OS_VERSION = "no_os_version"


MEANINGS = {
    Fault.THROTTLED: "429 with Retry-After in seconds",
    Fault.THROTTLED_DATE: "429 with Retry-After as a date",
    Fault.THROTTLED_SILENT: "429 without Retry-After",
    Fault.TOKEN_THROTTLED: "429 from the token endpoint",
    Fault.TOKEN_REFUSED: "400 invalid_client from the token endpoint",
    Fault.SERVER_ERROR: "500 with an HTML page",
    Fault.UNAVAILABLE: "503",
    Fault.CUT_BODY: "the connection ends in the middle of the answer",
    Fault.BROKEN_JSON: "a whole answer whose JSON ends in the middle",
    Fault.DROPPED: "the connection ends without an answer",
    Fault.SLOW: "the answer comes after some seconds",
    Fault.UNAUTHORIZED: "401; the bearer token is bad from then on",
    Fault.FORBIDDEN: "403, as for a role without the right",
    Fault.STALE_CURSOR: "400 for a cursor that was good",
    Fault.FOREIGN_NEXT: "the link to the next page leads to another host",
    Fault.COVERAGE_NOT_FOUND: "404 for the coverage of a device without plan",
    Fault.COVERAGE_FAILING: "500 for a device's coverage",
    Fault.PURCHASE_SOURCE_UID: "purchaseSourceUid in the place of purchaseSourceId",
    Fault.UNKNOWN_ATTRIBUTES: "attributes nobody has heard of",
    Fault.UNKNOWN_ENUM: "new words for status, family, source, payment",
    Fault.BAD_DATE: "a date that is none",
    Fault.NO_SERIAL: "a record without serialNumber",
    Fault.MAC_ARRAYS: "MAC addresses as arrays",
    Fault.EMPTY_SERVER_ID: "200 with an empty id for the server of an unassigned device",
    Fault.OTHER_MDM_IDS: "devices in built-in device management have an id that is not their serial number",
    Fault.NO_OS_VERSION: "built-in device management tells no OS version",
}
"""What clients meet, in words for people."""
LONGEST_WAIT = 366 * 86_400
TOKEN_FAULTS = frozenset({Fault.TOKEN_THROTTLED, Fault.TOKEN_REFUSED})


class FaultSetting(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """When a fault strikes: of the requests it could meet, after the first `after`, `count` times at most."""

    probability: float = 1.0
    count: int | None = None
    after: int = 0
    kinds: list[RequestKind] | None = None
    serials: list[str] | None = None
    seconds: float = 2.0
    met: int = 0
    struck: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1 or self.after < 0:
            message = "probability must lie between 0 and 1, and after must not be negative"
            raise ValueError(message)
        if not 0 <= self.seconds <= LONGEST_WAIT:
            message = f"seconds must lie between 0 and {LONGEST_WAIT}"
            raise ValueError(message)


class Faults:
    """The faults that are switched on. Chance follows from the seed."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - must be repeatable, not secret
        self.active: dict[Fault, FaultSetting] = {}

    def switch_on(self, fault: Fault, setting: FaultSetting) -> None:
        self.active[fault] = setting

    def switch_off(self, fault: Fault | None = None) -> None:
        if fault is None:
            self.active.clear()
        else:
            self.active.pop(fault, None)

    def strikes(self, fault: Fault, kind: RequestKind, serial: str | None = None) -> FaultSetting | None:
        """The fault's setting if it strikes this request, or this device's record."""
        setting = self.active.get(fault)
        if setting is None:
            return None
        if setting.kinds is None:
            # Token requests meet only the faults of their own unless they are named.
            if kind is RequestKind.TOKEN and fault not in TOKEN_FAULTS:
                return None
        elif kind not in setting.kinds:
            return None
        if setting.serials is not None and serial not in setting.serials:
            return None
        setting.met += 1
        spent = setting.count is not None and setting.struck >= setting.count
        if setting.met <= setting.after or spent or self._chance.random() >= setting.probability:
            return None
        setting.struck += 1
        return setting
