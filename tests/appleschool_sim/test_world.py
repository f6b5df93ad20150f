from datetime import UTC, date, datetime, timedelta

import pytest

from appleschool_sim.kinds import CoverageKind, Kind, PaymentType, PurchaseSource
from appleschool_sim.world import World

TODAY = date(2026, 9, 1)


def make_world(devices=1000, *, kind=Kind.SCHOOL, seed=1):
    return World(kind, devices, seed=seed, today=TODAY)


@pytest.fixture
def world():
    return make_world()


def test_the_same_seed_makes_the_same_world(world):
    again = make_world()
    assert list(world.devices()) == list(again.devices())
    assert [world.coverage_at(n) for n in range(1000)] == [again.coverage_at(n) for n in range(1000)]


def test_another_seed_makes_another_world(world):
    assert not set(world.devices()) & set(make_world(seed=2).devices())


def test_a_device_does_not_depend_on_how_many_there_are(world):
    assert make_world(1_000_000).device_at(999) == world.device_at(999)


def test_a_device_is_found_by_its_serial(world):
    assert world.device(world.serial_at(7)) == world.device_at(7)


def test_a_serial_beyond_the_last_device_is_unknown(world):
    assert world.device(make_world(1001).serial_at(1000)) is None


def test_even_a_small_world_has_every_kind_of_coverage():
    assert set(make_world(6).coverage_kinds()) == set(CoverageKind)


def test_a_large_world_has_mostly_running_plans(world):
    kinds = world.coverage_kinds()
    assert kinds.total() == 1000
    assert kinds[CoverageKind.PLAN] > 400
    assert all(kinds[kind] > 20 for kind in CoverageKind)


def test_cover_runs_out_with_time(world):
    later = world.coverage_kinds(TODAY + timedelta(days=5000))
    assert later[CoverageKind.PLAN] == later[CoverageKind.LIMITED] == 0


def test_dates_of_a_device_are_in_order(world):
    end = datetime(2026, 9, 1, tzinfo=UTC)
    for device in world.devices():
        assert device.ordered is None or device.ordered <= device.added
        assert device.added < device.updated < end


def test_a_plan_ends_after_it_begins(world):
    for device in world.devices():
        for record in world.coverage_at(device.index):
            assert record.ends is None or record.starts < record.ends
            assert (
                device.ordered is None or device.ordered < record.starts or device.source == "MANUALLY_ADDED"
            )


def test_a_business_names_its_open_ended_cover_after_the_device():
    world = make_world(6, kind=Kind.BUSINESS)
    serial = world.serial_at(5)
    plan = world.coverage(serial)[1]
    assert (plan.id, plan.payment, plan.ends, plan.agreement) == (
        f"abe-{serial}",
        PaymentType.ABE_SUBSCRIPTION,
        None,
        None,
    )


def test_a_limited_warranty_is_named_after_the_device_and_a_plan_after_its_agreement(world):
    limited, plan = world.coverage_at(0)
    assert (limited.id, limited.agreement) == (world.serial_at(0), None)
    assert plan.id == plan.agreement != None  # noqa: E711 - both are set


def test_an_iphone_may_have_two_imeis(world):
    assert len(world.device_at(7).imei) == 2


def test_an_imac_has_a_quote_character_in_its_name(world):
    assert world.device_at(6).model.name == 'iMac 21.5"'


def test_a_resellers_order_may_begin_with_r(world):
    device = world.device_at(8)
    assert device.source is PurchaseSource.RESELLER
    assert device.order_number.startswith("R")


def test_a_manually_added_device_has_the_day_it_was_added_as_its_order_date(world):
    device = world.device_at(9)
    assert device.source is PurchaseSource.MANUALLY_ADDED
    assert device.ordered.date() == device.added.date()


def test_servers_count_their_devices(world):
    counted = {server.id: world.device_count(server.id) for server in world.servers}
    for server_id, count in counted.items():
        assert count == sum(device.server_id == server_id for device in world.devices())
    assert sum(counted.values()) == 950
