"""The client: every reading endpoint of the Apple School and Business Manager API (apple-api.md section 3)."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from enum import StrEnum
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from appleschool.clock import Clock, SystemClock
from appleschool.errors import NotFound, ProtocolError
from appleschool.keys import Credentials
from appleschool.pace import Limits, Pace
from appleschool.records import (
    ActivationLockStatus,
    AppleCareCoverage,
    MdmServer,
    OrgDevice,
    OrgDeviceActivity,
    Page,
    UnreadableRecord,
    read_activation_lock,
    read_activity,
    read_coverage,
    read_id,
    read_mdm_server,
    read_org_device,
)
from appleschool.transport import Transport

TOKEN_URL = "https://account.apple.com/auth/oauth2/token"  # noqa: S105 - an address
LARGEST_PAGE = 1000

R = TypeVar("R")
Reader = Callable[[Any], R | UnreadableRecord]


class Kind(StrEnum):
    """Which of Apple's two services the account belongs to."""

    SCHOOL = "school"
    BUSINESS = "business"

    @property
    def api_url(self) -> str:
        return f"https://api-{self.value}.apple.com/v1"

    @property
    def scope(self) -> str:
        return f"{self.value}.api"


class AppleSchool:
    """Apple School Manager (or Apple Business) as seen by one API account.

    Use it as an async context manager. Every method raises `AppleError`s only; see `errors`.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        kind: Kind = Kind.SCHOOL,
        api_url: str | None = None,
        token_url: str | None = None,
        limits: Limits | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self._transport = Transport(
            credentials,
            scope=kind.scope,
            api_url=api_url or kind.api_url,
            token_url=token_url or TOKEN_URL,
            limits=self.limits,
            clock=clock or SystemClock(),
        )

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.__aexit__(kind, error, trace)

    @property
    def pace(self) -> Pace:
        return self._transport.pace

    @property
    def clock_skew(self) -> timedelta | None:
        """Apple's clock less ours, by the `Date` of the last token answer or error; None before the first."""
        return self._transport.clock_skew

    @property
    def granted_scope(self) -> str:
        """What the token may be used for, in Apple's words; empty before the first token."""
        return self._transport.granted_scope

    async def token(self) -> None:
        """Get a token if there is none yet: raises what is wrong with the credentials, if anything is."""
        await self._transport.token()

    def org_devices(
        self, *, limit: int = LARGEST_PAGE, cursor: str | None = None
    ) -> AsyncIterator[Page[OrgDevice]]:
        """The organization's devices page by page, from the beginning or from an earlier page's `next_cursor`.

        Raises StaleCursor when Apple no longer knows the cursor.
        """
        return self._pages("/orgDevices", read_org_device, limit=limit, cursor=cursor)

    async def org_device(self, serial_number: str) -> OrgDevice:
        """One device, released ones included while Apple still holds a record; raises NotFound otherwise."""
        return await self._one(f"/orgDevices/{_quoted(serial_number)}", read_org_device)

    async def apple_care_coverage(self, serial_number: str) -> list[AppleCareCoverage | UnreadableRecord]:
        """All coverages of a device. Empty means that Apple holds none; NotFound is left to the caller to judge."""
        path = f"/orgDevices/{_quoted(serial_number)}/appleCareCoverage"
        answer = await self._transport.get(path)
        page = _page(answer, read_coverage)
        records = list(page.records)
        while page.next_cursor is not None:
            answer = await self._transport.get(_next_link(answer, path, page.next_cursor))
            page = _page(answer, read_coverage)
            records += page.records
        return records

    async def assigned_server_id(self, serial_number: str) -> str | None:
        """The id of the device management service that a device is assigned to, None if to none."""
        try:
            answer = await self._transport.get(
                f"/orgDevices/{_quoted(serial_number)}/relationships/assignedServer"
            )
        except NotFound:
            return None
        linkage = answer.get("data")
        return (linkage.get("id") or None) if isinstance(linkage, dict) else None

    async def assigned_server(self, serial_number: str) -> MdmServer | None:
        try:
            return await self._one(f"/orgDevices/{_quoted(serial_number)}/assignedServer", read_mdm_server)
        except (NotFound, ProtocolError):
            return None

    def mdm_servers(
        self, *, limit: int = LARGEST_PAGE, cursor: str | None = None
    ) -> AsyncIterator[Page[MdmServer]]:
        return self._pages("/mdmServers", read_mdm_server, limit=limit, cursor=cursor)

    async def mdm_server(self, server_id: str) -> MdmServer:
        return await self._one(f"/mdmServers/{_quoted(server_id)}", read_mdm_server)

    def mdm_server_device_ids(
        self, server_id: str, *, limit: int = LARGEST_PAGE, cursor: str | None = None
    ) -> AsyncIterator[Page[str]]:
        """Serial numbers of the devices assigned to a device management service."""
        path = f"/mdmServers/{_quoted(server_id)}/relationships/devices"
        return self._pages(path, read_id, limit=limit, cursor=cursor)

    async def activity(self, activity_id: str) -> OrgDeviceActivity:
        return await self._one(f"/orgDeviceActivities/{_quoted(activity_id)}", read_activity)

    async def activation_lock_status(self, serial_number: str) -> ActivationLockStatus:
        return await self._one(
            f"/orgDevices/{_quoted(serial_number)}/activationLockStatus", read_activation_lock
        )

    async def _one(self, path: str, read: Reader[R]) -> R:
        record = read((await self._transport.get(path)).get("data"))
        if isinstance(record, UnreadableRecord):
            raise ProtocolError(f"Apple's answer can't be read: {record.reason}")
        return record

    async def _pages(
        self, path: str, read: Reader[R], *, limit: int, cursor: str | None
    ) -> AsyncIterator[Page[R]]:
        link = cursor if cursor and "://" in cursor else _list_link(path, limit=limit, cursor=cursor)
        while True:
            answer = await self._transport.get(link)
            page = _page(answer, read)
            if page.next_cursor == cursor and cursor is not None:
                raise ProtocolError("Apple's list goes round in a circle.")
            yield page
            if page.next_cursor is None:
                return
            cursor = page.next_cursor
            link = _next_link(answer, path, cursor, limit=limit)


