"""OS versions, from Apple Business' built-in device management: learned, kept, shown, and never in the way."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from click.testing import CliRunner
from django.test import Client
from pytest_django import Settings

from appleschool_sim.actions import Change
from appleschool_sim.built_in import details_of, os_version_of
from appleschool_sim.faults import Fault
from appleschool_sim.kinds import RequestKind
from appleschool_sim.testing import RunningSimulator, running_simulator
from homeroom.applesync.models import Connection, ManagedDevice, RunChange, RunNote, SyncRun
from homeroom.applesync.pipeline.running import work_on
from homeroom.applesync.verbs.refresh import refresh_device
from homeroom.applesync.verbs.runs import begin_sync
from homeroom.audit.actors import COMMAND_LINE
from homeroom.config.commands.exports import export as export_command
from homeroom.inventory.models import Device
from tests.api.test_api import Caller
from tests.applesync.districts import connect, listed, stock, sync, use_apple

pytestmark = pytest.mark.django_db(transaction=True)

DEVICES = 200
ENROLLED = 40
INVENTORY = 150
CYCLE = 14


@pytest.fixture
def business() -> Iterator[RunningSimulator]:
    with running_simulator("business", devices=DEVICES, seed=7) as running:
        yield running


@pytest.fixture
def connection(settings: Settings, business: RunningSimulator) -> Connection:
    use_apple(settings, business)
    stock(listed(business)[:INVENTORY])
    return connect(business, kind="business")


def enrolled(apple: RunningSimulator) -> list[str]:
    """Serial numbers of those that are both in built-in device management and in the inventory."""
    server = apple.world.built_in_server
    assert server is not None
    devices = list(apple.world.devices())[:INVENTORY]
    return [device.serial for device in devices if device.server_id == server.id]


def spent(apple: RunningSimulator, kind: RequestKind) -> int:
    return int(apple.control.counts()["requests"][kind])


def known() -> dict[str, str]:
    return dict(ManagedDevice.objects.values_list("row__serial_number", "os_version"))


def versions_in_truth(apple: RunningSimulator) -> dict[str, str]:
    world = apple.world
    devices = {serial: world.device(serial) for serial in enrolled(apple)}
    return {serial: os_version_of(world.seed, device) or "" for serial, device in devices.items() if device}


def facts() -> list[tuple[object, ...]]:
    """All that is known of managed devices but when it was asked."""
    names = ("pk", "apple_id", "enrolled", "os_version")
    return list(ManagedDevice.objects.order_by("pk").values_list(*names))


def notes(run: SyncRun) -> list[str]:
    return list(RunNote.objects.filter(run=run).values_list("text", flat=True))


def test_a_sync_learns_the_os_version_of_those_that_apple_manages(
    business: RunningSimulator, connection: Connection
) -> None:
    run = sync(connection)
    assert (run.state, run.problems) == (SyncRun.State.SUCCEEDED, 0)
    assert known() == versions_in_truth(business)
    assert "" in known().values()
    assert len(set(known().values())) > 3
    assert spent(business, RequestKind.MDM_DEVICES) == 1
    assert spent(business, RequestKind.MDM_DEVICE_DETAILS) == len(enrolled(business))
    assert run.requests == sum(business.control.counts()["requests"].values())


def test_their_ids_need_not_be_their_serial_numbers(
    business: RunningSimulator, connection: Connection
) -> None:
    business.control.switch_on(Fault.OTHER_MDM_IDS)
    assert sync(connection).state == SyncRun.State.SUCCEEDED
    assert known() == versions_in_truth(business)
    business.control.clear_faults()
    sync(connection)
    assert {apple_id for _pk, apple_id, *_others in facts()} == set(enrolled(business))


def test_a_month_of_nights_asks_for_each_in_turn_and_writes_nothing_but_that(
    business: RunningSimulator, connection: Connection
) -> None:
    first = datetime(2026, 12, 1, 2, tzinfo=UTC)

    def on_night(number: int) -> SyncRun:
        business.control.turn_clock_to(first + timedelta(days=number))
        business.control.reset_counters()
        with time_machine.travel(first + timedelta(days=number)):
            return sync(connection)

    on_night(0)
    before = facts()
    asked = 0
    for number in range(1, 2 * CYCLE + 1):
        run = on_night(number)
        assert (run.state, run.problems) == (SyncRun.State.SUCCEEDED, 0), run.error
        tonight = spent(business, RequestKind.MDM_DEVICE_DETAILS)
        assert tonight <= 3 + 3 + 3
        asked += tonight
        age = first + timedelta(days=number - CYCLE + 1)
        assert not ManagedDevice.objects.filter(asked_at__lt=age).exists()
    assert asked == 2 * len(enrolled(business))
    assert facts() == before


def test_a_second_sync_of_the_same_day_asks_for_none(
    business: RunningSimulator, connection: Connection
) -> None:
    sync(connection)
    business.control.reset_counters()
    sync(connection)
    assert spent(business, RequestKind.MDM_DEVICES) == 1
    assert spent(business, RequestKind.MDM_DEVICE_DETAILS) == 0


def _make_due() -> None:
    long_ago = datetime.now(UTC) - timedelta(days=CYCLE + 1)
    ManagedDevice.objects.update(asked_at=long_ago, told_at=long_ago)


def test_an_update_is_learned_and_is_no_change_for_anybody_to_judge(
    business: RunningSimulator, connection: Connection
) -> None:
    serial = next(serial for serial, version in versions_in_truth(business).items() if version)
    sync(connection)
    business.control.change(Change(serial=serial, os_version="27.0"))
    _make_due()
    run = sync(connection)
    assert known()[serial] == "27.0"
    assert not RunChange.objects.filter(run=run, after__has_key="osVersion").exists()

    business.control.reset_counters()
    preview = work_on(begin_sync(connection, actor=COMMAND_LINE, preview=True))
    assert preview.state == SyncRun.State.PREVIEWED
    assert spent(business, RequestKind.MDM_DEVICES) == 0


def test_a_version_that_apple_no_longer_tells_stays_with_its_time(
    business: RunningSimulator, connection: Connection
) -> None:
    sync(connection)
    before = known()
    _make_due()
    told = dict(ManagedDevice.objects.exclude(os_version="").values_list("pk", "told_at"))
    business.control.switch_on(Fault.NO_OS_VERSION)
    sync(connection)
    assert known() == before
    now_told = dict(ManagedDevice.objects.exclude(os_version="").values_list("pk", "told_at"))
    assert now_told == told


def test_a_device_that_leaves_is_no_longer_asked_for_and_keeps_what_was_known(
    business: RunningSimulator, connection: Connection
) -> None:
    serial = enrolled(business)[0]
    sync(connection)
    before = known()
    business.control.change(Change(serial=serial, server_id=business.world.servers[0].id))
    _make_due()
    business.control.reset_counters()
    assert sync(connection).problems == 0
    assert spent(business, RequestKind.MDM_DEVICE_DETAILS) < len(enrolled(business)) + 1
    assert known() == before
    left = ManagedDevice.objects.filter(enrolled=False)
    assert list(left.values_list("row__serial_number", flat=True)) == [serial]


@pytest.mark.parametrize("kinds", [[RequestKind.MDM_DEVICES], [RequestKind.MDM_DEVICE_DETAILS]])
def test_an_account_without_the_right_is_told_of_it_once(
    business: RunningSimulator, connection: Connection, as_administrator: Client, kinds: list[RequestKind]
) -> None:
    business.control.switch_on(Fault.FORBIDDEN, kinds=kinds)
    first = sync(connection)
    assert first.state == SyncRun.State.SUCCEEDED
    assert notes(first) == ["Built-in device management is not available to this account (403)."]
    assert notes(sync(connection)) == []
    page = as_administrator.get(connection.get_absolute_url()).content.decode()
    assert "OS versions are not learned" in page

    business.control.clear_faults()
    sync(connection)
    assert known() == versions_in_truth(business)
    connection.refresh_from_db()
    assert connection.details_refused_since is None


@pytest.mark.parametrize("kind", [RequestKind.MDM_DEVICES, RequestKind.MDM_DEVICE_DETAILS])
def test_no_failure_there_fails_a_run(
    settings: Settings, business: RunningSimulator, connection: Connection, kind: RequestKind
) -> None:
    use_apple(settings, business, apple_concurrency=30)
    business.control.switch_on(Fault.SERVER_ERROR, kinds=[kind])
    run = sync(connection)
    assert run.state == SyncRun.State.SUCCEEDED
    assert run.coverage_checked == INVENTORY
    assert run.problems == len(notes(run))
    assert "Asking built-in device management for OS versions broke off: " in notes(run)[-1]
    connection.refresh_from_db()
    assert connection.problem == ""


def test_a_key_that_is_revoked_meanwhile_does_not_undo_the_run(
    business: RunningSimulator, connection: Connection
) -> None:
    business.control.switch_on(Fault.UNAUTHORIZED, kinds=[RequestKind.MDM_DEVICES])
    run = sync(connection)
    assert run.state == SyncRun.State.SUCCEEDED
    [note] = notes(run)
    assert note.startswith("Asking built-in device management for OS versions broke off: ")


def test_one_device_that_fails_is_noted_and_asked_again(
    business: RunningSimulator, connection: Connection
) -> None:
    serial = enrolled(business)[2]
    business.control.switch_on(Fault.SERVER_ERROR, kinds=[RequestKind.MDM_DEVICE_DETAILS], serials=[serial])
    run = sync(connection)
    [note] = RunNote.objects.filter(run=run)
    assert (note.kind, note.serial_number) == (RunNote.Kind.DETAILS_FAILED, serial)
    assert known() == versions_in_truth(business) | {serial: ""}
    business.control.clear_faults()
    sync(connection)
    assert known() == versions_in_truth(business)


def test_a_daily_budget_holds_for_it_too(
    settings: Settings, business: RunningSimulator, connection: Connection
) -> None:
    use_apple(settings, business, coverage_daily_budget=10)
    sync(connection)
    assert spent(business, RequestKind.MDM_DEVICE_DETAILS) == 10


def test_a_school_is_asked_for_nothing_more(settings: Settings, apple: RunningSimulator) -> None:
    use_apple(settings, apple)
    stock(listed(apple)[:20])
    run = sync(connect(apple))
    assert run.state == SyncRun.State.SUCCEEDED
    assert spent(apple, RequestKind.MDM_DEVICES) + spent(apple, RequestKind.UNKNOWN) == 0
    assert not ManagedDevice.objects.exists()


# Where it is shown


def test_exports_and_the_api_give_it(business: RunningSimulator, connection: Connection) -> None:
    sync(connection)
    told = {serial: version or None for serial, version in versions_in_truth(business).items()}
    written = CliRunner().invoke(export_command, ["devices", "--format", "json"])
    exported = {row["serial_number"]: row["apple_os_version"] for row in json.loads(written.stdout)}
    assert {serial: exported[serial] for serial in told} == told
    assert {version for serial, version in exported.items() if serial not in told} == {None}

    serial = next(serial for serial, version in told.items() if version)
    [row] = Caller().get(f"/devices?serial_number={serial}")["items"]
    assert row["apple_os_version"] == told[serial]


def test_the_profile_shows_it_with_its_source_and_time(
    business: RunningSimulator, connection: Connection, as_viewer: Client
) -> None:
    serial = next(serial for serial, version in versions_in_truth(business).items() if version)
    moment = datetime(2026, 12, 1, 15, 4, tzinfo=UTC)
    business.control.turn_clock_to(moment)
    with time_machine.travel(moment):
        sync(connection)
    page = as_viewer.get(Device.objects.get(serial_number=serial).get_absolute_url()).content.decode()
    assert versions_in_truth(business)[serial] in page
    assert "OS version from Apple's built-in device management, as of Dec. 1, 2026" in page.replace(
        "&#x27;", "'"
    )
    assert "last check-in there " in page

    other = next(serial for serial in listed(business)[:INVENTORY] if serial not in enrolled(business))
    page = as_viewer.get(Device.objects.get(serial_number=other).get_absolute_url()).content.decode()
    assert "OS version" not in page


def test_a_refresh_learns_it_now(business: RunningSimulator, connection: Connection) -> None:
    serial = enrolled(business)[1]
    sync(connection)
    device = Device.objects.get(serial_number=serial)
    assert not refresh_device(device, actor=COMMAND_LINE).details_changed
    business.control.change(Change(serial=serial, os_version="27.0"))
    refreshed = refresh_device(device, actor=COMMAND_LINE)
    assert refreshed.details_changed
    assert known()[serial] == "27.0"


def test_a_refresh_goes_on_without_it(business: RunningSimulator, connection: Connection) -> None:
    serial = enrolled(business)[1]
    sync(connection)
    before = known()
    business.control.switch_on(Fault.FORBIDDEN, kinds=[RequestKind.MDM_DEVICE_DETAILS])
    refreshed = refresh_device(Device.objects.get(serial_number=serial), actor=COMMAND_LINE)
    assert refreshed.coverage_asked
    assert known() == before


def test_the_last_check_in_is_kept(business: RunningSimulator, connection: Connection) -> None:
    sync(connection)
    serial = next(serial for serial, version in versions_in_truth(business).items() if version)
    device = business.world.device(serial)
    assert device is not None
    told = details_of(business.world.seed, device, datetime.now(UTC))["lastCheckInDateTime"]
    row = ManagedDevice.objects.get(row__serial_number=serial)
    assert row.last_check_in_at == datetime.fromisoformat(told)
