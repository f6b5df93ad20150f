"""Lists that come in pages."""

from collections.abc import AsyncIterator
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

import msgspec
from yarl import URL

from appleschool.errors import GarbledAnswer, ProtocolError
from appleschool.reading import Reader
from appleschool.records import UnreadableRecord
from appleschool.transport import Transport

LARGEST_PAGE = 1000

R = TypeVar("R")


class Page(msgspec.Struct, Generic[R], frozen=True):
    """One page of a list. `next_cursor` is where to go on, now or another day; None at the end."""

    records: list[R | UnreadableRecord]
    next_cursor: str | None


class Pages(Generic[R]):
    """The list at one path."""

    __slots__ = ("_path", "_read", "_transport")

    def __init__(self, transport: Transport, path: str, read: Reader[R]) -> None:
        self._transport = transport
        self._path = path
        self._read = read

    async def walk(self, *, limit: int, cursor: str | None = None) -> AsyncIterator[Page[R]]:
        """Page after page; one at a time is held."""
        known: set[int] = set()
        while True:
            page = self._page(await self._transport.get(self._address(cursor, limit), on_cursor=bool(cursor)))
            known.add(hash(cursor))
            if page.next_cursor and hash(page.next_cursor) in known:
                raise ProtocolError("Apple's list goes round in a circle.")
            yield page
            cursor = page.next_cursor
            if cursor is None:
                return

    async def all(self) -> list[R | UnreadableRecord]:
        """A list that is short by nature, in one piece; its pages are of Apple's size."""
        first = self._page(await self._transport.get(self._path))
        records = first.records
        if first.next_cursor:
            async for page in self.walk(limit=LARGEST_PAGE, cursor=first.next_cursor):
                records += page.records
        return records

    def _address(self, cursor: str | None, limit: int) -> str:
        """Apple's own `next` link may lack the limit, so the cursor is sent with ours where there is one."""
        if cursor and "://" in cursor:
            return cursor
        query: dict[str, str | int] = {"limit": limit}
        if cursor:
            query["cursor"] = cursor
        return f"{self._path}?{urlencode(query)}"

    def _page(self, document: dict[str, Any]) -> Page[R]:
        records = document.get("data")
        if not isinstance(records, list):
            raise GarbledAnswer("Apple's answer holds no list where one belongs.")
        read = self._read
        return Page(
            [read(record, f"$.data[{index}]") for index, record in enumerate(records)],
            self._next_cursor(document),
        )

    def _next_cursor(self, document: dict[str, Any]) -> str | None:
        """The list ends where there is neither `nextCursor` nor `next`, not at a short page.

        A link that holds no cursor to be sent alone is its own cursor.
        """
        link = _entry(document, "links", "next")
        own = self._transport.own_link(link) if link else None
        cursor = _entry(_entry_object(document, "meta"), "paging", "nextCursor")
        return cursor or (_cursor_of(own) if own else None)


def _cursor_of(link: URL) -> str:
    return link.query.get("cursor") or str(link)


def _entry_object(document: dict[str, Any], name: str) -> dict[str, Any]:
    value = document.get(name)
    return value if isinstance(value, dict) else {}


def _entry(document: dict[str, Any], outer: str, name: str) -> str:
    value = _entry_object(document, outer).get(name)
    return value if isinstance(value, str) else ""
