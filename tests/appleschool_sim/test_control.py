from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from appleschool_sim.actions import ACTIONS, Change, ChangeCoverage, ReleaseOrder, Replace
from appleschool_sim.control import ControlError
from appleschool_sim.kinds import PaymentType

HOURS = 3600


@pytest.fixture
def control(fresh_apple):
    return fresh_apple.control


@pytest.fixture
def old(fresh_apple):
    return fresh_apple.world.device_at(10)


def attributes_of(caller, serial):
    return caller.get(f"orgDevices/{serial}").json["data"]["attributes"]


def coverage_of(caller, serial):
    return caller.get(f"orgDevices/{serial}/appleCareCoverage").json["data"]


def listed(caller):
    return [device["id"] for device in caller.get("orgDevices?limit=1000").json["data"]]


def test_a_replacement_takes_the_old_ones_place(control, fresh_caller, old):
    new = control.replace(Replace(serial=old.serial))
    attributes = attributes_of(fresh_caller, new)
    assert attributes["orderNumber"][0] == "R"
    assert attributes["orderNumber"][1:].isdigit()
    assert attributes["status"] == "UNASSIGNED"
    assert attributes["purchaseSourceType"] == "APPLE"
    assert (attributes["deviceModel"], attributes["color"]) == (old.model.name, old.color)
    assert attributes["partNumber"] == old.part_number
    assert listed(fresh_caller)[-1] == new
    assert old.serial not in listed(fresh_caller)


def test_a_replacement_is_another_piece_of_hardware(control, fresh_apple, fresh_caller):
    serial = fresh_apple.world.serial_at(7)
    new = control.replace(Replace(serial=serial, released=ReleaseOrder.NEVER))
    before, after = attributes_of(fresh_caller, serial), attributes_of(fresh_caller, new)
    assert len(after["imei"]) == 2
    for name in ("imei", "eid", "wifiMacAddress", "bluetoothMacAddress"):
        assert before[name] != after[name]


def test_a_replacement_may_be_of_another_model(control, fresh_caller, old):
    new = control.replace(Replace(serial=old.serial, model="iPhone 13", capacity="256GB", color="PINK"))
    attributes = attributes_of(fresh_caller, new)
    assert (attributes["deviceModel"], attributes["productType"]) == ("iPhone 13", "iPhone14,5")
    assert (attributes["deviceCapacity"], attributes["color"]) == ("256GB", "PINK")
    assert attributes["partNumber"] == "MLPG3LL/A"
    assert len(attributes["imei"]) == 1


def test_a_replacement_of_an_unknown_model_is_refused(control, old):
    with pytest.raises(ControlError, match="no model"):
        control.replace(Replace(serial=old.serial, model="Newton"))


def test_the_replaced_device_tells_when_it_was_released(control, fresh_caller, old):
    control.replace(Replace(serial=old.serial))
    attributes = attributes_of(fresh_caller, old.serial)
    assert attributes["releasedFromOrgDateTime"].endswith("Z")
    assert attributes["status"] == "UNASSIGNED"


def test_the_replaced_device_may_be_forgotten(control, fresh_caller, old):
    control.replace(Replace(serial=old.serial, forgotten=True))
    assert fresh_caller.get(f"orgDevices/{old.serial}").status == 404
    assert fresh_caller.get(f"orgDevices/{old.serial}/appleCareCoverage").status == 404


def test_the_replaced_device_may_stay(control, fresh_caller, old):
    new = control.replace(Replace(serial=old.serial, released=ReleaseOrder.NEVER))
    assert {old.serial, new} <= set(listed(fresh_caller))


def test_a_replacement_may_appear_hours_after_the_old_one_went(control, fresh_caller, old):
    new = control.replace(Replace(serial=old.serial, delay_seconds=4 * HOURS))
    assert not {old.serial, new} & set(listed(fresh_caller))
    control.advance_clock(timedelta(hours=4, seconds=1))
    assert new in listed(fresh_caller.sign_in())


