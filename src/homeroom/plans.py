"""Questions of which a database makes a bad plan by itself: SQLite without statistics, PostgreSQL misled by them."""

from collections.abc import Iterable
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, Case, Func, Q, QuerySet, Subquery, Value, When
from django.db.models.lookups import IsNull
from django.db.models.sql.compiler import SQLCompiler


class Unindexed(Func):
    """The value, with no index of it shown to SQLite. PostgreSQL counts beforehand, and chooses by itself."""

    template = "%(expressions)s"

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, Any]:
        return self.as_sql(compiler, connection, template="+%(expressions)s", **context)


class Likely(Case):
    """The condition, of which PostgreSQL supposes that each second row fulfils it.

    Of rows without a partner in another table it supposes that there are next to none. Asked for the first few it
    would then prepare to find all.
    """

    def __init__(self, condition: Q) -> None:
        super().__init__(When(condition, then=Value(value=True)), default=Value(value=False))

    @property
    def output_field(self) -> BooleanField[bool, bool]:
        return BooleanField()


def there_is_none(rows: QuerySet[Any]) -> Q:
    """Whether there are none of these rows, of the outer query's row: looked up for each row that is in question.

    For many rows PostgreSQL would compare all with all to answer EXISTS.
    """
    return ~Q(Likely(Q(IsNull(Subquery(rows.order_by().values("pk")[:1]), False))))


def merged(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Rows of which every few is wanted, in the order in which PostgreSQL soonest has many: by key it merges tables.

    Else it looks the partner of each row up. SQLite merges none.
    """
    return rows.order_by("pk") if connections[rows.db].vendor == "postgresql" else rows


def keys_in_order(rows: QuerySet[Any], found: QuerySet[Any]) -> QuerySet[Any, int]:
    """Of found rows, in the order of `rows`: of the same with what they bring along, which only sorting may need."""
    order = [str(name) for name in rows.query.order_by]
    in_order = rows if is_by_what_is_brought(order, rows, found) else found.order_by(*order)
    return in_order.values_list("pk", flat=True)


def is_by_what_is_brought(order: Iterable[str], rows: QuerySet[Any], found: QuerySet[Any]) -> bool:
    """Whether an order needs what `rows` bring along and `found` lack."""
    brought = rows.query.annotations.keys() - found.query.annotations.keys()
    return any(name.removeprefix("-").partition("__")[0] in brought for name in order)
