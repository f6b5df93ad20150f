"""Sending one request: paced, over kept-alive HTTP/1.1 connections, to no address but the configured ones."""

import contextlib
from datetime import timedelta
from types import TracebackType
from typing import Any, Self
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from appleschool.answers import Answer, unreachable
from appleschool.clock import Clock
from appleschool.errors import GarbledAnswer
from appleschool.limits import Limits
from appleschool.pace import Pace
from appleschool.retries import Retries, http_date, retry_after

BROKEN = (aiohttp.ClientError, TimeoutError, OSError)
# At a slow pace there are many seconds between two requests.
KEEP_ALIVE_SECONDS = 75.0
HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "appleschool"}


# In bytes; a page of a thousand devices has about a million.
LARGEST_BODY = 64 * 2**20


class HeldBack(Exception):  # noqa: N818 - no error: it is sent later
    """Apple told us to wait after this request had set out for a connection."""


class _Connector(aiohttp.TCPConnector):
    """Gives no connection away while nothing may be sent: while one is made, Apple may refuse another."""

    def __init__(self, pace: Pace, **options: Any) -> None:
        super().__init__(**options)
        self._pace = pace

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: Any,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
    ) -> aiohttp.connector.Connection:
        connection = await super().connect(req, traces, timeout)
        if self._pace.held_for:
            connection.release()
            raise HeldBack
        self._pace.sent()
        return connection


class Sender:
    """An HTTP session that keeps the pace."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self.pace = Pace(limits, clock)
        self._limits = limits
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._proxies: dict[URL, str | None] = {}
        self._dated: tuple[str, float] | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=_Connector(
                self.pace, limit=self._limits.concurrency, keepalive_timeout=KEEP_ALIVE_SECONDS
            ),
            timeout=aiohttp.ClientTimeout(total=self._limits.timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=HEADERS,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    @property
    def clock_skew(self) -> timedelta | None:
        """The server's clock less ours, by the `Date` of its last answer; None before the first."""
        if self._dated is None:
            return None
        header, received_at = self._dated
        server = http_date(header)
        return None if server is None else timedelta(seconds=server - received_at)

    def retries(self, *, cuts_rate: bool = True) -> Retries:
        return Retries(self._limits, self.pace, self._clock, cuts_rate=cuts_rate)

    async def send(
        self,
        method: str,
        url: URL,
        retries: Retries,
        *,
        headers: dict[str, str] | None = None,
        form: dict[str, str] | None = None,
    ) -> Answer:
        """The answer, whatever its status; Unreachable without one, RateLimited if the wait is too long."""
        while True:
            await retries.ready()
            with contextlib.suppress(HeldBack):
                return await self._send(method, url, headers, form)

    async def _send(
        self, method: str, url: URL, headers: dict[str, str] | None, form: dict[str, str] | None
    ) -> Answer:
        if self._session is None:
            raise RuntimeError(
                "The client is used as an async context manager: `async with AppleSchool(...)`."
            )
        try:
            async with self._session.request(
                method, url, headers=headers, data=form, allow_redirects=False, proxy=self._proxy(url)
            ) as response:
                body = await _body(response)
        except BROKEN as broken:
            error = unreachable(broken)
        else:
            return self._answer(response, body)
        # Outside of `except`, so that what broke, which may know the request's headers, does not go along.
        raise error

    def _answer(self, response: aiohttp.ClientResponse, body: bytes) -> Answer:
        headers = response.headers
        now = self._clock.time()
        date = headers.get("Date")
        if date:
            self._dated = (date, now)
        advice = headers.get("Retry-After")
        wait = retry_after(advice, date=date, now=now) if advice else None
        return Answer(response.status, headers, body, wait)

    def _proxy(self, url: URL) -> str | None:
        """The environment's proxy for a host, looked up once: doing so for every request is slow."""
        origin = url.origin()
        if origin not in self._proxies:
            bypassed = proxy_bypass(f"{origin.host}:{origin.port}")
            self._proxies[origin] = None if bypassed else getproxies().get(origin.scheme)
        return self._proxies[origin]


async def _body(response: aiohttp.ClientResponse) -> bytes:
    """The whole body. One that has no end is given up, however fast it comes."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise GarbledAnswer("The answer is too large to be Apple's.", status=response.status)
    return bytes(body)
