"""Which path means which endpoint."""

from appleschool_sim.kinds import RequestKind

TOKEN_PATHS = frozenset({"/auth/oauth2/token", "/auth/oauth2/v2/token"})
_DEVICE_PATHS = {
    ("appleCareCoverage",): RequestKind.COVERAGE,
    ("assignedServer",): RequestKind.ASSIGNED_SERVER,
    ("relationships", "assignedServer"): RequestKind.ASSIGNED_SERVER_LINKAGE,
    ("activationLockStatus",): RequestKind.ACTIVATION_LOCK,
}
_LISTS = {"orgDevices": RequestKind.DEVICES, "mdmServers": RequestKind.SERVERS}
_SINGLES = {
    "orgDevices": RequestKind.DEVICE,
    "mdmServers": RequestKind.SERVER,
    "orgDeviceActivities": RequestKind.ACTIVITY,
}


def route(method: str, path: str) -> tuple[RequestKind, str]:
    """The endpoint and the id in the path."""
    if path in TOKEN_PATHS:
        return (RequestKind.TOKEN, "") if method == "POST" else (RequestKind.UNKNOWN, "")
    _, _, rest = path.partition("/v1/")
    collection, *parts = rest.split("/")
    if method == "POST":
        is_activity = collection == "orgDeviceActivities" and not parts
        return (RequestKind.CREATE_ACTIVITY if is_activity else RequestKind.UNKNOWN), ""
    if method != "GET" or not path.startswith("/v1/"):
        return RequestKind.UNKNOWN, ""
    if not parts:
        return _LISTS.get(collection, RequestKind.UNKNOWN), ""
    identity, tail = parts[0], tuple(parts[1:])
    if not tail:
        return _SINGLES.get(collection, RequestKind.UNKNOWN), identity
    if collection == "orgDevices":
        return _DEVICE_PATHS.get(tail, RequestKind.UNKNOWN), identity
    if collection == "mdmServers" and tail == ("relationships", "devices"):
        return RequestKind.SERVER_DEVICES, identity
    return RequestKind.UNKNOWN, identity
