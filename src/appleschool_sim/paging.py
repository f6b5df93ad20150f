"""Limits, cursors and sparse fields of the list endpoints."""

import base64
import binascii
from collections.abc import Mapping
from hashlib import blake2b
from urllib.parse import quote

import msgspec

from appleschool_sim.errors import Refusal, invalid_parameter

DEFAULT_LIMIT = 100
LARGEST_LIMIT = 1000
_SEAL_LENGTH = 6


class PageRequest(msgspec.Struct, frozen=True):
    """Which part of a list is asked for."""

    position: int
    limit: int
    fields: frozenset[str] | None


def check_parameters(query: Mapping[str, str], allowed: frozenset[str]) -> None:
    for name in query:
        if name not in allowed:
            raise Refusal(
                400,
                f"The parameter '{name}' can not be used with this request",
                code="PARAMETER_ERROR.ILLEGAL",
                source={"parameter": name},
            )


def parse_fields(query: Mapping[str, str], resource: str, known: frozenset[str]) -> frozenset[str] | None:
    """The chosen fields; None means all of them."""
    parameter = f"fields[{resource}]"
    if (written := query.get(parameter)) is None:
        return None
    fields = frozenset(filter(None, written.split(",")))
    for field in sorted(fields - known):
        raise invalid_parameter(parameter, f"'{field}' is not a valid field name")
    return fields


def parse_limit(query: Mapping[str, str]) -> int | None:
    if (written := query.get("limit")) is None:
        return None
    is_short_number = written.isascii() and written.isdigit() and len(written) <= len(str(LARGEST_LIMIT))
    if not is_short_number or not 1 <= int(written) <= LARGEST_LIMIT:
        raise invalid_parameter("limit", f"'{written}' is not a limit between 1 and {LARGEST_LIMIT}")
    return int(written)


class Cursors:
    """Opaque cursors, bound to one list of one world. They carry the limit and fields they were made with."""

    def __init__(self, seed: int, resource: str, known_fields: frozenset[str] | None) -> None:
        self._resource = resource
        self._known = known_fields
        self._key = f"{seed}:{resource}".encode()

    def read(self, query: Mapping[str, str]) -> PageRequest:
        """The page a query asks for. What it leaves out is taken from its cursor."""
        fields = None if self._known is None else parse_fields(query, self._resource, self._known)
        limit = parse_limit(query)
        if (cursor := query.get("cursor")) is None:
            return PageRequest(0, limit or DEFAULT_LIMIT, fields)
        kept = self._opened(cursor)
        return PageRequest(kept.position, limit or kept.limit, kept.fields if fields is None else fields)

    def write(self, page: PageRequest, position: int) -> str:
        names = "" if page.fields is None else ",".join(sorted(page.fields)) or "-"
        content = f"{position}:{page.limit}:{names}".encode()
        return base64.urlsafe_b64encode(self._seal(content) + content).rstrip(b"=").decode()

    def stale(self, cursor: str) -> Refusal:
        return invalid_parameter("cursor", f"'{cursor}' is not a valid cursor for this request")

    def next_query(self, page: PageRequest, cursor: str) -> str:
        written = f"cursor={cursor}&limit={page.limit}"
        if page.fields is not None:
            written += f"&{quote(f'fields[{self._resource}]')}={quote(','.join(sorted(page.fields)))}"
        return written

    def _opened(self, cursor: str) -> PageRequest:
        try:
            sealed = base64.b64decode(
                cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True
            )
        except (binascii.Error, UnicodeEncodeError) as error:
            raise self.stale(cursor) from error
        seal, content = sealed[:_SEAL_LENGTH], sealed[_SEAL_LENGTH:]
        if seal != self._seal(content):
            raise self.stale(cursor)
        position, limit, names = content.decode().split(":")
        fields = frozenset(filter(None, names.replace("-", "").split(","))) if names else None
        return PageRequest(int(position), int(limit), fields)

    def _seal(self, content: bytes) -> bytes:
        return blake2b(content, key=self._key[:64], digest_size=_SEAL_LENGTH).digest()
