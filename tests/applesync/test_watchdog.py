"""A connection that has not synced well for too long says so, everywhere, until it syncs well again."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from click.testing import CliRunner
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from homeroom.applesync.models import Connection, SyncRun
from homeroom.applesync.queries.connections import Standing, standing
from homeroom.applesync.schedules import alarm_after
from homeroom.applesync.verbs import connections as verbs
from homeroom.audit.actors import COMMAND_LINE
from homeroom.config.cli import main
from homeroom.schedules.schedule import Schedule
from tests.applesync.account import make_connection

MONDAY = datetime(2026, 1, 5, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NEEDS_ATTENTION, ACTIVE = Connection.State.NEEDS_ATTENTION, Connection.State.ACTIVE
HOME = reverse("home")


@pytest.fixture
def connection(db: None) -> Connection:
    """Every night at two, since Monday noon."""
    with time_machine.travel(MONDAY, tick=False):
        return make_connection()


def after(connection: Connection, passed: timedelta) -> Standing:
    with time_machine.travel(MONDAY + passed, tick=False):
        return standing(connection)


def synced(connection: Connection, passed: timedelta, state: str = "succeeded", **values: object) -> None:
    at = MONDAY + passed
    SyncRun.objects.create(connection=connection, state=state, started_at=at, finished_at=at, **values)


def test_it_speaks_after_two_missed_nights_and_not_before(connection: Connection) -> None:
    synced(connection, HOUR)
    assert after(connection, 38 * HOUR).state == ACTIVE
    late = after(connection, 39 * HOUR)
    assert late.state == NEEDS_ATTENTION
    assert late.problem == "No successful sync since Jan. 5, 2026, 1 p.m. (1\xa0day, 14\xa0hours)."


def test_a_connection_that_never_synced_is_missed_as_well(connection: Connection) -> None:
    assert after(connection, 3 * DAY).problem == "No sync has succeeded yet."


@pytest.mark.parametrize("state", ["failed", "cancelled", "previewed", "held"])
def test_only_a_sync_that_succeeded_is_a_good_one(connection: Connection, state: str) -> None:
    synced(connection, 60 * HOUR, state)
    assert after(connection, 3 * DAY).state == NEEDS_ATTENTION


def test_it_takes_itself_back_when_a_good_sync_comes(connection: Connection) -> None:
    assert after(connection, 3 * DAY).state == NEEDS_ATTENTION
    synced(connection, 3 * DAY)
    assert after(connection, 3 * DAY).state == ACTIVE


def test_the_first_sync_may_take_days_as_long_as_it_lives(connection: Connection) -> None:
    synced(connection, HOUR, "running", heartbeat_at=MONDAY + 3 * DAY)
    assert after(connection, 3 * DAY + timedelta(minutes=9)).state == ACTIVE
    assert after(connection, 3 * DAY + timedelta(minutes=11)).state == NEEDS_ATTENTION


def test_frequent_syncs_are_missed_after_36_hours(connection: Connection) -> None:
    Connection.objects.update(schedule=Schedule.every(1))
    assert after(connection, 35 * HOUR).state == ACTIVE
    assert after(connection, 36 * HOUR).state == NEEDS_ATTENTION


@pytest.mark.parametrize(
    ("schedule", "later"),
    [
        (Schedule.every(6), timedelta(hours=36)),
        (Schedule.nightly(), timedelta(hours=48, minutes=45)),  # an hour after the second missed turn
        (Schedule.by_cron("0 2 * * SUN"), timedelta(days=12, minutes=45)),
    ],
    ids=str,
)
def test_the_alarm_waits_for_two_missed_turns_and_for_36_hours(schedule: Schedule, later: timedelta) -> None:
    new_york = ZoneInfo("America/New_York")
    a_quiet_monday = datetime(2026, 1, 6, 2, 15, tzinfo=new_york)
    good = a_quiet_monday.astimezone(UTC)
    assert alarm_after(schedule, good, new_york) == good + later


def test_what_never_comes_is_never_missed() -> None:
    assert alarm_after(Schedule.never(), MONDAY, ZoneInfo("America/New_York")) is None


def test_without_a_schedule_nobody_waits(connection: Connection) -> None:
    Connection.objects.update(schedule=Schedule.never())
    assert after(connection, 900 * DAY).state == ACTIVE


def test_a_setting_says_after_how_many_hours(settings: Settings, connection: Connection) -> None:
    settings.CONFIGURATION = settings.CONFIGURATION.model_copy(update={"apple_sync_watchdog_hours": 6})
    Connection.objects.update(schedule=Schedule.never())
    assert after(connection, 5 * HOUR).state == ACTIVE
    assert after(connection, 6 * HOUR).state == NEEDS_ATTENTION


def test_a_connection_that_is_off_is_not_missed_and_begins_anew(connection: Connection) -> None:
    verbs.deactivate(connection, actor=COMMAND_LINE)
    assert after(connection, 30 * DAY).state == Connection.State.NOT_ACTIVE
    with time_machine.travel(MONDAY + 30 * DAY, tick=False):
        verbs.reactivate(connection, actor=COMMAND_LINE)
    assert after(connection, 31 * DAY).state == ACTIVE


def test_the_reason_of_the_last_failure_stands_before_it(connection: Connection) -> None:
    verbs.note_contact(connection, problem="Apple refuses the credentials.")
    assert after(connection, 3 * DAY).problem == "Apple refuses the credentials. No sync has succeeded yet."


def test_tile_connection_and_home_page_say_it_until_a_sync_succeeds(
    connection: Connection, as_administrator: Client
) -> None:
    Connection.objects.update(scheduled_since=MONDAY - 300 * DAY)
    pages = (HOME, reverse("applesync:mdm-settings"), connection.get_absolute_url())
    for url in pages:
        assert "No sync has succeeded yet." in as_administrator.get(url).content.decode()
    assert "“District” needs attention" in as_administrator.get(HOME).content.decode()
    SyncRun.objects.create(connection=connection, state="succeeded", finished_at=datetime.now(UTC))
    for url in pages:
        page = as_administrator.get(url).content.decode()
        assert "No sync has succeeded yet." not in page
        assert "eeds attention" not in page


def test_those_who_can_not_put_it_right_are_not_told(
    connection: Connection, as_technician: Client, as_viewer: Client
) -> None:
    Connection.objects.update(scheduled_since=MONDAY - 300 * DAY)
    for client in (as_technician, as_viewer):
        assert "needs attention" not in client.get(HOME).content.decode()


def test_any_number_of_connections_is_one_query(
    django_assert_num_queries: DjangoAssertNumQueries, as_administrator: Client
) -> None:
    for number in range(7):
        make_connection(name=f"District {number}")
    with django_assert_num_queries(4):  # session, user, connections, what the menu says is waiting
        as_administrator.get(reverse("applesync:mdm-settings"))


def test_the_command_line_shows_every_connection_and_exits_1_while_one_needs_attention(
    connection: Connection,
) -> None:
    with time_machine.travel(MONDAY + HOUR, tick=False):
        good = CliRunner().invoke(main, ["apple", "status", "--json"])
    assert good.exit_code == 0
    (row,) = json.loads(good.stdout)
    assert (row["schedule"], row["state"], row["problem"]) == ("nightly 02:00", "active", "")
    assert (row["last_synced_at"], row["next_run_at"]) == (None, "2026-01-06T02:00:00Z")
    with time_machine.travel(MONDAY + 3 * DAY, tick=False):
        bad = CliRunner().invoke(main, ["apple", "status"])
    assert bad.exit_code == 1
    assert bad.stdout.splitlines() == [
        "District: Needs attention",
        "    last sync: never",
        "    next sync: Jan. 6, 2026, 2 a.m.",
        "     schedule: Every night at 2 a.m.",
    ]
    assert "No sync has succeeded yet." in bad.stderr


def test_a_turn_that_nobody_took_up_is_said_to_wait_for_a_worker(
    connection: Connection, as_administrator: Client
) -> None:
    for url in (reverse("applesync:mdm-settings"), connection.get_absolute_url()):
        page = as_administrator.get(url).content.decode()
        assert "next sync as soon as a worker is free" in page
    assert "due since Jan. 6, 2026, 2 a.m." in page
