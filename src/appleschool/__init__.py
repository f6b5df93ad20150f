"""The Apple School and Business Manager API, typed and asynchronous.

    credentials = Credentials(client_id, key_id, PrivateKey.from_pem(pem))
    async with AppleSchool(credentials) as apple:
        async for page in apple.org_devices():
            ...

See docs/appleschool.md. Nothing here knows of Django or of Homeroom.
"""

from appleschool.client import LARGEST_PAGE, TOKEN_URL, AppleSchool, Kind
from appleschool.clock import Clock, SystemClock
from appleschool.errors import (
    AppleError,
    ForeignLink,
    Forbidden,
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
from appleschool.keys import Credentials, PrivateKey
from appleschool.pace import Limits, Pace
from appleschool.records import (
    ActivationLockStatus,
    AppleCareCoverage,
    CoverageStatus,
    DeviceStatus,
    MdmServer,
    OrgDevice,
    OrgDeviceActivity,
    Page,
    PaymentType,
    PurchaseSource,
    UnreadableRecord,
)

__all__ = [
    "LARGEST_PAGE",
    "TOKEN_URL",
    "ActivationLockStatus",
    "AppleCareCoverage",
    "AppleError",
    "AppleSchool",
    "Clock",
    "CoverageStatus",
    "Credentials",
    "DeviceStatus",
    "ForeignLink",
    "Forbidden",
    "InvalidClient",
    "KeyProblem",
    "Kind",
    "Limits",
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
    "StaleCursor",
    "SystemClock",
    "Unreachable",
    "UnreadableRecord",
]