def test_the_old_one_may_go_hours_after_the_replacement_appeared(control, fresh_caller, old):
    new = control.replace(Replace(serial=old.serial, released=ReleaseOrder.AFTER, delay_seconds=4 * HOURS))
    assert {old.serial, new} <= set(listed(fresh_caller))
    control.advance_clock(timedelta(hours=4, seconds=1))
    assert old.serial not in listed(fresh_caller.sign_in())


def test_two_replacements_under_way_get_two_serials(control, fresh_apple):
    one, other = (
        control.replace(Replace(serial=fresh_apple.world.serial_at(n), delay_seconds=60)) for n in (1, 2)
    )
    assert one != other


def test_a_replacement_goes_on_under_the_old_cover_after_a_while(control, fresh_caller, fresh_apple):
    serial = fresh_apple.world.serial_at(0)
    new = control.replace(Replace(serial=serial, covered_after_seconds=2 * HOURS))
    assert coverage_of(fresh_caller, new) == []
    control.advance_clock(timedelta(hours=2, seconds=1))
    limited, plan = coverage_of(fresh_caller.sign_in(), new)
    assert limited["id"] == new
    assert plan["id"] == fresh_apple.world.coverage(serial)[1].agreement


def test_a_device_is_released(control, fresh_caller, old):
    control.release(old.serial)
    assert old.serial not in listed(fresh_caller)
    assert attributes_of(fresh_caller, old.serial)["releasedFromOrgDateTime"]
    with pytest.raises(ControlError, match="no device"):
        control.release(old.serial)


def test_a_release_in_the_middle_of_a_walk_shifts_nothing(control, fresh_apple, fresh_caller):
    first = fresh_caller.get("orgDevices?limit=20").json
    control.release(fresh_apple.world.serial_at(3))
    second = fresh_caller.follow(first["links"]["next"]).json
    assert second["data"][0]["id"] == fresh_apple.world.serial_at(20)


def test_devices_are_added(control, fresh_caller, old):
    assert control.add(serial="C02TEST00001") == "C02TEST00001"
    like = control.add(like=old.serial, order_number="W100")
    assert listed(fresh_caller)[-2:] == ["C02TEST00001", like]
    assert attributes_of(fresh_caller, like)["deviceModel"] == old.model.name
    assert attributes_of(fresh_caller, like)["orderNumber"] == "W100"
    with pytest.raises(ControlError, match="there already"):
        control.add(serial=old.serial)


def test_cover_of_an_added_device_begins_with_the_day_it_was_bought(control, fresh_apple, fresh_caller):
    records = [record for _ in range(8) for record in coverage_of(fresh_caller, control.add())]
    assert len(records) > 8
    today = f"{datetime.now(UTC):%Y-%m-%d}T00:00:00Z"
    assert {record["attributes"]["startDateTime"] for record in records} == {today}
    assert {record["attributes"]["status"] for record in records} == {"ACTIVE"}


def test_a_record_changes(control, fresh_apple, fresh_caller, old):
    server = fresh_apple.world.servers[1].id
    control.change(Change(serial=old.serial, color="PINK", server_id=server))
    attributes = attributes_of(fresh_caller, old.serial)
    assert (attributes["color"], attributes["status"]) == ("PINK", "ASSIGNED")
    assert attributes["updatedDateTime"] > f"{datetime.now(UTC) - timedelta(minutes=1):%Y-%m-%dT%H:%M:%S}"
    with pytest.raises(ControlError, match="no server"):
        control.change(Change(serial=old.serial, server_id="ABC"))


def test_a_plan_changes(control, fresh_apple, fresh_caller):
    serial = fresh_apple.world.serial_at(0)
    control.change_coverage(ChangeCoverage(serial=serial, ends=datetime(2031, 5, 1, tzinfo=UTC)))
    assert coverage_of(fresh_caller, serial)[1]["attributes"]["endDateTime"] == "2031-05-01T00:00:00Z"
    eastern = timezone(timedelta(hours=-5))
    control.change_coverage(ChangeCoverage(serial=serial, ends=datetime(2031, 5, 1, tzinfo=eastern)))
    assert coverage_of(fresh_caller, serial)[1]["attributes"]["endDateTime"] == "2031-05-01T05:00:00Z"


