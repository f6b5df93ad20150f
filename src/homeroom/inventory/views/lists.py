"""What every list page shares: sorting and paging of a table."""

from collections.abc import Sequence
from typing import Any

import django_tables2 as tables
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django_tables2.data import TableQuerysetData

from homeroom.plans import keys_in_order

ROWS_PER_PAGE = 50
KEY = tables.A("pk")


class RowsByKey(TableQuerysetData):
    """Of a page the keys come first: what rows bring along is fetched for its rows alone.

    A database that has to sort would otherwise fetch it for all that are sorted. Rows are models or dictionaries.
    """

    @property
    def keys(self) -> Sequence[int] | QuerySet[Any, int]:
        """Of all rows, in their order."""
        raise NotImplementedError

    def __getitem__(self, page: slice) -> list[Any]:
        keys = list(self.keys[page])
        found = self.data.order_by().filter(pk__in=keys) if keys else ()
        rows = {KEY.resolve(row): row for row in found}
        return [rows[key] for key in keys if key in rows]


class RowsOfPage(RowsByKey):
    """In the order that the table is asked for."""

    def __init__(self, rows: QuerySet[Any], found: QuerySet[Any]) -> None:
        super().__init__(rows)
        self.found = found

    @property
    def keys(self) -> QuerySet[Any, int]:
        return keys_in_order(self.data, self.found)


class CountedPaginator(Paginator[Any]):
    """Is told how many rows there are, so that counting need not join what only the page shows."""

    count: int

    def __init__(self, rows: Any, per_page: int, *, count: int, **kwargs: Any) -> None:
        super().__init__(rows, per_page, **kwargs)
        self.count = count


def paged(
    kind: type[tables.Table],
    rows: QuerySet[Any],
    request: HttpRequest,
    *,
    found: QuerySet[Any] | None = None,
    count: int,
    order_by: str,
    extra_columns: Sequence[tuple[str, tables.Column]] = (),
) -> tables.Table:
    """A wrong page number shows the nearest page; an unknown column does not sort.

    Of long lists `found` are the rows before what the table shows of them was joined.
    """
    paginate = {"per_page": ROWS_PER_PAGE, "paginator_class": CountedPaginator, "count": count}
    table = kind(
        rows if found is None else RowsOfPage(rows, found), order_by=order_by, extra_columns=extra_columns
    )
    tables.RequestConfig(request, paginate=paginate).configure(table)
    return table
