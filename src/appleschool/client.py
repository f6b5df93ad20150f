"""The client: every reading endpoint of the Apple School and Business Manager API."""

from collections.abc import AsyncIterator
from datetime import timedelta
from enum import StrEnum
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote

from yarl import URL

from appleschool.clock import Clock, SystemClock
from appleschool.errors import NotFound, ProtocolError
from appleschool.keys import AUDIENCE, Credentials
from appleschool.limits import Limits
from appleschool.pace import Pace
from appleschool.paging import LARGEST_PAGE, Page, Pages
from appleschool.reading import (
    Reader,
    read_activation_lock,
    read_activity,
    read_coverage,
    read_id,
    read_mdm_device,
    read_mdm_device_details,
    read_mdm_server,
    read_org_device,
)
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
from appleschool.sending import Sender
from appleschool.tokens import Tokens
from appleschool.transport import Transport

TOKEN_URL = "https://account.apple.com/auth/oauth2/token"  # noqa: S105 - an address

R = TypeVar("R")


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

    Use it as an async context manager. Nothing is sent before the first question, and no method writes. Every
    method raises `AppleError`s only; see `appleschool.errors`.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        kind: Kind = Kind.SCHOOL,
        api_url: str | None = None,
        token_url: str | None = None,
        audience: str = AUDIENCE,
        limits: Limits | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.limits = limits or Limits()
        clock = clock or SystemClock()
        self._sender = Sender(self.limits, clock)
        self._tokens = Tokens(
            credentials,
            self._sender,
            url=URL(token_url or TOKEN_URL),
            scope=kind.scope,
            audience=audience,
            clock=clock,
        )
        self._transport = Transport(
            URL(api_url or kind.api_url), self._sender, self._tokens, concurrency=self.limits.concurrency
        )

    async def __aenter__(self) -> Self:
        await self._sender.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._sender.__aexit__(kind, error, trace)

    @property
    def pace(self) -> Pace:
        return self._sender.pace

    @property
    def clock_skew(self) -> timedelta | None:
        """Apple's clock less ours, by the `Date` of the last answer of any kind; None before the first."""
        return self._sender.clock_skew

    @property
    def granted_scope(self) -> str:
        """What Apple says that the token is good for, such as `school.api`; empty before there is one."""
        return self._tokens.granted_scope

    async def token(self) -> None:
        """See that there is a token: raises what is wrong with the credentials, if anything is."""
        await self._tokens.current()

    def org_devices(
        self, *, limit: int = LARGEST_PAGE, cursor: str | None = None
    ) -> AsyncIterator[Page[OrgDevice]]:
        """The organization's devices page by page, from the beginning or an earlier page's `next_cursor`.

        Raises StaleCursor when Apple no longer knows the cursor. Released devices are not on the list.
        """
        return self._pages("/orgDevices", read_org_device).walk(limit=limit, cursor=cursor)

    async def org_device(self, serial_number: str) -> OrgDevice:
        """One device, released ones included while Apple still holds a record; raises NotFound otherwise."""
        return await self._one(f"/orgDevices/{_quoted(serial_number)}", read_org_device)

    async def apple_care_coverage(self, serial_number: str) -> list[AppleCareCoverage | UnreadableRecord]:
        """All coverages of a device, none if Apple holds none. NotFound is the caller's to judge."""
        path = f"/orgDevices/{_quoted(serial_number)}/appleCareCoverage"
        return await self._pages(path, read_coverage).all()

    async def assigned_server_id(self, serial_number: str) -> str | None:
        """The id of the device management service that has the device, None if none has or it is unknown."""
        path = f"/orgDevices/{_quoted(serial_number)}/relationships/assignedServer"
        try:
            linkage = (await self._transport.get(path)).get("data")
        except NotFound:
            return None
        if not isinstance(linkage, dict) or not linkage.get("id"):
            return None
        return self._known(read_id(linkage, "$.data"))

    async def assigned_server(self, serial_number: str) -> MdmServer | None:
        """The device management service that has the device, None if none has or it is unknown."""
        path = f"/orgDevices/{_quoted(serial_number)}/assignedServer"
        try:
            server = (await self._transport.get(path)).get("data")
        except NotFound:
            return None
        if not isinstance(server, dict) or not server.get("id"):
            return None
        return self._known(read_mdm_server(server, "$.data"))

    def mdm_servers(
        self, *, limit: int = LARGEST_PAGE, cursor: str | None = None
    ) -> AsyncIterator[Page[MdmServer]]:
        """The organization's device management services."""
        return self._pages("/mdmServers", read_mdm_server).walk(limit=limit, cursor=cursor)

    async def mdm_server(self, server_id: str) -> MdmServer:
        return await self._one(f"/mdmServers/{_quoted(server_id)}", read_mdm_server)

    def mdm_server_device_ids(
        self, server_id: str, *, limit: int = LARGEST_PAGE, cursor: str | None = None
    ) -> AsyncIterator[Page[str]]:
        """Serial numbers of the devices assigned to a device management service."""
        path = f"/mdmServers/{_quoted(server_id)}/relationships/devices"
        return self._pages(path, read_id).walk(limit=limit, cursor=cursor)

    def mdm_devices(
        self, *, limit: int = LARGEST_PAGE, cursor: str | None = None
    ) -> AsyncIterator[Page[MdmDevice]]:
        """Devices enrolled in Apple's built-in device management; Apple Business only.

        To other accounts Apple says Forbidden or NotFound, for the caller to judge.
        """
        return self._pages("/mdmDevices", read_mdm_device).walk(limit=limit, cursor=cursor)

    async def mdm_device_details(self, device_id: str) -> MdmDeviceDetails:
        """What built-in device management knows of one device, by its id there; NotFound if it left."""
        return await self._one(f"/mdmDevices/{_quoted(device_id)}/details", read_mdm_device_details)

    async def activity(self, activity_id: str) -> OrgDeviceActivity:
        """How an assignment went. Apple keeps it for 30 days. Fetch its `download_url` without any token."""
        return await self._one(f"/orgDeviceActivities/{_quoted(activity_id)}", read_activity)

    async def activation_lock_status(self, serial_number: str) -> ActivationLockStatus:
        return await self._one(
            f"/orgDevices/{_quoted(serial_number)}/activationLockStatus", read_activation_lock
        )

    def _pages(self, path: str, read: Reader[R]) -> Pages[R]:
        return Pages(self._transport, path, read)

    async def _one(self, path: str, read: Reader[R]) -> R:
        return self._known(read((await self._transport.get(path)).get("data"), "$.data"))

    def _known(self, record: R | UnreadableRecord) -> R:
        if isinstance(record, UnreadableRecord):
            raise ProtocolError(f"Apple's answer can't be read: {record.reason}")
        return record


def _quoted(identity: str) -> str:
    return quote(identity, safe="")
