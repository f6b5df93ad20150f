"""Many rows through one statement that is compiled once.

`bulk_create` builds a model for each row and SQL for each of its values, which at a district's size is most of
a sync's time; see docs/decisions/rows-in-one-statement.md.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache, partial
from typing import Any

import msgspec
from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, Field, Func, JSONField, Model
from django.db.models.constants import OnConflict
from django.db.models.sql.compiler import SQLCompiler

NOTHING = frozenset({type(None)})
PLAIN = NOTHING | {str, int, bool}
"""What a column of text, numbers, yes or no, or a key takes as it is. Only such values are given for one."""


def write_rows(
    model: type[Model],
    rows: Iterable[Mapping[str, Any]],
    *,
    unique: Collection[str] = (),
    update: Collection[str] = (),
) -> None:
    """Insert a row for each mapping of attribute names (`device_id`, not `device`); others get their defaults.

    With `unique` and `update`, a row that stands already has the fields of `update` overwritten. Sends no
    signals and passes by `save()` and QuerySets: what they guard is the caller's to keep.
    """
    connection = connections[router.db_for_write(model)]  # the proxy asks for its thread at each use
    fields = [
        field
        for field in model._meta.concrete_fields
        if field.name in unique or not (field.generated or _counts_up(field))
    ]
    rows = list(rows)
    columns = [_column(field, rows, connection) for field in fields]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(
                _statement(connection, model, fields, unique, update), list(zip(*columns, strict=True))
            )


class Keyed(Func):
    """The condition that a row's key, or that of the path, is one of these integers.

    They are one parameter, however many there are: Django takes about as long to write down ten thousand as a
    database takes to find the rows.
    """

    output_field = BooleanField()

    def __init__(self, keys: Iterable[int], path: str = "pk") -> None:
        self.keys = list(keys)
        super().__init__(path)

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_context: Any) -> Any:
        return self._is(compiler, "IN (SELECT value FROM json_each(%s))", json.dumps(self.keys))

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_context: Any) -> Any:
        return self._is(compiler, "= ANY(%s)", self.keys)

    def _is(self, compiler: SQLCompiler, one_of: str, keys: object) -> tuple[str, list[object]]:
        key, params = compiler.compile(self.source_expressions[0])
        return f"{key} {one_of}", [*params, keys]


def refresh_statistics(*models: type[Model]) -> None:
    """Have PostgreSQL look at tables that may have grown a great deal just now.

    It would plan for the size that it knows of, and join tables of many thousand rows as if they were empty. Its own
    daemon looks only a minute later, or not at all while a transaction is open. SQLite plans without statistics.
    """
    connection = connections[router.db_for_write(models[0])]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for model in models:
                cursor.execute(f"ANALYZE {connection.ops.quote_name(model._meta.db_table)}")


class Growing:
    """A table that one transaction fills: its size is looked at again as it grows.

    Triggers and foreign keys ask with plans that PostgreSQL made when the table was empty, perhaps, and reads it whole
    for each row: 20,000 devices took 97 seconds instead of 10, and more would take the square of it.
    """

    looked_at_after = (1_000, 10_000, 100_000)

    def __init__(self, model: type[Model]) -> None:
        self._model = model
        self._rows = 0

    def by(self, rows: int) -> None:
        before, self._rows = self._rows, self._rows + rows
        if any(before < enough <= self._rows for enough in self.looked_at_after):
            refresh_statistics(self._model)


def _column(
    field: Field[Any, Any], rows: Sequence[Mapping[str, Any]], connection: BaseDatabaseWrapper
) -> list[Any]:
    """The field's value of each row, as the database takes it."""
    name, default = field.attname, field.get_default()
    values = [row.get(name, default) for row in rows]
    ready, prepare = _preparation(field, connection)
    if ready.issuperset(map(type, values)):
        return values
    return [value if type(value) in ready else prepare(value) for value in values]


def _preparation(
    field: Field[Any, Any], connection: BaseDatabaseWrapper
) -> tuple[frozenset[type], Callable[[Any], Any]]:
    """The types whose values a column takes as they are, and how it takes others."""
    if isinstance(field, JSONField):
        return NOTHING, partial(connection.ops.adapt_json_value, encoder=QuickEncoder)
    return PLAIN, cache(partial(field.get_db_prep_save, connection=connection))  # days come again and again


class QuickEncoder(json.JSONEncoder):
    """JSON of what came from JSON."""

    def encode(self, o: Any) -> str:
        return msgspec.json.encode(o).decode()


def _statement(
    connection: BaseDatabaseWrapper,
    model: type[Model],
    fields: Collection[Field[Any, Any]],
    unique: Collection[str],
    update: Collection[str],
) -> str:
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    conflict = connection.ops.on_conflict_suffix_sql(
        fields, OnConflict.UPDATE if update else None, _columns(fields, update), _columns(fields, unique)
    )
    return f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES ({places}) {conflict}"  # noqa: S608 - names of our own


def _columns(fields: Iterable[Field[Any, Any]], names: Collection[str]) -> list[str]:
    return [str(field.column) for field in fields if field.name in names]


def _counts_up(field: Field[Any, Any]) -> bool:
    return field.primary_key and field.remote_field is None
