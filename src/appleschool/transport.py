"""Requests to Apple: the token, the pace, what is tried again and what is not."""

import asyncio
import json
import logging
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

import aiohttp
import msgspec
from yarl import URL

from appleschool.clock import Clock
from appleschool.errors import (
    AppleError,
    ForeignLink,
    Forbidden,
    InvalidClient,
    NotAuthorized,
    NotFound,
    ProtocolError,
    RateLimited,
    RequestError,
    ServerError,
    StaleCursor,
    Unreachable,
)
from appleschool.keys import Credentials
from appleschool.pace import Limits, Pace, backoff, http_date, retry_after

log = logging.getLogger("appleschool")

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
RENEW_BEFORE_EXPIRY = 300.0
BROKEN = (aiohttp.ClientError, asyncio.TimeoutError, OSError)


class Transport:
    """Sends GET requests as the API account, at the right pace, with a token that is always good."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        scope: str,
        api_url: str,
        token_url: str,
        limits: Limits,
        clock: Clock,
    ) -> None:
        self.pace = Pace(limits, clock)
        self.clock_skew: timedelta | None = None
        self.granted_scope = ""
        self._credentials = credentials
        self._scope = scope
        self._api_url = URL(api_url.rstrip("/"))
        self._token_url = token_url
        self._limits = limits
        self._clock = clock
        self._token = ""
        self._token_good_until = 0.0
        self._token_lock = asyncio.Lock()
        self._slots = asyncio.Semaphore(limits.concurrency)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._limits.concurrency + 1),
            timeout=aiohttp.ClientTimeout(total=self._limits.timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            trust_env=True,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, path: str, *, cursor: str | None = None) -> dict[str, Any]:
        """The JSON object at a path below the API's address, or at a link that Apple gave."""
        url = self._own(path)
        async with self._slots:
            return await self._get(url, on_cursor=cursor is not None or "cursor" in url.query)

    async def token(self) -> str:
        """The access token; asked for once however many need it, and again five minutes before it ends."""
        if self._clock.monotonic() < self._token_good_until:
            return self._token
        async with self._token_lock:
            if self._clock.monotonic() >= self._token_good_until:
                await self._ask_for_token()
            return self._token

    def _own(self, path: str) -> URL:
        if path.startswith("/"):
            return URL(f"{self._api_url}{path}", encoded=True)
        try:
            url = URL(path, encoded=True)
            same = url.origin() == self._api_url.origin() and url.path.startswith(self._api_url.path + "/")
        except ValueError:
            same = False
        if not same:
            raise ForeignLink("Apple's answer links to another host; the link was not followed.")
        return url

    async def _get(self, url: URL, *, on_cursor: bool) -> dict[str, Any]:
        attempt = 0
        waited = 0.0
        renewed = False
        while True:
            token = await self.token()
            await self.pace.ready()
            try:
                status, headers, body = await self._send(url, token)
            except BROKEN as broken:
                if attempt + 1 >= self._limits.attempts:
                    raise _unreachable(broken) from None
                await self._pause(attempt)
                attempt += 1
                continue
            if status == 200:  # noqa: PLR2004
                self.pace.allowed()
                return _json_object(body, headers)
            if status == 401 and not renewed:  # noqa: PLR2004
                renewed = True
                self._drop(token)
                continue
            error = _error(status, headers, body, on_cursor=on_cursor)
            if isinstance(error, RateLimited):
                waited += self._held_by(headers)
                if waited > self._limits.longest_wait:
                    raise error
                continue
            if not isinstance(error, ServerError) or attempt + 1 >= self._limits.attempts:
                self._measure_skew(headers)
                raise error
            await self._pause(attempt)
            attempt += 1

    async def _send(self, url: URL, token: str) -> tuple[int, Any, bytes]:
        assert self._session is not None, "use the client as an async context manager"  # noqa: S101
        async with self._session.get(
            url, headers={"Authorization": f"Bearer {token}"}, allow_redirects=False
        ) as answer:
            return answer.status, answer.headers, await answer.read()

    async def _ask_for_token(self) -> None:
        attempt = 0
        waited = 0.0
        while True:
            await self.pace.ready()
            try:
                status, headers, body = await self._post_for_token()
            except BROKEN as broken:
                if attempt + 1 >= self._limits.attempts:
                    raise _unreachable(broken) from None
                await self._pause(attempt)
                attempt += 1
                continue
            self._measure_skew(headers)
            if status == 200:  # noqa: PLR2004
                self._keep_token(body)
                return
            if status == 429:  # noqa: PLR2004
                waited += self._held_by(headers)
                if waited > self._limits.longest_wait:
                    raise _error(status, headers, b"")
            elif status >= 500 and attempt + 1 < self._limits.attempts:  # noqa: PLR2004
                await self._pause(attempt)
                attempt += 1
            else:
                raise _token_error(status, headers, body)

    async def _post_for_token(self) -> tuple[int, Any, bytes]:
        assert self._session is not None, "use the client as an async context manager"  # noqa: S101
        form = {
            "grant_type": "client_credentials",
            "client_id": self._credentials.client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._credentials.assertion(self._clock.time()),
            "scope": self._scope,
        }
        async with self._session.post(self._token_url, data=form, allow_redirects=False) as answer:
            return answer.status, answer.headers, await answer.read()

    def _keep_token(self, body: bytes) -> None:
        try:
            answer = msgspec.json.decode(body)
            token, seconds = answer["access_token"], float(answer.get("expires_in", 3600))
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError, AttributeError):
            raise ProtocolError("Apple's token endpoint gave an answer that holds no token.") from None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token:
            raise ProtocolError("Apple's token endpoint gave an answer that holds no usable token.")
        self._token = token
        self.granted_scope = str(answer.get("scope") or "")[:200]
        self._token_good_until = self._clock.monotonic() + max(seconds - RENEW_BEFORE_EXPIRY, seconds / 2)

    def _drop(self, token: str) -> None:
        if self._token == token:
            self._token_good_until = 0.0

    def _held_by(self, headers: Any) -> float:
        advice = retry_after(headers.get("Retry-After"), date=headers.get("Date"), now=self._clock.time())
        if advice is not None and advice > self._limits.longest_wait:
            return advice
        seconds = self.pace.refused(advice)
        log.info("Apple asks to wait %.0f s", seconds)
        return seconds

    async def _pause(self, attempt: int) -> None:
        self.pace.retries += 1
        await self._clock.sleep(backoff(attempt))

    def _measure_skew(self, headers: Any) -> None:
        apple = http_date(headers.get("Date"))
        if apple is not None:
            self.clock_skew = timedelta(seconds=apple - self._clock.time())


