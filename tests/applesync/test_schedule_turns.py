"""Turns are taken: once each, once for all that were missed, by one worker, and said to be the schedule's."""

import threading
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connections as databases
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from pytest_django import Settings

from appleschool_sim.testing import RunningSimulator
from homeroom.applesync.models import Connection, SyncRun
from homeroom.applesync.verbs import connections as verbs
from homeroom.applesync.verbs.schedule import take_due_turns
from homeroom.applesync.verbs.working import start_due_syncs
from homeroom.audit.actors import COMMAND_LINE
from homeroom.audit.models import Entry
from homeroom.config.worker import work_once
from homeroom.schedules.schedule import Schedule
from tests.applesync.account import make_connection
from tests.applesync.districts import connect, stock, use_apple

MONDAY = datetime(2026, 1, 5, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def connection(db: None) -> Connection:
    """Every night at two, since Monday noon."""
    with time_machine.travel(MONDAY, tick=False):
        return make_connection()


def end_runs() -> None:
    SyncRun.objects.update(state=SyncRun.State.SUCCEEDED, finished_at=MONDAY)


def starts_of(schedule: Schedule, moments: list[datetime], *, since: datetime) -> list[datetime]:
    """At which of the moments a worker that looks then starts a sync, each over before the next look."""
    Connection.objects.update(schedule=schedule, scheduled_since=since, last_turn_at=None)
    started = []
    for moment in moments:
        if take_due_turns(now=moment):
            started.append(moment)
        end_runs()
    return started


def test_a_new_connection_syncs_every_night_at_two_of_the_districts_clock(
    settings: Settings, connection: Connection
) -> None:
    assert connection.next_turn_at == datetime(2026, 1, 6, 2, tzinfo=UTC)
    settings.TIME_ZONE = "America/New_York"
    assert connection.next_turn_at == datetime(2026, 1, 6, 7, tzinfo=UTC)


def test_it_starts_a_sync_at_its_turn_and_says_that_the_schedule_did(connection: Connection) -> None:
    assert take_due_turns(now=MONDAY + 13 * HOUR) == 0
    assert take_due_turns(now=MONDAY + 14 * HOUR) == 1
    run = SyncRun.objects.get()
    assert (run.connection, run.requested_by) == (connection, "Schedule")
    entry = Entry.objects.get(action="sync.requested")
    assert (entry.actor_id, entry.actor_label) == ("schedule", "Schedule")


def test_it_takes_a_turn_once(connection: Connection) -> None:
    due = MONDAY + 14 * HOUR
    assert starts_of(Schedule.nightly(), [due, due, due + HOUR, due + 12 * HOUR], since=MONDAY) == [due]


def test_missed_turns_are_made_up_for_by_one_sync(connection: Connection) -> None:
    back_on = MONDAY + 10 * DAY
    moments = [back_on, back_on + timedelta(seconds=1), back_on + 13 * HOUR, back_on + 14 * HOUR]
    assert starts_of(Schedule.nightly(), moments, since=MONDAY) == [back_on, back_on + 14 * HOUR]


def test_a_running_sync_uses_the_turn_up(connection: Connection) -> None:
    running = SyncRun.objects.create(connection=connection, state=SyncRun.State.RUNNING, requested_by="Ada")
    assert take_due_turns(now=MONDAY + 14 * HOUR) == 1
    assert SyncRun.objects.get() == running
    end_runs()
    assert take_due_turns(now=MONDAY + 15 * HOUR) == 0


def test_a_connection_that_is_off_does_not_start_nor_make_up_when_it_is_on_again(
    connection: Connection,
) -> None:
    verbs.deactivate(connection, actor=COMMAND_LINE)
    connection.refresh_from_db()
    assert connection.next_turn_at is None
    assert take_due_turns(now=MONDAY + 3 * DAY) == 0
    with time_machine.travel(MONDAY + 3 * DAY, tick=False):
        verbs.reactivate(connection, actor=COMMAND_LINE)
    assert take_due_turns(now=MONDAY + 3 * DAY + HOUR) == 0
    assert take_due_turns(now=MONDAY + 3 * DAY + 14 * HOUR) == 1


def test_never_means_never(connection: Connection) -> None:
    assert starts_of(Schedule.never(), [MONDAY + 400 * DAY], since=MONDAY) == []


def test_a_new_schedule_counts_from_when_it_was_chosen(connection: Connection) -> None:
    wednesday = MONDAY + 2 * DAY
    with time_machine.travel(wednesday, tick=False):
        verbs.update(connection, verbs.Changes(schedule=Schedule.every(6)), actor=COMMAND_LINE)
    assert take_due_turns(now=wednesday + HOUR) == 0
    assert take_due_turns(now=wednesday + 6 * HOUR) == 1
    entry = Entry.objects.get(action="connection.updated")
    assert (entry.before, entry.after) == ({"schedule": "nightly 02:00"}, {"schedule": "every 6 hours"})


def test_the_same_schedule_saved_again_loses_no_turn(connection: Connection) -> None:
    verbs.update(connection, verbs.Changes(schedule=Schedule.nightly()), actor=COMMAND_LINE)
    assert take_due_turns(now=MONDAY + 14 * HOUR) == 1


def test_each_connection_has_its_own_turns(connection: Connection) -> None:
    with time_machine.travel(MONDAY, tick=False):
        other = make_connection(name="Other", schedule=Schedule.every(12))
    assert take_due_turns(now=MONDAY + 12 * HOUR) == 1
    assert SyncRun.objects.get().connection == other
    assert take_due_turns(now=MONDAY + 14 * HOUR) == 1


class AnyWorker(TestCase):
    @given(
        st.sampled_from([*map(Schedule.every, (1, 4, 12)), Schedule.nightly(), Schedule.weekdays()]),
        st.lists(st.integers(0, 14 * 24 * 60), min_size=1, max_size=40),
        st.sampled_from(["UTC", "America/New_York", "Australia/Lord_Howe", "Europe/Berlin"]),
    )
    @hypothesis_settings(max_examples=25, deadline=None)
    def test_starts_once_at_the_first_look_after_each_stretch_with_turns(
        self, schedule: Schedule, looks: list[int], zone: str
    ) -> None:
        with self.settings(TIME_ZONE=zone), time_machine.travel(MONDAY, tick=False):
            connection = Connection.objects.first() or make_connection()
            since = datetime(2026, 3, 1, tzinfo=UTC)
            moments = sorted({since + timedelta(minutes=minutes) for minutes in looks})
            expected, before = [], since
            for moment in moments:
                turn = schedule.next_after(before, ZoneInfo(zone))
                if turn is not None and turn <= moment:
                    expected.append(moment)
                before = moment
            assert starts_of(schedule, moments, since=since) == expected
            assert connection.runs.count() == len(expected)
            SyncRun.objects.all().delete()


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_that_look_at_once_one_takes_the_turn() -> None:
    with time_machine.travel(MONDAY, tick=False):
        for number in range(5):
            make_connection(name=f"District {number}")
    together = threading.Barrier(3)
    taken: list[int] = []

    def look() -> None:
        try:
            together.wait(timeout=20)
            taken.append(take_due_turns(now=MONDAY + 14 * HOUR))
        finally:
            databases.close_all()

    workers = [threading.Thread(target=look) for _worker in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    assert len(taken) == 3
    assert sum(taken) == 5
    assert SyncRun.objects.count() == 5
    assert Entry.objects.filter(action="sync.requested").count() == 5


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_run_once_starts_and_ends_what_is_due(
    settings: Settings, apple: RunningSimulator
) -> None:
    use_apple(settings, apple)
    stock([])
    connection = connect(apple)
    Connection.objects.update(scheduled_since=connection.scheduled_since - 2 * DAY)
    work_once()
    run = SyncRun.objects.get()
    assert (run.state, run.requested_by, run.listed) == (SyncRun.State.SUCCEEDED, "Schedule", 300)
    work_once()
    assert SyncRun.objects.count() == 1


def test_the_worker_says_whether_it_found_something(connection: Connection) -> None:
    assert start_due_syncs(threading.Event())
    assert not start_due_syncs(threading.Event())
