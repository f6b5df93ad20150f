"""The database keeps what reconciliation shows; here it is compared with looking at all devices and rows."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from threading import Event
from typing import Any

import pytest
from django.core.management.sql import emit_post_migrate_signal, emit_pre_migrate_signal
from django.db import connection as database
from django.db import transaction
from django.db.migrations import Migration
from django.db.models import QuerySet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homeroom.accounts.policy import COMMAND_LINE_VIEWER, Role
from homeroom.applesync.models import AppleDevice, Connection, NotInApple, NotInInventory
from homeroom.applesync.queries import reconciliation as queries
from homeroom.applesync.verbs.kept_lists import correct_lists, keep_lists, rebuild_lists
from homeroom.config.worker import Every, _wrong_on_lists
from homeroom.inventory.models import Device, Site
from homeroom.inventory.queries import search_devices
from tests.applesync.mirrors import make_connection, make_listed
from tests.applesync.repairs import connected, make_at_apple
from tests.builders import make_device, make_site, make_user

pytestmark = pytest.mark.django_db
EARLY, LATE = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
SERIALS = ("DMQX01", "dmqx01", "DMQX O1", "SDMQX01", "C02X", "c02x", "OTHER")
FAMILIES = ("iPad", "iPad", "", "Chromebook")
PLACE = st.integers(0, 11)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("device"), st.sampled_from([*SERIALS, None]), st.sampled_from(FAMILIES)),
        st.tuples(st.just("row"), st.sampled_from(SERIALS), PLACE, st.sampled_from([EARLY, LATE, None])),
        st.tuples(st.just("link"), PLACE, PLACE),
        st.tuples(st.just("match"), PLACE),
        st.tuples(st.just("gone"), PLACE, st.sampled_from([LATE, None])),
        st.tuples(st.just("rename"), PLACE, st.sampled_from([*SERIALS, None])),
        st.tuples(st.just("family"), PLACE, st.sampled_from(FAMILIES)),
        st.tuples(st.just("move"), PLACE),
        st.tuples(st.just("added"), PLACE, st.sampled_from([EARLY, LATE, None])),
        st.tuples(st.just("forget_row"), PLACE),
        st.tuples(st.just("delete_device"), PLACE),
        st.tuples(st.just("activate"), PLACE, st.booleans()),
    ),
    min_size=4,
    max_size=30,
)


class District:
    """What may happen to a district, one step after the other. A step that can't be taken is passed over."""

    def __init__(self) -> None:
        AppleDevice.objects.all().delete()
        Device.objects.all().delete()
        Connection.objects.all().delete()
        self.connections = [make_connection(), make_connection(), make_connection(active=False)]
        self.other_site = make_site()

    def device(self, serial: str | None, family: str) -> None:
        if self._is_free(serial):
            make_device(serial_number=serial, product_family=family, manufacturer="", model="")

    def row(self, serial: str, place: int, added: datetime | None) -> None:
        connection = self.connections[place % 3]
        if not AppleDevice.objects.filter(connection=connection, serial_number=serial).exists():
            make_listed(serial, connection, added_at=added)

    def link(self, row: int, device: int) -> None:
        AppleDevice.objects.filter(device__in=self._one(Device, device)).update(device=None)
        self._one(AppleDevice, row).update(device=self._one(Device, device).first())

    def match(self, at: int) -> None:
        for row in self._one(AppleDevice, at):
            device = Device.objects.filter(serial_number=row.serial_number).first()
            AppleDevice.objects.filter(device=device).update(device=None)
            AppleDevice.objects.filter(pk=row.pk).update(device=device)

    def gone(self, row: int, since: datetime | None) -> None:
        self._one(AppleDevice, row).update(gone_since=since)

    def rename(self, device: int, serial: str | None) -> None:
        if self._is_free(serial):
            self._one(Device, device).update(serial_number=serial)

    def family(self, device: int, family: str) -> None:
        self._one(Device, device).update(product_family=family)

    def move(self, device: int) -> None:
        self._one(Device, device).update(site=self.other_site)

    def added(self, row: int, at: datetime | None) -> None:
        self._one(AppleDevice, row).update(added_at=at)

    def forget_row(self, row: int) -> None:
        self._one(AppleDevice, row).delete()

    def delete_device(self, device: int) -> None:
        self._one(Device, device).delete()

    def activate(self, place: int, active: bool) -> None:
        Connection.objects.filter(pk=self.connections[place % 3].pk).update(active=active)

    def _is_free(self, serial: str | None) -> bool:
        return serial is None or not Device.objects.filter(serial_number=serial).exists()

    def _one(self, model: Any, place: int) -> QuerySet[Any]:
        """The one at that place, counted round and round; none where there are none."""
        keys = list(model.objects.order_by("pk").values_list("pk", flat=True))
        return model.objects.filter(pk__in=keys[place % len(keys) :][:1] if keys else ())