def _json_object(body: bytes, headers: Any) -> dict[str, Any]:
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise ProtocolError("The answer is not a JSON object.", request_id=_request_id(headers))
    return answer


def _request_id(headers: Any) -> str:
    return str(headers.get("X-Apple-Request-UUID") or "")[:100]


def _error(status: int, headers: Any, body: bytes, *, on_cursor: bool = False) -> AppleError:
    code, detail = _document(body)
    facts: dict[str, Any] = {"status": status, "code": code, "request_id": _request_id(headers)}
    match status:
        case 401:
            return NotAuthorized("Apple refuses a token that it has just granted.", **facts)
        case 403:
            return Forbidden("Apple says that this account may not do this.", **facts)
        case 404:
            return NotFound(detail or "Apple knows no such thing.", **facts)
        case 429:
            return RateLimited("Apple asks to slow down, for longer than this can wait.", **facts)
        case 400 | 410 if on_cursor:
            return StaleCursor("Apple no longer knows this page of the list.", **facts)
        case _ if status >= 500:  # noqa: PLR2004
            return ServerError(f"Apple failed to answer ({status}).", **facts)
        case _ if status >= 400:  # noqa: PLR2004
            return RequestError(
                f"Apple refuses the request ({status}{': ' + detail if detail else ''}).", **facts
            )
        case _:
            return ProtocolError(f"An unexpected answer ({status}); redirects are not followed.", **facts)


def _document(body: bytes) -> tuple[str, str]:
    """Code and detail of Apple's error document, empty for anything else."""
    try:
        first = msgspec.json.decode(body)["errors"][0]
        return str(first.get("code") or "")[:200], str(first.get("detail") or first.get("title") or "")[:500]
    except (
        msgspec.MsgspecError,
        UnicodeDecodeError,
        RecursionError,
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
    ):
        return "", ""


def _token_error(status: int, headers: Any, body: bytes) -> AppleError:
    # The body may echo the assertion: only its error word is looked at, and only if it is a known one.
    facts: dict[str, Any] = {"status": status, "request_id": _request_id(headers)}
    if status >= 500:  # noqa: PLR2004
        return ServerError(f"Apple's token endpoint failed to answer ({status}).", **facts)
    try:
        word = json.loads(body).get("error")
    except (ValueError, AttributeError, RecursionError):
        word = None
    if status in {400, 401}:
        known = (
            word if word in {"invalid_client", "invalid_scope", "invalid_request", "invalid_grant"} else ""
        )
        return InvalidClient("Apple refuses these credentials.", code=known, **facts)
    if status == 403:  # noqa: PLR2004
        return Forbidden("Apple says that this account may not do this.", **facts)
    return ProtocolError(f"Apple's token endpoint gave an unexpected answer ({status}).", **facts)


def _unreachable(broken: BaseException) -> Unreachable:
    match broken:
        case aiohttp.ClientConnectorDNSError():
            return Unreachable(
                "The name of Apple's server can't be resolved.", fix="Check this server's DNS."
            )
        case aiohttp.ClientSSLError():
            return Unreachable(
                "The secure connection to Apple could not be made.",
                fix="Check the certificates of this server, and any proxy that opens secure connections.",
            )
        case aiohttp.ClientConnectorError():
            return Unreachable("Apple's server can't be reached.")
        case asyncio.TimeoutError():
            return Unreachable("Apple's server does not answer in time.")
        case _:
            return Unreachable("The connection to Apple broke off.")
