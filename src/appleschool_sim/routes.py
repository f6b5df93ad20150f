"""Which path means which endpoint."""

from urllib.parse import unquote

from appleschool_sim.kinds import RequestKind

TOKEN_PATHS = frozenset({"/auth/oauth2/token", "/auth/oauth2/v2/token"})
LOG_PATH = "/activityLogs/"
# Method, collection, whether an id follows, and what follows the id.
_ENDPOINTS = {
    ("GET", "orgDevices", False, ""): RequestKind.DEVICES,
    ("GET", "orgDevices", True, ""): RequestKind.DEVICE,
    ("GET", "orgDevices", True, "appleCareCoverage"): RequestKind.COVERAGE,
    ("GET", "orgDevices", True, "relationships/assignedServer"): RequestKind.ASSIGNED_SERVER_LINKAGE,
    ("GET", "orgDevices", True, "assignedServer"): RequestKind.ASSIGNED_SERVER,
    ("GET", "orgDevices", True, "activationLockStatus"): RequestKind.ACTIVATION_LOCK,
    ("GET", "mdmServers", False, ""): RequestKind.SERVERS,
    ("GET", "mdmServers", True, ""): RequestKind.SERVER,
    ("GET", "mdmServers", True, "relationships/devices"): RequestKind.SERVER_DEVICES,
    ("GET", "mdmDevices", False, ""): RequestKind.MDM_DEVICES,
    ("GET", "mdmDevices", True, "details"): RequestKind.MDM_DEVICE_DETAILS,
    ("POST", "orgDeviceActivities", False, ""): RequestKind.CREATE_ACTIVITY,
    ("GET", "orgDeviceActivities", True, ""): RequestKind.ACTIVITY,
}


def route(method: str, path: str) -> tuple[RequestKind, str]:
    """The endpoint and the id in the path."""
    if method == "GET" and path.startswith(LOG_PATH):
        return RequestKind.ACTIVITY_LOG, path.removeprefix(LOG_PATH)
    if path in TOKEN_PATHS:
        return (RequestKind.TOKEN, "") if method == "POST" else (RequestKind.UNKNOWN, "")
    _, _, rest = path.partition("/v1/")
    parts = rest.split("/")
    identity = unquote(parts[1]) if len(parts) > 1 else ""
    shape = (method, parts[0], len(parts) > 1, "/".join(parts[2:]))
    return (
        _ENDPOINTS.get(shape, RequestKind.UNKNOWN) if path.startswith("/v1/") else RequestKind.UNKNOWN
    ), identity
