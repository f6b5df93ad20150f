"""What an HTTP answer means: its JSON object, or the error that it stands for."""

import json
import re
from collections.abc import Mapping
from typing import Any

import aiohttp
import msgspec

from appleschool.errors import (
    AppleError,
    Forbidden,
    ForeignLink,
    GarbledAnswer,
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

OK = 200
TOKEN_ERRORS = {
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "unauthorized_client",
    "unsupported_grant_type",
}
UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""What no database and no file takes: NUL, and halves of surrogate pairs."""


class Answer(msgspec.Struct, frozen=True, gc=False):
    """Status, headers and body, without a connection behind them."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    retry_after: float | None = None

    def __repr__(self) -> str:
        return f"<Answer {self.status}>"

    @property
    def request_id(self) -> str:
        return self.headers.get("X-Apple-Request-UUID", "")[:100]

    def json(self) -> dict[str, Any]:
        """The body's JSON object. Raises GarbledAnswer for anything else, such as a proxy's page."""
        try:
            document = _decoded(self.body)
        except UNREADABLE:
            document = None
        if not isinstance(document, dict):
            raise GarbledAnswer(
                "The answer is not a JSON object.", status=self.status, request_id=self.request_id
            )
        return document


def _decoded(body: bytes) -> Any:
    """The body's JSON, each character that could not be kept replaced by U+FFFD."""
    try:
        document = msgspec.json.decode(body)
        return _storable(document) if rb"\u0000" in body else document
    except (msgspec.MsgspecError, UnicodeError):
        return _storable(json.loads(body.decode(errors="replace"), parse_constant=_refuse_constant))


def _storable(value: Any) -> Any:
    match value:
        case str():
            return UNSTORABLE.sub("\ufffd", value)
        case list():
            return [_storable(entry) for entry in value]
        case dict():
            return {_storable(name): _storable(entry) for name, entry in value.items()}
        case _:
            return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def api_error(answer: Answer, *, on_cursor: bool) -> AppleError:
    """The error that the API's answer stands for; `on_cursor` if a page was asked for by its cursor."""
    status = answer.status
    code, detail = _first_error(answer.body)
    kind, sentence = _api_error(status, detail, on_cursor=on_cursor)
    return kind(
        sentence, status=status, code=code, request_id=answer.request_id, retry_after=answer.retry_after
    )


def _api_error(status: int, detail: str, *, on_cursor: bool) -> tuple[type[AppleError], str]:
    match status:
        case 401:
            return NotAuthorized, "Apple refuses a token that it has just granted."
        case 403:
            return Forbidden, "Apple says that this account may not do this."
        case 404:
            return NotFound, detail or "Apple knows no such thing."
        case 429:
            return RateLimited, "Apple asks to slow down, for longer than this can wait."
        case 400 | 410 if on_cursor:
            return StaleCursor, "Apple no longer knows this page of the list."
        case _:
            return _other_error(
                status, f"Apple refuses the request ({status}){': ' if detail else '.'}{detail}"
            )


def token_error(answer: Answer) -> AppleError:
    """The error that the token endpoint's answer stands for.

    Its body may echo the assertion, so nothing of it is kept but an error word that is known.
    """
    status = answer.status
    code = ""
    kind: type[AppleError]
    match status:
        case 400 | 401:
            kind, sentence, code = InvalidClient, "Apple refuses these credentials.", _token_word(answer.body)
        case 403:
            kind, sentence = Forbidden, "Apple says that this account may not sign in."
        case 429:
            kind, sentence = (
                RateLimited,
                "Apple asks to wait before signing in again, for longer than this can.",
            )
        case _:
            kind, sentence = _other_error(status, f"Apple's token endpoint refuses the request ({status}).")
    return kind(
        sentence, status=status, code=code, request_id=answer.request_id, retry_after=answer.retry_after
    )


def _other_error(status: int, refusal: str) -> tuple[type[AppleError], str]:
    if status >= 500:  # noqa: PLR2004
        return ServerError, f"Apple failed to answer ({status})."
    if status >= 400:  # noqa: PLR2004
        return RequestError, refusal
    if 300 <= status < 400:  # noqa: PLR2004
        return ForeignLink, f"The answer is a redirect ({status}); it was not followed."
    return ProtocolError, f"The answer is none that Apple gives ({status})."


def _first_error(body: bytes) -> tuple[str, str]:
    """Code and detail of Apple's error document, empty for anything else."""
    try:
        first = msgspec.json.decode(body)["errors"][0]
        return str(first.get("code") or "")[:200], str(first.get("detail") or first.get("title") or "")[:300]
    except (*UNREADABLE, LookupError, TypeError, AttributeError):
        return "", ""


def _token_word(body: bytes) -> str:
    try:
        word = msgspec.json.decode(body)["error"]
    except (*UNREADABLE, LookupError, TypeError):
        return ""
    return word if isinstance(word, str) and word in TOKEN_ERRORS else ""


def unreachable(broken: BaseException) -> Unreachable:
    """What to say without an answer. The library's own words may name proxies, so they are not kept."""
    match broken:
        case aiohttp.ClientConnectorDNSError():
            return Unreachable(
                "The name of Apple's server can't be resolved.",
                fix="Check this server's name resolution (DNS).",
            )
        case aiohttp.ClientSSLError():
            return Unreachable(
                "No secure connection to Apple could be made.",
                fix="Check this server's certificates and date, and any proxy that opens secure connections.",
            )
        case aiohttp.ClientProxyConnectionError() | aiohttp.ClientHttpProxyError():
            return Unreachable(
                "The proxy can't be reached, or refuses.", fix="Check HTTPS_PROXY and NO_PROXY."
            )
        case aiohttp.ClientConnectorError():
            return Unreachable("Apple's server can't be reached.")
        case TimeoutError():
            return Unreachable("Apple's server does not answer in time.")
        case _:
            return Unreachable("The connection to Apple broke off.")
