"""Where Apple's list and the inventory differ, and what a person decides about it."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from pytest_django import Settings

from appleschool_sim.testing import RunningSimulator
from homeroom.accounts.policy import COMMAND_LINE_VIEWER, Role, Viewer
from homeroom.applesync.models import AppleDevice
from homeroom.applesync.pipeline import matching
from homeroom.applesync.queries import reconciliation as queries
from homeroom.applesync.verbs import reconciliation as verbs
from homeroom.audit.actors import COMMAND_LINE
from homeroom.audit.models import Entry
from homeroom.inventory.models import Device, DeviceStatus
from homeroom.web.errors import Refused
from tests.applesync.districts import connect, listed, sync, use_apple
from tests.applesync.mirrors import make_connection, make_listed
from tests.applesync.test_reconciliation_near import respelled
from tests.builders import make_device, make_site, make_status

pytestmark = pytest.mark.django_db
EARLY, LATE = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def connection(db):
    return make_connection()


def in_apple(viewer: Viewer = COMMAND_LINE_VIEWER) -> list[str]:
    return [row.serial_number for row in queries.in_apple_not_in_inventory(viewer)]


def in_inventory(viewer: Viewer = COMMAND_LINE_VIEWER) -> set[str | None]:
    return set(queries.in_inventory_not_in_apple(viewer).values_list("serial_number", flat=True))


def near(viewer: Viewer = COMMAND_LINE_VIEWER) -> dict[str, str]:
    return dict(queries.near_matches(viewer).values_list("serial_number", "apple_serial_number"))


def technician_of(*sites) -> Viewer:
    return Viewer(COMMAND_LINE, Role.TECHNICIAN, frozenset(site.pk for site in sites))


class TestInAppleNotInInventory:
    def test_what_apple_lists_and_nobody_has_is_there(self, connection):
        make_listed("NEW1", connection)
        make_listed("KNOWN1", connection)
        make_device(serial_number="KNOWN1")
        assert in_apple() == ["NEW1"]

    def test_what_left_apples_list_is_not(self, connection):
        make_listed("GONE1", connection, gone_since=LATE)
        assert in_apple() == []

    def test_a_connection_that_is_not_active_does_not_count(self):
        make_listed("OLD1", make_connection(active=False))
        assert in_apple() == []

    def test_a_serial_number_of_two_connections_belongs_to_the_one_that_added_it_last(self, connection):
        later = make_listed("TWICE", make_connection(), added_at=LATE)
        make_listed("TWICE", connection, added_at=EARLY)
        assert list(queries.in_apple_not_in_inventory(COMMAND_LINE_VIEWER)) == [later]

    def test_a_technician_of_a_site_sees_it_and_a_viewer_does_not(self, connection):
        make_listed("NEW1", connection)
        assert in_apple(technician_of(make_site())) == ["NEW1"]
        assert in_apple(Viewer(COMMAND_LINE, Role.VIEWER)) == []


class TestInInventoryNotInApple:
    @pytest.mark.parametrize(
        ("values", "is_apples"),
        [
            ({"product_family": "iPad", "manufacturer": ""}, True),
            ({"product_family": "", "manufacturer": "Apple Inc."}, True),
            ({"product_family": "", "manufacturer": "", "model": "MacBook Air"}, True),
            ({"product_family": "", "manufacturer": "", "model": ""}, False),
            ({"product_family": "", "manufacturer": "Otter", "model": "iPad case"}, False),
            ({"product_family": "Chromebook", "manufacturer": "Apple"}, False),
            ({"product_family": "Windows", "manufacturer": "Dell"}, False),
        ],
    )
    def test_apple_devices_only(self, values, is_apples):
        make_device(serial_number="X1", **values)
        assert (in_inventory() == {"X1"}) == is_apples

    def test_one_that_apple_listed_once_is_apples_whatever_the_inventory_says(self, connection):
        device = make_device(serial_number="X1", product_family="", manufacturer="", model="")
        make_listed("X1", connection, device=device, gone_since=LATE)
        assert in_inventory() == {"X1"}

    def test_what_apple_lists_is_not_there_though_no_sync_has_linked_it(self, connection):
        make_listed("X1", connection)
        make_device(serial_number="X1")
        assert in_inventory() == set()

    def test_it_says_why(self, connection):
        inactive = make_connection(active=False)
        for serial, listed_by, values in (
            ("RELEASED", connection, {"gone_since": LATE, "released_at": EARLY}),
            ("GONE", connection, {"gone_since": LATE}),
            ("INACTIVE", inactive, {}),
        ):
            make_listed(serial, listed_by, device=make_device(serial_number=serial), **values)
        make_device(serial_number="NEVER")
        make_device(serial_number=None)
        found = queries.with_reason(queries.in_inventory_not_in_apple(COMMAND_LINE_VIEWER))
        assert {device.serial_number: (device.reason, device.left_at) for device in found} == {
            "RELEASED": ("released", EARLY),
            "GONE": ("gone", LATE),
            "INACTIVE": ("not_synced", None),
            "NEVER": ("never_listed", None),
            None: ("no_serial_number", None),
        }

    def test_retired_ones_are_told_apart(self):
        make_device(serial_number="OLD", status=make_status("Scrapped", kind=DeviceStatus.Kind.RETIRED))
        make_device(serial_number="NEW")
        found = queries.with_reason(queries.in_inventory_not_in_apple(COMMAND_LINE_VIEWER))
        assert {device.serial_number: device.retired for device in found} == {"OLD": True, "NEW": False}

    def test_a_technician_sees_their_sites_only(self):
        here = make_device(serial_number="HERE")
        make_device(serial_number="THERE")
        assert in_inventory(technician_of(here.site)) == {"HERE"}


class TestNearMatches:
    @pytest.mark.parametrize("typed", ["dmqx01", "DMQ X01", "DMQXO1", "DMQX0I", "SDMQX01", "s dmq xoi"])
    def test_both_spellings_are_told(self, connection, typed):
        make_listed("DMQX01", connection)
        make_device(serial_number=typed)
        assert near() == {typed: "DMQX01"}

    def test_an_exact_match_is_none(self, connection):
        make_listed("DMQX01", connection)
        make_device(serial_number="DMQX01")
        make_device(serial_number="dmqx01")
        assert near() == {}

    def test_a_device_that_apple_lists_exactly_is_near_to_nothing_else(self, connection):
        make_listed("SDMQX01", connection)
        make_listed("DMQX01", connection)
        make_device(serial_number="SDMQX01")
        assert near() == {}

    def test_a_chromebook_is_never_one(self, connection):
        make_listed("DMQX01", connection)
        make_device(serial_number="dmqx01", product_family="Chromebook")
        assert near() == {}

    def test_two_devices_may_be_near_the_same(self, connection):
        make_listed("DMQX01", connection)
        make_device(serial_number="dmqx01")
        make_device(serial_number="DMQX 01")
        assert near() == {"dmqx01": "DMQX01", "DMQX 01": "DMQX01"}

    def test_a_technician_sees_their_sites_only(self, connection):
        make_listed("DMQX01", connection)
        make_device(serial_number="dmqx01")
        assert near(technician_of(make_site())) == {}

    def test_the_other_lists_say_that_there_is_one(self, connection):
        make_listed("DMQX01", connection)
        make_device(serial_number="dmqx01")
        row = queries.with_near_device(queries.in_apple_not_in_inventory(COMMAND_LINE_VIEWER)).get()
        device = queries.with_reason(queries.in_inventory_not_in_apple(COMMAND_LINE_VIEWER)).get()
        assert (row.near_match, device.near_match) == (True, True)

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
    @given(spellings=respelled())
    def test_whatever_is_typed_is_told_unless_it_is_equal_and_never_linked(self, connection, spellings):
        serial, typed = spellings
        Device.objects.all().delete()
        AppleDevice.objects.all().delete()
        row = make_listed(serial, connection)
        make_device(serial_number=typed)
        assert near() == ({} if typed == serial else {typed: serial})
        matching.link(connection, rows=[row.pk])
        row.refresh_from_db()
        assert (row.device is not None) == (typed == serial)


class TestTakingApplesSpelling:
    def test_the_device_is_linked_at_once_and_the_trail_tells(self, connection):
        row = make_listed("DMQX01", connection)
        device = make_device(serial_number="DMQXO1")
        verbs.take_spelling(device, row, actor=COMMAND_LINE)
        row.refresh_from_db()
        device.refresh_from_db()
        assert (device.serial_number, row.device) == ("DMQX01", device)
        entry = Entry.objects.get()
        assert (entry.before, entry.after) == ({"serial_number": "DMQXO1"}, {"serial_number": "DMQX01"})

    def test_it_lets_go_of_what_was_listed_under_the_old_spelling(self, connection):
        row = make_listed("DMQX01", connection)
        device = make_device(serial_number="dmqx01")
        gone = make_listed("dmqx01", connection, device=device, gone_since=LATE)
        verbs.take_spelling(device, row, actor=COMMAND_LINE)
        row.refresh_from_db()
        gone.refresh_from_db()
        assert (row.device, gone.device) == (device, None)

    def test_it_is_refused_where_another_device_has_that_serial_number(self, connection):
        row = make_listed("DMQX01", connection)
        device = make_device(serial_number="dmqx01")
        make_device(asset_tag="CART-7", serial_number="DMQX01")
        with pytest.raises(Refused, match="CART-7 has the serial number DMQX01 already"):
            verbs.take_spelling(device, row, actor=COMMAND_LINE)
        assert not Entry.objects.exists()

    def test_it_is_refused_where_the_device_has_another_serial_number_meanwhile(self, connection):
        row = make_listed("DMQX01", connection)
        with pytest.raises(Refused, match="changed meanwhile"):
            verbs.take_spelling(make_device(serial_number="OTHER"), row, actor=COMMAND_LINE)

    def test_case_and_white_space_are_corrected_together_and_nothing_else(self, connection):
        for number in range(6):
            make_listed(f"DMQX0{number}", connection)
        for typed in ("dmqx00", "DMQX 01", "dmqx\u00a002", "DMQXO3", "SDMQX04"):
            make_device(serial_number=typed)
        matches = queries.near_matches(COMMAND_LINE_VIEWER)
        assert verbs.sorted_matches(matches).left == 2
        assert verbs.take_spellings(matches, actor=COMMAND_LINE) == 3
        assert near() == {"DMQXO3": "DMQX03", "SDMQX04": "DMQX04"}
        assert set(
            AppleDevice.objects.filter(device__isnull=False).values_list("serial_number", flat=True)
        ) == {
            "DMQX00",
            "DMQX01",
            "DMQX02",
        }
        entry = Entry.objects.get()
        assert entry.before["serial_numbers"] == ["dmqx00", "DMQX 01", "dmqx\u00a002"]
        assert entry.after["serial_numbers"] == ["DMQX00", "DMQX01", "DMQX02"]

    def test_two_devices_that_would_get_the_same_serial_number_are_left_to_a_person(self, connection):
        make_listed("DMQX01", connection)
        make_device(serial_number="dmqx01")
        make_device(serial_number="DMQX 01")
        assert verbs.take_spellings(queries.near_matches(COMMAND_LINE_VIEWER), actor=COMMAND_LINE) == 0
        assert len(near()) == 2


class TestAddingToTheInventory:
    def test_one_is_added_as_apple_lists_it_and_linked_at_once(self, connection):
        row = make_listed("NEW1", connection)
        values = verbs.values_of(row)
        assert values["model"] == "iPad (10th generation) 64GB Silver"
        device = verbs.add_to_inventory(
            row, actor=COMMAND_LINE, **values | {"site": make_site(), "asset_tag": "T9"}
        )
        row.refresh_from_db()
        assert row.device == device
        assert (device.serial_number, device.asset_tag, device.product_family) == ("NEW1", "T9", "iPad")
        assert Entry.objects.get().action == "device.created"
        assert in_apple() == []

    def test_a_family_that_is_new_to_us_and_a_model_without_a_name_do_no_harm(self, connection):
        row = make_listed(
            "N",
            connection,
            product_family="HoloPad",
            device_model="",
            product_type="HoloPad1,1",
            color="",
            attributes={},
        )
        values = verbs.values_of(row)
        assert (values["product_family"], values["model"]) == ("", "HoloPad1,1")

    def test_many_are_added_with_one_entry_and_linked(self, connection):
        other = make_connection()
        for number in range(5):
            make_listed(f"NEW{number}", connection if number % 2 else other)
        site, status = make_site(), make_status("In storage")
        rows = queries.in_apple_not_in_inventory(COMMAND_LINE_VIEWER)
        assert verbs.add_many_to_inventory(rows, site=site, status=status, actor=COMMAND_LINE) == 5
        assert (
            Device.objects.filter(site=site, status=status, asset_tag=None, manufacturer="Apple").count() == 5
        )
        assert AppleDevice.objects.filter(device__serial_number__startswith="NEW").count() == 5
        assert Entry.objects.get().after["devices"] == 5

    def test_near_matches_are_left_out_of_many(self, connection):
        make_listed("DMQX01", connection)
        make_listed("NEW1", connection)
        make_device(serial_number="dmqx01")
        rows = queries.in_apple_not_in_inventory(COMMAND_LINE_VIEWER)
        added = verbs.add_many_to_inventory(rows, site=make_site(), status=make_status(), actor=COMMAND_LINE)
        assert (added, in_apple()) == (1, ["DMQX01"])

    def test_a_system_status_is_refused(self, connection):
        make_listed("NEW1", connection)
        status = make_status("Replaced by AppleCare", system_key="replaced_by_applecare")
        with pytest.raises(Refused):
            verbs.add_many_to_inventory(
                queries.in_apple_not_in_inventory(COMMAND_LINE_VIEWER),
                site=make_site(),
                status=status,
                actor=COMMAND_LINE,
            )
        assert not Device.objects.exists()

    def test_statements_are_for_batches_of_devices(self, connection, django_assert_max_num_queries):
        for number in range(200):
            make_listed(f"NEW{number}", connection)
        rows = queries.in_apple_not_in_inventory(COMMAND_LINE_VIEWER)
        with django_assert_max_num_queries(20):
            verbs.add_many_to_inventory(rows, site=make_site(), status=make_status(), actor=COMMAND_LINE)


@pytest.mark.django_db(transaction=True)
def test_the_next_sync_brings_the_coverage_of_what_was_added(
    settings: Settings, apple: RunningSimulator
) -> None:
    use_apple(settings, apple)
    connection = connect(apple)
    sync(connection)
    assert len(in_apple()) == len(listed(apple))
    rows = queries.in_apple_not_in_inventory(COMMAND_LINE_VIEWER)
    added = verbs.add_many_to_inventory(rows, site=make_site(), status=make_status(), actor=COMMAND_LINE)
    run = sync(connection)
    assert (run.matched, run.coverage_checked) == (added, added)
