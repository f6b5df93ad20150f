"""Triggers of the database.

Where a migration makes a table anew, SQLite drops the triggers of that table, and refuses if those of another name it.
"""

from django.db.backends.base.base import BaseDatabaseWrapper

_CATALOGUE = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE %s",
    "postgresql": "SELECT tgname FROM pg_trigger"
    " WHERE NOT tgisinternal AND pg_table_is_visible(tgrelid) AND tgname LIKE %s",
}


def standing_triggers(connection: BaseDatabaseWrapper, prefix: str) -> set[str]:
    """The names of those that are in place."""
    with connection.cursor() as cursor:
        cursor.execute(_CATALOGUE[connection.vendor], [f"{prefix}%"])
        return {name for (name,) in cursor.fetchall()}


def drop_triggers_of_sqlite(connection: BaseDatabaseWrapper, prefix: str) -> None:
    """Before a migration. PostgreSQL's don't stand in its way."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            for name in standing_triggers(connection, prefix):
                cursor.execute(f"DROP TRIGGER {connection.ops.quote_name(name)}")
