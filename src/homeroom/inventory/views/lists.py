"""What every list page shares: sorting and paging of a table."""

from collections.abc import Sequence
from typing import Any

import django_tables2 as tables
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

ROWS_PER_PAGE = 50


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
    count: int,
    order_by: str,
    extra_columns: Sequence[tuple[str, tables.Column]] = (),
) -> tables.Table:
    """A wrong page number shows the nearest page; an unknown column does not sort."""
    paginate = {"per_page": ROWS_PER_PAGE, "paginator_class": CountedPaginator, "count": count}
    table = kind(rows, order_by=order_by, extra_columns=extra_columns)
    tables.RequestConfig(request, paginate=paginate).configure(table)
    return table
