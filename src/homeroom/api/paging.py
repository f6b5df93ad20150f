"""Lists in pages: `limit` rows a page, and an opaque cursor to the next."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from ninja import Field, Schema

from homeroom.accounts.policy import Viewer
from homeroom.inventory.exports.columns import ExportColumn, annotated, columns_of
from homeroom.web.errors import Refused

LARGEST = 1000
CURSOR = re.compile(r"after:([0-9]{1,18})")


class PageQuery(Schema):
    limit: int = Field(100, ge=1, le=LARGEST, description="Rows a page.")
    cursor: str = Field("", description="`next` of the page before; empty for the first page.")


class PageOf(Schema):
    """`next` is null at the end."""

    items: list[dict[str, Any]]
    next: str | None


def page_of(
    noun: str,
    rows: QuerySet[Any],
    viewer: Viewer,
    query: PageQuery,
    columns: Sequence[ExportColumn] | None = None,
) -> dict[str, Any]:
    """A page of a noun, with the columns that its exports have or those of them that are given, and `id`."""
    after = rows.filter(pk__gt=_after(query.cursor)).order_by("pk")
    found = rows_of(noun, after[: query.limit + 1], viewer, columns)
    more = len(found) > query.limit
    found = found[: query.limit]
    return {"items": found, "next": _cursor(found[-1]["id"]) if more else None}


def row_of(noun: str, rows: QuerySet[Any], viewer: Viewer) -> dict[str, Any]:
    """The one row of a queryset of one."""
    return rows_of(noun, rows, viewer)[0]


def rows_of(
    noun: str, rows: QuerySet[Any], viewer: Viewer, columns: Sequence[ExportColumn] | None = None
) -> list[dict[str, Any]]:
    columns = columns or columns_of(noun)
    paths = dict.fromkeys(["pk", *(column.source for column in columns)])
    found = []
    for values in annotated(noun, rows, viewer).values_list(*paths):
        of = dict(zip(paths, values, strict=True))
        row = {"id": of["pk"]}
        for column in columns:
            value = of[column.source]
            row[column.name] = column.convert(value) if column.convert else value
        found.append({name: None if value == "" else value for name, value in row.items()})
    return found


def _cursor(pk: int) -> str:
    return urlsafe_b64encode(f"after:{pk}".encode()).decode().rstrip("=")


def _after(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except ValueError:
        text = ""
    known = CURSOR.fullmatch(text)
    if known is None:
        raise Refused(_("This is no cursor of this list."), field="cursor")
    return int(known[1])
