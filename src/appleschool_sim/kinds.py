"""The closed sets of words that the simulated Apple speaks."""

from enum import StrEnum


class Kind(StrEnum):
    """Which of Apple's two portals is simulated."""

    SCHOOL = "school"
    BUSINESS = "business"

    @property
    def scope(self) -> str:
        return f"{self.value}.api"

    @property
    def client_prefix(self) -> str:
        return f"{self.value.upper()}API."


class PurchaseSource(StrEnum):
    APPLE = "APPLE"
    RESELLER = "RESELLER"
    MANUALLY_ADDED = "MANUALLY_ADDED"


class PaymentType(StrEnum):
    ABE_SUBSCRIPTION = "ABE_SUBSCRIPTION"
    PAID_UP_FRONT = "PAID_UP_FRONT"
    SUBSCRIPTION = "SUBSCRIPTION"
    NONE = "NONE"


class CoverageKind(StrEnum):
    """What a device's coverage records amount to on a given day."""

    NONE = "none"
    LIMITED = "limited"
    PLAN = "plan"
    EXPIRED = "expired"
    CANCELED = "canceled"
    OPEN_ENDED = "open_ended"


class RequestKind(StrEnum):
    """What a request asks for; the client's requests are counted by it."""

    TOKEN = "token"  # noqa: S105 - the name of an endpoint
    DEVICES = "devices"
    DEVICE = "device"
    COVERAGE = "coverage"
    ASSIGNED_SERVER_LINKAGE = "assigned_server_linkage"
    ASSIGNED_SERVER = "assigned_server"
    ACTIVATION_LOCK = "activation_lock"
    SERVERS = "servers"
    SERVER = "server"
    SERVER_DEVICES = "server_devices"
    MDM_DEVICES = "mdm_devices"
    MDM_DEVICE_DETAILS = "mdm_device_details"
    CREATE_ACTIVITY = "create_activity"
    ACTIVITY = "activity"
    ACTIVITY_LOG = "activity_log"
    UNKNOWN = "unknown"
