"""Words within the texts of devices and people, found by an index of every three letters.

PostgreSQL has an index of its own for it (pg_trgm), SQLite a table (FTS5) that triggers keep. Both are put in place
after a migration, where they are missing; see docs/decisions/words-by-three-letters.md.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db import DatabaseError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q

from homeroom.inventory.models import Device, Person
from homeroom.rows import Keyed, refresh_statistics
from homeroom.triggers import standing_triggers

log = logging.getLogger(__name__)
SHORTEST = 3
"""Letters of a word that the index knows."""
MOST_FOUND = 10_000
"""Rows; more are soonest found by reading a list until a page is full."""


@dataclass(frozen=True, slots=True)
class WordIndex:
    model: type[Device | Person]
    fields: tuple[str, ...]
    """Texts that are columns of the same name."""

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def name(self) -> str:
        return f"{self.table}_words"

    def keys(self, word: str, has: Callable[[str], Q]) -> set[int] | None:
        """Those of the rows that have the word, by `has`: within fields of the index. None if it is of no help."""
        if len(word) < SHORTEST or "\0" in word:
            return None
        rows = self.model.objects.order_by().filter(has(word))
        if connection.vendor == "sqlite":
            candidates = self._candidates(word)
            if len(candidates) > MOST_FOUND:
                return None
            rows = rows.filter(Keyed(candidates))
        keys = set(rows.values_list("pk", flat=True)[: MOST_FOUND + 1])
        return keys if len(keys) <= MOST_FOUND else None

    def _candidates(self, word: str) -> list[int]:
        """On SQLite. No letter is told from its capital, also beyond ASCII: one too many may be among them."""
        phrase = '"{}"'.format(word.replace('"', '""'))
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT rowid FROM {self.name} WHERE {self.name} MATCH %s LIMIT %s",  # noqa: S608 - names of our own
                [phrase, MOST_FOUND + 1],
            )
            return [key for (key,) in cursor.fetchall()]


DEVICES = WordIndex(Device, ("asset_tag", "serial_number", "name", "model"))
PEOPLE = WordIndex(Person, ("name", "external_id", "email"))


def keep_word_indexes(using: str) -> None:
    """Put in place what is missing."""
    connection = connections[using]
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
    for index in (DEVICES, PEOPLE):
        if index.table in tables:  # else it was migrated to before there was one
            _KEEP[connection.vendor](connection, index)


def _keep_on_postgresql(connection: BaseDatabaseWrapper, index: WordIndex) -> None:
    columns = ", ".join(f"UPPER({field}::text) gin_trgm_ops" for field in index.fields)
    try:
        with transaction.atomic(connection.alias), connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass(%s)", [index.name])
            if cursor.fetchone() != (None,):
                return
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            cursor.execute(f"CREATE INDEX {index.name} ON {index.table} USING gin ({columns})")
    except DatabaseError as error:
        log.warning(
            "Searches of many devices will be slow: their index, or the extension pg_trgm that it needs, can't be"
            " made (%s). Have that mended by who may, and run `homeroom init` again.",
            str(error).strip(),
        )
    else:
        refresh_statistics(index.model)


def _keep_on_sqlite(connection: BaseDatabaseWrapper, index: WordIndex) -> None:
    triggers = dict(_triggers(index))
    if standing_triggers(connection, index.name) == triggers.keys():
        return
    columns = ", ".join(index.fields)
    with transaction.atomic(connection.alias), connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {index.name}")
        cursor.execute(
            f"CREATE VIRTUAL TABLE {index.name}"
            f" USING fts5({columns}, content='{index.table}', content_rowid='id', tokenize='trigram')"
        )
        cursor.execute(f"INSERT INTO {index.name} ({index.name}) VALUES ('rebuild')")  # noqa: S608 - names of our own
        for name, trigger in triggers.items():
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
            cursor.execute(trigger)


def _triggers(index: WordIndex) -> Iterator[tuple[str, str]]:
    """Each name with its statement."""
    columns = ", ".join(index.fields)
    old, new = (", ".join(f"{row}.{field}" for field in index.fields) for row in ("OLD", "NEW"))
    differs = " OR ".join(f"OLD.{field} IS NOT NEW.{field}" for field in index.fields)
    enter = f"INSERT INTO {index.name} (rowid, {columns}) VALUES (NEW.id, {new});"  # noqa: S608 - names of our own
    leave = f"INSERT INTO {index.name} ({index.name}, rowid, {columns}) VALUES ('delete', OLD.id, {old});"  # noqa: S608 - names of our own
    for name, event, what in (
        ("added", "INSERT", enter),
        ("changed", f"UPDATE OF {columns}", leave + enter),
        ("deleted", "DELETE", leave),
    ):
        when = f"WHEN {differs}" if name == "changed" else ""
        trigger = f"{index.name}_{name}"
        yield (
            trigger,
            f"CREATE TRIGGER {trigger} AFTER {event} ON {index.table} FOR EACH ROW {when} BEGIN {what} END",
        )


_KEEP = {"sqlite": _keep_on_sqlite, "postgresql": _keep_on_postgresql}