def listed() -> list[AppleDevice]:
    rows = AppleDevice.objects.select_related("connection")
    return [row for row in rows if row.gone_since is None and row.connection.active]


def in_apple() -> set[int]:
    """One row for each serial number that Apple lists and no device has: the one that was added last."""
    known = set(Device.objects.values_list("serial_number", flat=True))
    owners: dict[str, AppleDevice] = {}
    for row in sorted(listed(), key=lambda row: (row.added_at or datetime(1970, 1, 1, tzinfo=UTC), row.pk)):
        owners[row.serial_number] = row
    return {row.pk for row in owners.values() if row.serial_number not in known}


def not_listed() -> list[Device]:
    known = {row.serial_number for row in listed()}
    devices = Device.objects.select_related("apple_device")
    return [device for device in devices if device.serial_number not in known]


def in_inventory() -> set[int]:
    return {
        device.pk
        for device in not_listed()
        if device.product_family == "iPad"
        or (device.product_family == "" and getattr(device, "apple_device", None))
    }


def near() -> dict[int, int]:
    rows = sorted(AppleDevice.objects.filter(pk__in=in_apple()), key=lambda row: (row.serial_number, row.pk))
    found = {}
    for device in not_listed():
        alike = [row for row in rows if row.near_key == device.near_key]
        if alike and device.product_family != "Chromebook":
            found[device.pk] = alike[0].pk
    return found


def assert_all_is_true() -> None:
    viewer = COMMAND_LINE_VIEWER
    assert set(queries.in_apple_not_in_inventory(viewer).values_list("pk", flat=True)) == in_apple()
    assert set(queries.in_inventory_not_in_apple(viewer).values_list("pk", flat=True)) == in_inventory()
    assert dict(queries.near_matches(viewer).values_list("pk", "apple_id")) == near()
    assert_of_one_site()


def assert_of_one_site() -> None:
    for site in Site.objects.filter(devices__isnull=False).distinct():
        viewer = replace(COMMAND_LINE_VIEWER, site_ids=frozenset([site.pk]))
        theirs = set(site.devices.values_list("pk", flat=True))
        found = queries.in_inventory_not_in_apple(viewer).values_list("pk", flat=True)
        assert set(found) == in_inventory() & theirs
        assert set(queries.near_matches(viewer).values_list("pk", flat=True)) == near().keys() & theirs


def kept() -> tuple[set[Any], set[Any]]:
    """All that is kept of either side."""
    return set(NotInApple.objects.values_list()), set(NotInInventory.objects.values_list())


def kept_devices() -> set[int]:
    return set(NotInApple.objects.values_list("device", flat=True))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(steps=STEPS)
def test_whatever_happened_the_three_lists_are_those_of_looking_at_everything(steps):
    district = District()
    for what, *how in steps:
        getattr(district, what)(*how)
    assert_all_is_true()
    before = kept()
    rebuild_lists()
    assert kept() == before


def test_a_device_whose_serial_number_was_edited_after_its_match_frees_its_row(db):
    device = make_device(serial_number="DMQX01")
    row = make_listed("DMQX01", make_connection(), device=device)
    assert kept() == (set(), set())
    device.serial_number = "TYPO"
    device.save()
    assert kept_devices() == {device.pk}
    assert set(NotInInventory.objects.values_list("row", flat=True)) == {row.pk}
    assert_all_is_true()
    device.delete()
    assert kept_devices() == set()