def _page(answer: dict[str, Any], read: Reader[R]) -> Page[R]:
    records = answer.get("data")
    if not isinstance(records, list):
        raise ProtocolError("Apple's answer holds no list where one belongs.")
    return Page([read(record) for record in records], _next_cursor(answer))


def _next_cursor(answer: dict[str, Any]) -> str | None:
    """The end of a list is the absence of `nextCursor` and `next` (apple-api.md 2.1), not a short page."""
    meta = answer.get("meta")
    paging = meta.get("paging") if isinstance(meta, dict) else None
    cursor = paging.get("nextCursor") if isinstance(paging, dict) else None
    if isinstance(cursor, str) and cursor:
        return cursor
    link = _link(answer)
    return parse_qs(urlsplit(link).query).get("cursor", [link])[0] or None


def _link(answer: dict[str, Any]) -> str:
    links = answer.get("links")
    link = links.get("next") if isinstance(links, dict) else None
    return link if isinstance(link, str) else ""


def _next_link(answer: dict[str, Any], path: str, cursor: str, *, limit: int | None = None) -> str:
    """Apple's own `next` link, which the transport checks; else the same list with the cursor."""
    return _link(answer) or _list_link(path, limit=limit, cursor=cursor)


def _list_link(path: str, *, limit: int | None, cursor: str | None) -> str:
    query = {"limit": limit, "cursor": cursor}
    return f"{path}?{urlencode({name: value for name, value in query.items() if value})}"


def _quoted(identity: str) -> str:
    return quote(identity, safe="")
