"""Triggers of the database. SQLite drops those of a table where a migration makes the table anew."""

from django.db.backends.base.base import BaseDatabaseWrapper

_CATALOGUE = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE %s",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgname LIKE %s",
}


def standing_triggers(connection: BaseDatabaseWrapper, prefix: str) -> set[str]:
    """The names of those that are in place."""
    with connection.cursor() as cursor:
        cursor.execute(_CATALOGUE[connection.vendor], [f"{prefix}%"])
        return {name for (name,) in cursor.fetchall()}
