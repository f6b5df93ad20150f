"""The Apple School and Business Manager API, typed and asynchronous.

    credentials = Credentials(client_id=..., key_id=..., private_key=PrivateKey.from_pem(pem))
    async with AppleSchool(credentials) as apple:
        async for page in apple.org_devices():
            ...

See docs/appleschool.md. Nothing here knows of Django or of Homeroom.
"""

from appleschool.client import TOKEN_URL, AppleSchool, Kind
from appleschool.clock import Clock, SystemClock
from appleschool.errors import (
    AppleError,
    Forbidden,
    ForeignLink,
    GarbledAnswer,
    InvalidClient,
    KeyProblem,
    NotAuthorized,
    NotFound,
    PrivateKeyError,
    ProtocolError,
    RateLimited,
    RequestError,
    ServerError,
    StaleCursor,
    Unreachable,
)
from appleschool.keys import AUDIENCE, Credentials, PrivateKey
from appleschool.limits import Limits
from appleschool.pace import Pace
from appleschool.paging import LARGEST_PAGE, Page
from appleschool.records import (
    ActivationLockStatus,
    ActivityStatus,
    AppleCareCoverage,
    CoverageStatus,
    DeviceStatus,
    LockType,
    MdmDevice,
    MdmDeviceDetails,
    MdmServer,
    OrgDevice,
    OrgDeviceActivity,
    PaymentType,
    PurchaseSource,
    ServerType,
    UnreadableRecord,
)

__all__ = [
    "AUDIENCE",
    "LARGEST_PAGE",
    "TOKEN_URL",
    "ActivationLockStatus",
    "ActivityStatus",
    "AppleCareCoverage",
    "AppleError",
    "AppleSchool",
    "Clock",
    "CoverageStatus",
    "Credentials",
    "DeviceStatus",
    "Forbidden",
    "ForeignLink",
    "GarbledAnswer",
    "InvalidClient",
    "KeyProblem",
    "Kind",
    "Limits",
    "LockType",
    "MdmDevice",
    "MdmDeviceDetails",
    "MdmServer",
    "NotAuthorized",
    "NotFound",
    "OrgDevice",
    "OrgDeviceActivity",
    "Pace",
    "Page",
    "PaymentType",
    "PrivateKey",
    "PrivateKeyError",
    "ProtocolError",
    "PurchaseSource",
    "RateLimited",
    "RequestError",
    "ServerError",
    "ServerType",
    "StaleCursor",
    "SystemClock",
    "Unreachable",
    "UnreadableRecord",
]
