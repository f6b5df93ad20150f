"""Keeping `NotInApple` and `NotInInventory`: triggers of the database, and the count from anew.

They are put in place after each migration. On SQLite they stand in the way of migrations, and are dropped before each;
so after each it is looked whether they are there. Where they are not, what they keep may be wrong, and is made anew.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from homeroom.applesync.models import AppleDevice, Connection, NotInApple, NotInInventory
from homeroom.inventory.makes import OTHER_FAMILIES
from homeroom.inventory.models import Device
from homeroom.rows import refresh_statistics
from homeroom.triggers import drop_triggers_of_sqlite, standing_triggers

KEPT = (NotInApple, NotInInventory)
PREFIX = "applesync_"
NOT_IN_APPLE, NOT_IN_INVENTORY, DEVICES, MIRROR, CONNECTIONS = (
    model._meta.db_table for model in (*KEPT, Device, AppleDevice, Connection)
)
OTHERS = ", ".join(f"'{family.value}'" for family in OTHER_FAMILIES)
Named = tuple[str, str]
DIFFERS = {"sqlite": "IS NOT", "postgresql": "IS DISTINCT FROM"}
LISTED = f"""
SELECT 1 FROM {MIRROR} AS other JOIN {CONNECTIONS} AS synced ON synced.id = other.connection_id
WHERE synced.active AND other.gone_since IS NULL
"""  # noqa: S608 - names of our own
FIND_NOT_IN_APPLE = f"""
INSERT INTO {NOT_IN_APPLE} (device_id, site_id, near_key)
SELECT device.id, device.site_id, device.near_key FROM {DEVICES} AS device
WHERE {{which}} AND device.product_family NOT IN ({OTHERS})
AND NOT EXISTS ({LISTED} AND other.serial_number = device.serial_number)
"""  # noqa: S608 - names of our own
FIND_NOT_IN_INVENTORY = f"""
INSERT INTO {NOT_IN_INVENTORY} (row_id, serial_number, near_key)
SELECT listed.id, listed.serial_number, listed.near_key
FROM {MIRROR} AS listed JOIN {CONNECTIONS} AS connection ON connection.id = listed.connection_id
WHERE {{which}} AND connection.active AND listed.gone_since IS NULL
AND NOT EXISTS (SELECT 1 FROM {DEVICES} AS device WHERE device.serial_number = listed.serial_number)
AND NOT EXISTS (
    {LISTED} AND other.serial_number = listed.serial_number AND (
        other.added_at > listed.added_at
        OR (other.added_at IS NOT NULL AND listed.added_at IS NULL)
        OR (NOT (other.added_at {{differs}} listed.added_at) AND other.id > listed.id)
    )
)
"""  # noqa: S608 - names of our own
LATE_LOCK = 4_211_975
"""Of PostgreSQL, for the few moments in which a transaction looks again before it ends."""


@dataclass(frozen=True, slots=True)
class _Trigger:
    """After which change of which table which serial numbers are looked at again."""

    name: str
    event: str
    table: str
    serials: str
    """As SQL between brackets."""
    device: str = ""
    """The key of the device that changed: it may have no serial number."""
    when: str = ""
    """Most of what is written changes nothing of it: a sync of a quiet night fires nothing."""

    @property
    def full_name(self) -> str:
        return f"{PREFIX}{self.name}"

    @property
    def devices(self) -> str:
        of_serials = f"SELECT id FROM {DEVICES} WHERE serial_number IN ({self.serials})"  # noqa: S608 - names of our own
        return self.device or of_serials


_OF_CONNECTION = f"SELECT serial_number FROM {MIRROR} WHERE connection_id = NEW.id"  # noqa: S608 - names of our own
TRIGGERS = (
    _Trigger("device_added", "INSERT", DEVICES, "NEW.serial_number", "NEW.id"),
    _Trigger(
        "device_changed",
        "UPDATE OF serial_number, product_family, site_id",
        DEVICES,
        "OLD.serial_number, NEW.serial_number",
        "NEW.id",
        "OLD.serial_number {differs} NEW.serial_number OR OLD.product_family <> NEW.product_family"
        " OR OLD.site_id <> NEW.site_id",
    ),
    _Trigger("device_deleted", "DELETE", DEVICES, "OLD.serial_number", "OLD.id"),
    _Trigger("row_added", "INSERT", MIRROR, "NEW.serial_number"),
    _Trigger(
        "row_changed",
        "UPDATE OF serial_number, gone_since, connection_id, added_at",
        MIRROR,
        "OLD.serial_number, NEW.serial_number",
        when="OLD.serial_number <> NEW.serial_number OR OLD.gone_since {differs} NEW.gone_since"
        " OR OLD.connection_id <> NEW.connection_id OR OLD.added_at {differs} NEW.added_at",
    ),
    _Trigger("row_deleted", "DELETE", MIRROR, "OLD.serial_number"),
    _Trigger(
        "connection_changed",
        "UPDATE OF active",
        CONNECTIONS,
        _OF_CONNECTION,
        when="OLD.active <> NEW.active",
    ),
)


def keep_lists(using: str) -> None:
    """Put the triggers in place where they are missing."""
    connection = connections[using]
    if not _is_as_now(connection):
        return  # migrated to before
    statements = list(_statements(connection.vendor))
    if standing_triggers(connection, PREFIX) == {name for name, _statement in statements}:
        return
    with transaction.atomic(using), connection.cursor() as cursor:
        for _name, statement in statements:
            cursor.execute(statement)
        rebuild_lists(using)


def _is_as_now(connection: BaseDatabaseWrapper) -> bool:
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        return all(
            model._meta.db_table in tables and _columns(connection, cursor, model) == _columns_now(model)
            for model in KEPT
        )


def _columns(
    connection: BaseDatabaseWrapper, cursor: Any, model: type[NotInApple | NotInInventory]
) -> set[str]:
    table = model._meta.db_table
    return {column.name for column in connection.introspection.get_table_description(cursor, table)}


def _columns_now(model: type[NotInApple | NotInInventory]) -> set[str]:
    return {str(field.column) for field in model._meta.concrete_fields}


def let_migrations_pass(using: str) -> None:
    """Triggers that name a table which a migration makes anew would have SQLite refuse."""
    drop_triggers_of_sqlite(connections[using], PREFIX)


def rebuild_lists(using: str = "default") -> None:
    """The whole answer, from the tables themselves."""
    differs = DIFFERS[connections[using].vendor]
    with transaction.atomic(using), connections[using].cursor() as cursor:
        for table in (NOT_IN_APPLE, NOT_IN_INVENTORY):
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own
        for find in (FIND_NOT_IN_APPLE, FIND_NOT_IN_INVENTORY):
            cursor.execute(find.format(which="1 = 1", differs=differs))
    refresh_statistics(*KEPT)


def _statements(vendor: str) -> Iterator[Named]:
    """With the name of the trigger that each puts in place."""
    written = {"sqlite": _on_sqlite, "postgresql": _on_postgresql}
    for trigger in TRIGGERS:
        yield from written[vendor](trigger)


def _on_sqlite(trigger: _Trigger) -> Iterator[Named]:
    name, look = trigger.full_name, "; ".join(_look_again(trigger, "sqlite"))
    yield name, f"DROP TRIGGER IF EXISTS {name}"
    yield name, f"CREATE TRIGGER {name} {_after(trigger, 'sqlite')} BEGIN {look}; END"


def _on_postgresql(trigger: _Trigger) -> Iterator[Named]:
    """Each is two: it looks at once, and again when the transaction is about to end.

    Of two transactions that change both sides of one serial number neither sees what the other does. So they end one
    after the other, and the later one looks after the earlier has ended. Until then what both found is the same.
    """
    look = "; ".join(_look_again(trigger, "postgresql", but=" ON CONFLICT DO NOTHING"))
    name, late = trigger.full_name, f"{trigger.full_name}_late"
    yield from _function(name, look)
    yield name, f"DROP TRIGGER IF EXISTS {name} ON {trigger.table}"
    yield name, f"CREATE TRIGGER {name} {_after(trigger, 'postgresql')} EXECUTE FUNCTION {name}()"
    yield from _function(late, f"PERFORM pg_advisory_xact_lock({LATE_LOCK}); {look}")
    yield late, f"DROP TRIGGER IF EXISTS {late} ON {trigger.table}"
    after = _after(trigger, "postgresql", "DEFERRABLE INITIALLY DEFERRED")
    yield late, f"CREATE CONSTRAINT TRIGGER {late} {after} EXECUTE FUNCTION {late}()"


def _function(name: str, body: str) -> Iterator[Named]:
    head = f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS"
    yield name, f"{head} $$ BEGIN {body}; RETURN NULL; END $$"


def _after(trigger: _Trigger, vendor: str, deferred: str = "") -> str:
    when = f"WHEN ({trigger.when.format(differs=DIFFERS[vendor])})" if trigger.when else ""
    return f"AFTER {trigger.event} ON {trigger.table} {deferred} FOR EACH ROW {when}"


def _look_again(trigger: _Trigger, vendor: str, but: str = "") -> Iterator[str]:
    devices, serials = trigger.devices, trigger.serials
    yield f"DELETE FROM {NOT_IN_APPLE} WHERE device_id IN ({devices})"  # noqa: S608 - names of our own
    yield FIND_NOT_IN_APPLE.format(which=f"device.id IN ({devices})") + but
    yield f"DELETE FROM {NOT_IN_INVENTORY} WHERE serial_number IN ({serials})"  # noqa: S608 - names of our own
    of_them = f"listed.serial_number IN ({serials})"
    yield FIND_NOT_IN_INVENTORY.format(which=of_them, differs=DIFFERS[vendor]) + but