def test_a_trigger_that_a_migration_lost_comes_back_with_what_it_missed(db):
    lost = "applesync_device_added"
    on_table = " ON inventory_device" if database.vendor == "postgresql" else ""
    with database.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {lost}{on_table}")
    missed = make_device(serial_number="MISSED")
    assert kept_devices() == set()
    keep_lists("default")
    assert kept_devices() == {missed.pk}
    known = make_device(serial_number="KNOWN")
    assert kept_devices() == {missed.pk, known.pk}


@pytest.mark.skipif(database.vendor != "postgresql", reason="on SQLite one writes at a time")
@pytest.mark.django_db(transaction=True)
def test_what_two_at_once_left_behind_is_put_right_by_the_worker():
    connection, site = make_connection(), make_site()

    def list_it() -> None:
        try:
            make_listed("DMQX01", connection)
        finally:
            database.close()

    with transaction.atomic():
        device = make_device(serial_number="DMQX01", product_family="iPad", site=site)
        with ThreadPoolExecutor(1) as another:
            another.submit(list_it).result()
    assert kept_devices() == {device.pk}, "neither saw the other"
    source = Every(600, _wrong_on_lists)
    assert source(Event())
    assert kept() == (set(), set())
    assert_all_is_true()
    assert not source(Event()), "not at once again"


def test_a_depots_technician_sees_what_is_at_apple_from_another_site(db):
    incident = make_at_apple(connected())
    make_device(serial_number="ELSEWHERE", product_family="iPad")
    AppleDevice.objects.update(gone_since=LATE)
    depot = make_user(Role.TECHNICIAN, sites=(make_site(kind=Site.Kind.DEPOT),))
    assert [*queries.in_inventory_not_in_apple(depot.viewer())] == [incident.device]
    elsewhere = make_user(Role.TECHNICIAN, sites=(make_site(),))
    assert not queries.in_inventory_not_in_apple(elsewhere.viewer())


def test_whatever_is_wrong_is_put_right(db):
    connection = make_connection()
    right = make_device(serial_number="RIGHT", product_family="iPad")
    moved = make_device(serial_number="MOVED", product_family="iPad")
    make_device(serial_number="MISSING", product_family="iPad")
    make_listed("LACKED", connection)
    listed = make_listed("LISTED", connection, device=make_device(serial_number="LISTED"))
    before = kept()
    NotInApple.objects.filter(device=moved).update(site=right.site)
    NotInApple.objects.exclude(device__in=[right, moved]).delete()
    NotInInventory.objects.all().delete()
    NotInInventory.objects.create(row=listed, serial_number="LISTED", near_key="listed")
    assert correct_lists() == 4
    assert kept() == before
    assert correct_lists() == 0


@pytest.mark.skipif(
    database.vendor != "postgresql", reason="on SQLite they are dropped before each migration"
)
def test_triggers_from_before_these_lists_are_put_in_place_anew(db):
    migration = import_module("homeroom.applesync.migrations.0017_kept_lists")
    with database.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION applesync_unlinked_device_added() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN INSERT INTO applesync_unlinked (device_id) VALUES (NEW.id); RETURN NULL; END $$"
        )
        cursor.execute(
            "CREATE TRIGGER applesync_unlinked_device_added AFTER INSERT ON inventory_device"
            " FOR EACH ROW EXECUTE FUNCTION applesync_unlinked_device_added()"
        )
    with database.schema_editor() as editor:
        migration.drop_triggers(None, editor)
    keep_lists("default")
    device = make_device(serial_number="AFTER")
    assert kept_devices() == {device.pk}


@pytest.mark.django_db(transaction=True)
def test_a_migration_may_make_the_tables_anew_that_the_triggers_name():
    missed = make_device(serial_number="BEFORE")
    emit_pre_migrate_signal(0, False, "default", plan=[(Migration("9999_next", "inventory"), False)])
    for model, field in ((Device, "notes"), (AppleDevice, "color"), (Connection, "name")):
        old = model._meta.get_field(field)
        new = old.clone()
        new.set_attributes_from_name(field)
        new.model, new.null = model, True
        with database.schema_editor() as editor:
            editor.alter_field(model, old, new)
        with database.schema_editor() as editor:
            editor.alter_field(model, new, old)
    emit_post_migrate_signal(0, False, "default")
    known = make_device(serial_number="AFTER")
    assert kept_devices() == {missed.pk, known.pk}
    assert set(search_devices(Device.objects.all(), "after")) == {known}