def test_a_device_without_cover_gets_a_plan(control, fresh_apple, fresh_caller):
    serial = fresh_apple.world.serial_at(2)
    control.change_coverage(ChangeCoverage(serial=serial, payment=PaymentType.SUBSCRIPTION))
    [plan] = coverage_of(fresh_caller, serial)
    assert plan["attributes"]["status"] == "ACTIVE"
    assert plan["attributes"]["paymentType"] == "SUBSCRIPTION"


def test_a_plan_is_cancelled(control, fresh_apple, fresh_caller):
    serial = fresh_apple.world.serial_at(0)
    control.cancel_coverage(serial)
    limited, plan = coverage_of(fresh_caller, serial)
    assert (plan["attributes"]["status"], plan["attributes"]["isCanceled"]) == ("INACTIVE", True)
    assert limited["attributes"]["status"] == "ACTIVE"
    with pytest.raises(ControlError, match="no plan"):
        control.cancel_coverage(fresh_apple.world.serial_at(1))


def test_coverage_is_dropped(control, fresh_apple, fresh_caller):
    control.drop_coverage(fresh_apple.world.serial_at(0))
    assert coverage_of(fresh_caller, fresh_apple.world.serial_at(0)) == []


def test_the_world_in_this_process_follows_every_action(control, fresh_apple, fresh_caller, old):
    new = control.replace(Replace(serial=old.serial))
    control.add(serial="C02TEST00001")
    control.drop_coverage(fresh_apple.world.serial_at(0))
    control.cancel_coverage(fresh_apple.world.serial_at(5))
    world = fresh_apple.world
    assert [device.serial for device in world.devices()] == listed(fresh_caller)
    assert world.device(new).order_number == attributes_of(fresh_caller, new)["orderNumber"]
    truth = control.truth()
    assert truth["devices"] == len(world) == 61
    assert truth["coverage"] == {kind.value: count for kind, count in world.coverage_kinds().items()}


def test_the_clock_is_turned_and_stopped(control, fresh_caller):
    moment = datetime(2030, 1, 1, 12, tzinfo=UTC)
    control.turn_clock_to(moment, stopped=True)
    assert fresh_caller.get("orgDevices").headers["Date"] == "Tue, 01 Jan 2030 12:00:00 GMT"
    assert control.state()["now"] == "2030-01-01T12:00:00Z"
    control.run_real_clock()
    assert control.state()["is_clock_turned"] is False


def test_a_moment_needs_a_time_zone(control):
    with pytest.raises(ControlError, match="timezone"):
        control.turn_clock_to(datetime(2030, 1, 1))
    with pytest.raises(ControlError, match="timezone"):
        control.change_coverage(ChangeCoverage(serial="ANY", ends=datetime(2030, 1, 1)))


def test_what_no_calendar_holds_is_refused_and_changes_nothing(control, fresh_apple, old):
    with pytest.raises(ControlError):
        control.replace(Replace(serial=old.serial, delay_seconds=1e300))
    with pytest.raises(ControlError):
        control.turn_clock_to(datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))))
    # The serial that a refused replacement would have had is still there for the next one.
    serial = control.replace(Replace(serial=old.serial))
    assert fresh_apple.world.device(serial).model == old.model


def test_the_state_tells_which_world_it_is(control, fresh_apple):
    state = control.state()
    assert (state["kind"], state["seed"], state["devices"]) == ("school", 1, 60)
    assert date.fromisoformat(state["today"]) == fresh_apple.world.today
    assert state["client_id"] == fresh_apple.credentials.client_id
    assert "private_key" not in state


def test_tokens_are_made_bad(control, fresh_caller):
    control.expire_tokens()
    assert fresh_caller.get("orgDevices").status == 401
    assert fresh_caller.sign_in().get("orgDevices").status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "explode", 404), ("GET", "secrets", 404), ("DELETE", "state", 404), ("POST", "release", 400)],
)
def test_unknown_actions_are_refused(fresh_caller, method, path, status):
    assert fresh_caller.ask(method, f"/_control/{path}").status == status


def test_every_action_is_documented(request):
    told = (request.config.rootpath / "docs" / "simulator.md").read_text()
    for name in ACTIONS:
        assert f"`{name}`" in told
