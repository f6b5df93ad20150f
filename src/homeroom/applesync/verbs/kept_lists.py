"""Keeping `NotInApple` and `NotInInventory`: triggers of the database, and the count from anew.

They are put in place after each migration. On SQLite they stand in the way of migrations, and are dropped before each;
so after each it is looked whether they are there. Where they are not, what they keep may be wrong, and is made anew.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from homeroom.applesync.models import AppleDevice, Connection, NotInApple, NotInInventory
from homeroom.inventory.makes import OTHER_FAMILIES
from homeroom.inventory.models import Device
from homeroom.rows import refresh_statistics
from homeroom.triggers import drop_triggers_of_sqlite, standing_triggers

Named = tuple[str, str]
PREFIX = "applesync_"
DEVICES, MIRROR, CONNECTIONS = (model._meta.db_table for model in (Device, AppleDevice, Connection))
OTHERS = ", ".join(f"'{family.value}'" for family in OTHER_FAMILIES)
DIFFERS = {"sqlite": "IS NOT", "postgresql": "IS DISTINCT FROM"}
LISTED = f"""
SELECT 1 FROM {MIRROR} AS other JOIN {CONNECTIONS} AS synced ON synced.id = other.connection_id
WHERE synced.active AND other.gone_since IS NULL
"""  # noqa: S608 - names of our own
PORTION = 1_000
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _List:
    """What is kept, and how it is found: `which` are the devices or rows that are looked at."""

    model: type[NotInApple | NotInInventory]
    key: str
    looked_at: str
    select: str

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def columns(self) -> str:
        return ", ".join(str(field.column) for field in self.model._meta.concrete_fields)

    def found(self, vendor: str, which: str = "1 = 1") -> str:
        return self.select.format(which=which, differs=DIFFERS[vendor])

    def insert(self, vendor: str, which: str = "1 = 1") -> str:
        """Of two that look at once on PostgreSQL, the later finds the same row there."""
        there_already = " ON CONFLICT DO NOTHING" if vendor == "postgresql" else ""
        return f"INSERT INTO {self.table} ({self.columns}) {self.found(vendor, which)}{there_already}"


IN_APPLE = _List(
    NotInApple,
    "device_id",
    "device.id",
    f"""
SELECT device.id AS device_id, device.site_id, device.near_key FROM {DEVICES} AS device
WHERE {{which}} AND device.product_family NOT IN ({OTHERS})
AND NOT EXISTS ({LISTED} AND other.serial_number = device.serial_number)
""",  # noqa: S608 - names of our own
)
IN_INVENTORY = _List(
    NotInInventory,
    "row_id",
    "listed.id",
    f"""
SELECT listed.id AS row_id, listed.serial_number, listed.near_key
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
""",  # noqa: S608 - names of our own
)
LISTS = (IN_APPLE, IN_INVENTORY)


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
    def is_of_a_row(self) -> bool:
        """Not of a whole connection's."""
        return self.table != CONNECTIONS

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
        return all(each.table in tables and _has_its_columns(each, connection, cursor) for each in LISTS)


def _has_its_columns(kept: _List, connection: BaseDatabaseWrapper, cursor: Any) -> bool:
    columns = connection.introspection.get_table_description(cursor, kept.table)
    return {column.name for column in columns} == set(kept.columns.split(", "))


def let_migrations_pass(using: str) -> None:
    """Triggers that name a table which a migration makes anew would have SQLite refuse."""
    drop_triggers_of_sqlite(connections[using], PREFIX)


def rebuild_lists(using: str = "default") -> None:
    """The whole answer, from the tables themselves."""
    vendor = connections[using].vendor
    with transaction.atomic(using), connections[using].cursor() as cursor:
        for each in LISTS:
            cursor.execute(f"DELETE FROM {each.table}")  # noqa: S608 - names of our own
            cursor.execute(each.insert(vendor))
    refresh_statistics(*(each.model for each in LISTS))


def correct_lists() -> int:
    """Put right what two transactions left behind that changed both sides of a serial number at once; how much it was.

    Neither saw what the other did; on SQLite one writes at a time, and nothing is ever wrong. All is looked at, and
    only what is wrong is written.
    """
    corrected = sum(_correct(each) for each in LISTS)
    if corrected:
        log.info("Put right where the inventory and Apple's list differ", extra={"rows": corrected})
    return corrected


def _correct(kept: _List) -> int:
    vendor, standing = connection.vendor, f"SELECT {kept.columns} FROM {kept.table}"  # noqa: S608 - names of our own
    found = kept.found(vendor)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {kept.key} FROM ({standing} EXCEPT {found}) AS too_much"  # noqa: S608 - names of our own
            f" UNION SELECT {kept.key} FROM ({found} EXCEPT {standing}) AS missing"
        )
        wrong = [key for (key,) in cursor.fetchall()]
    for start in range(0, len(wrong), PORTION):
        among = f"IN ({', '.join(str(key) for key in wrong[start : start + PORTION])})"
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {kept.table} WHERE {kept.key} {among}")  # noqa: S608 - names of our own
            cursor.execute(kept.insert(vendor, f"{kept.looked_at} {among}"))
    return len(wrong)


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
    name, look = trigger.full_name, "; ".join(_look_again(trigger, "postgresql"))
    # A plan is kept for as long as the connection lasts, also one that was made when the tables were all but empty.
    by_index = "SET enable_seqscan = off" if trigger.is_of_a_row else ""
    head = f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql {by_index}"
    yield name, f"{head} AS $$ BEGIN {look}; RETURN NULL; END $$"
    yield name, f"DROP TRIGGER IF EXISTS {name} ON {trigger.table}"
    yield name, f"CREATE TRIGGER {name} {_after(trigger, 'postgresql')} EXECUTE FUNCTION {name}()"


def _after(trigger: _Trigger, vendor: str) -> str:
    when = f"WHEN ({trigger.when.format(differs=DIFFERS[vendor])})" if trigger.when else ""
    return f"AFTER {trigger.event} ON {trigger.table} FOR EACH ROW {when}"


def _look_again(trigger: _Trigger, vendor: str) -> Iterator[str]:
    devices, serials = trigger.devices, trigger.serials
    yield f"DELETE FROM {IN_APPLE.table} WHERE device_id IN ({devices})"  # noqa: S608 - names of our own
    yield IN_APPLE.insert(vendor, f"device.id IN ({devices})")
    yield f"DELETE FROM {IN_INVENTORY.table} WHERE serial_number IN ({serials})"  # noqa: S608 - names of our own
    yield IN_INVENTORY.insert(vendor, f"listed.serial_number IN ({serials})")
