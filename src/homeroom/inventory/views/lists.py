"""What every list page shares: sorting and paging of a table."""

from typing import Any, TypeVar

import django_tables2 as tables
from django.db.models import QuerySet
from django.http import HttpRequest

ROWS_PER_PAGE = 50

Table = TypeVar("Table", bound=tables.Table)


def paged(kind: type[Table], rows: QuerySet[Any], request: HttpRequest, *, order_by: str) -> Table:
    """A wrong page number shows the nearest page; an unknown column does not sort."""
    table = kind(rows, order_by=order_by)
    return tables.RequestConfig(request, paginate={"per_page": ROWS_PER_PAGE}).configure(table)  # type: ignore[no-any-return]
