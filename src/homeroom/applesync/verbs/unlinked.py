"""Keeping `Unlinked`: triggers of the database, put in place after each migration, and the count from anew.

On SQLite they stand in the way of migrations, and are dropped before each; so after each it is looked whether they are
there. Where they are not, what they keep may be wrong, and is made anew as well.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from homeroom.applesync.models import AppleDevice, Connection, Unlinked
from homeroom.inventory.makes import OTHER_FAMILIES
from homeroom.inventory.models import Device
from homeroom.rows import refresh_statistics
from homeroom.triggers import drop_triggers_of_sqlite, standing_triggers

KEPT, DEVICES, MIRROR, CONNECTIONS = (
    model._meta.db_table for model in (Unlinked, Device, AppleDevice, Connection)
)
OTHERS = ", ".join(f"'{family.value}'" for family in OTHER_FAMILIES)
FIND = f"""
INSERT INTO {KEPT} (device_id, near_key, misfit_id)
SELECT device.id, device.near_key,
    CASE WHEN linked.serial_number <> COALESCE(device.serial_number, '') THEN linked.id END
FROM {DEVICES} AS device
LEFT JOIN {MIRROR} AS linked ON linked.device_id = device.id
LEFT JOIN {CONNECTIONS} AS synced ON synced.id = linked.connection_id
WHERE {{which}}
AND CASE
    WHEN linked.id IS NULL THEN device.product_family NOT IN ({OTHERS})
    ELSE linked.gone_since IS NOT NULL
        OR NOT synced.active
        OR linked.serial_number <> COALESCE(device.serial_number, '')
END
"""  # noqa: S608 - names of our own


@dataclass(frozen=True, slots=True)
class _Trigger:
    """After which change of which table which devices are looked at again."""

    name: str
    event: str
    table: str
    touched: str
    """Their keys, as SQL between brackets."""
    when: str = ""
    """Most of what is written changes nothing of it: a sync of a quiet night fires nothing."""


_OF_CONNECTION = f"SELECT device_id FROM {MIRROR} WHERE connection_id = NEW.id AND device_id IS NOT NULL"  # noqa: S608 - names of our own
TRIGGERS = (
    _Trigger("device_added", "INSERT", DEVICES, "NEW.id"),
    _Trigger(
        "device_changed",
        "UPDATE OF serial_number, product_family",
        DEVICES,
        "NEW.id",
        "OLD.serial_number {differs} NEW.serial_number OR OLD.product_family <> NEW.product_family",
    ),
    _Trigger("device_deleted", "DELETE", DEVICES, "OLD.id"),
    _Trigger("row_added", "INSERT", MIRROR, "NEW.device_id", "NEW.device_id IS NOT NULL"),
    _Trigger(
        "row_changed",
        "UPDATE OF serial_number, device_id, gone_since, connection_id",
        MIRROR,
        "OLD.device_id, NEW.device_id",
        "OLD.serial_number <> NEW.serial_number OR OLD.device_id {differs} NEW.device_id"
        " OR OLD.gone_since {differs} NEW.gone_since OR OLD.connection_id <> NEW.connection_id",
    ),
    _Trigger("row_deleted", "DELETE", MIRROR, "OLD.device_id", "OLD.device_id IS NOT NULL"),
    _Trigger(
        "connection_changed", "UPDATE OF active", CONNECTIONS, _OF_CONNECTION, "OLD.active <> NEW.active"
    ),
)


def keep_unlinked(using: str) -> None:
    """Put the triggers in place where they are missing."""
    connection = connections[using]
    with connection.cursor() as cursor:
        if not _is_as_now(connection, cursor):
            return  # migrated to before
        if standing_triggers(connection, f"{KEPT}_") == {_full(trigger) for trigger in TRIGGERS}:
            return
        with transaction.atomic(using):
            for statement in _statements(connection.vendor):
                cursor.execute(statement)
            rebuild_unlinked(using)


def _is_as_now(connection: BaseDatabaseWrapper, cursor: Any) -> bool:
    if KEPT not in connection.introspection.table_names(cursor):
        return False
    columns = {column.name for column in connection.introspection.get_table_description(cursor, KEPT)}
    return columns == {str(field.column) for field in Unlinked._meta.concrete_fields}


def let_migrations_pass(using: str) -> None:
    """Triggers that name a table which a migration makes anew would have SQLite refuse."""
    drop_triggers_of_sqlite(connections[using], f"{KEPT}_")


def rebuild_unlinked(using: str = "default") -> None:
    """The whole answer, from the tables themselves."""
    with transaction.atomic(using), connections[using].cursor() as cursor:
        cursor.execute(f"DELETE FROM {KEPT}")  # noqa: S608 - names of our own
        cursor.execute(FIND.format(which="1 = 1"))
    refresh_statistics(Unlinked)


def _full(trigger: _Trigger) -> str:
    return f"{KEPT}_{trigger.name}"


def _statements(vendor: str) -> Iterator[str]:
    written = {"sqlite": _on_sqlite, "postgresql": _on_postgresql}
    for trigger in TRIGGERS:
        yield from written[vendor](trigger)


def _on_sqlite(trigger: _Trigger) -> Iterator[str]:
    yield f"DROP TRIGGER IF EXISTS {_full(trigger)}"
    yield f"{_head(trigger, differs='IS NOT')} BEGIN {_look_again(trigger)}; END"


def _on_postgresql(trigger: _Trigger) -> Iterator[str]:
    """Of two that look at once the later sees what the earlier wrote: a conflict is one of equals."""
    name = _full(trigger)
    yield (
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN {_look_again(trigger)} ON CONFLICT DO NOTHING; RETURN NULL; END $$"
    )
    yield f"DROP TRIGGER IF EXISTS {name} ON {trigger.table}"
    yield f"{_head(trigger, differs='IS DISTINCT FROM')} EXECUTE FUNCTION {name}()"


def _head(trigger: _Trigger, *, differs: str) -> str:
    when = f" WHEN ({trigger.when.format(differs=differs)})" if trigger.when else ""
    return f"CREATE TRIGGER {_full(trigger)} AFTER {trigger.event} ON {trigger.table} FOR EACH ROW{when}"


def _look_again(trigger: _Trigger) -> str:
    find = FIND.format(which=f"device.id IN ({trigger.touched})")
    return f"DELETE FROM {KEPT} WHERE device_id IN ({trigger.touched}); {find}"  # noqa: S608 - names of our own
