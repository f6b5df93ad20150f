"""A sync against the simulated Apple over real HTTP: what it lists, matches, asks for and writes."""

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest
from click.testing import CliRunner
from django.db import connection as database
from django.db import connections
from django.utils import timezone
from pytest_django import Settings

from appleschool_sim.actions import Change, ChangeCoverage
from appleschool_sim.faults import Fault
from appleschool_sim.kinds import RequestKind
from appleschool_sim.testing import RunningSimulator, running_simulator
from homeroom.applesync.commands import apple as apple_command
from homeroom.applesync.models import AppleDevice, RunNote, SyncRun
from homeroom.applesync.pipeline import running
from homeroom.applesync.verbs.runs import begin_sync
from homeroom.audit.actors import COMMAND_LINE
from homeroom.insurance.models import (
    CoverageCheck,
    InsuranceRecord,
    Kind,
    Source,
    sync_writes_insurance,
)
from homeroom.insurance.panels import coverage_of
from homeroom.insurance.rules import CoverageState
from homeroom.inventory.models import Device
from homeroom.inventory.verbs.devices import delete_device
from homeroom.web.errors import Refused
from tests.applesync.districts import connect, environment, homeroom, listed, stock, sync, use_apple

P = ParamSpec("P")
T = TypeVar("T")

pytestmark = pytest.mark.django_db(transaction=True)


def requests(apple: RunningSimulator, kind: RequestKind) -> int:
    return int(apple.control.counts()["requests"][kind])


def rows_of_all_tables_but_runs_and_checks() -> dict[str, list[tuple[object, ...]]]:
    left_out = {SyncRun._meta.db_table, CoverageCheck._meta.db_table, "audit_entry", "applesync_connection"}
    tables = [name for name in database.introspection.table_names() if name not in left_out]
    with database.cursor() as cursor:
        rows = {}
        for table in tables:
            cursor.execute(f"SELECT * FROM {database.ops.quote_name(table)}")
            rows[table] = sorted(map(repr, cursor.fetchall()))
    return rows


def test_it_matches_exactly_the_exact_ones_and_its_numbers_agree_with_apples(settings: Settings) -> None:
    with running_simulator(devices=5000, seed=11) as apple:
        use_apple(settings, apple)
        serials = listed(apple)
        exact, near = serials[:2400], serials[2400:2500]
        stock(
            [
                *exact,
                *(serial.lower() for serial in near[:40]),
                *(f"{serial[:5]} {serial[5:]}" for serial in near[40:70]),
                *(f"S{serial}" for serial in near[70:]),
                *(f"ELSEWHERE{number}" for number in range(500)),
            ]
        )
        run = sync(connect(apple))

        assert run.state == SyncRun.State.SUCCEEDED, run.error
        assert Device.objects.count() == 3000
        matched = AppleDevice.objects.filter(device__isnull=False)
        assert set(matched.values_list("serial_number", flat=True)) == set(exact)
        assert run.matched == 2400
        assert (run.listed, run.created, run.updated) == (5000, 5000, 0)
        counts = apple.control.counts()
        assert run.coverage_checked == counts["coverage_devices"] == 2400
        assert run.requests == sum(counts["requests"].values())
        told = sum(len(apple.world.coverage(serial)) for serial in exact)
        assert run.insurance_created == told == InsuranceRecord.objects.count()
        for serial in exact[:100]:
            _agrees(apple, serial)

        before = rows_of_all_tables_but_runs_and_checks()
        spent = sum(counts["requests"].values())
        second = sync(run.connection)
        assert second.state == SyncRun.State.SUCCEEDED
        assert (second.listed, second.unchanged, second.matched) == (5000, 5000, 2400)
        assert rows_of_all_tables_but_runs_and_checks() == before
        assert sum(apple.control.counts()["requests"].values()) - spent <= 5 + 1 + 240


def _agrees(apple: RunningSimulator, serial: str) -> None:
    records = {
        record.apple_id: record for record in InsuranceRecord.objects.filter(device__serial_number=serial)
    }
    told = {coverage.id: coverage for coverage in apple.world.coverage(serial)}
    assert records.keys() == told.keys()
    for apple_id, coverage in told.items():
        record = records[apple_id]
        assert record.source == Source.APPLECARE_SYNC
        assert record.starts == coverage.starts.date()
        assert record.ends == (coverage.ends and coverage.ends.date())
        assert record.agreement_number == (coverage.agreement or "")
        assert (record.kind == Kind.LIMITED_WARRANTY) == (apple_id == serial)


def _make_checks_due() -> None:
    long_ago = timezone.now() - timedelta(days=15)
    CoverageCheck.objects.update(attempted_at=long_ago, succeeded_at=long_ago)


def _with_running_plan(apple: RunningSimulator) -> list[str]:
    today = timezone.now().date()
    return [
        serial
        for serial in listed(apple)
        if any(c.agreement and c.is_active(today) and not c.canceled for c in apple.world.coverage(serial))
    ]


def test_a_changed_and_a_cancelled_coverage_are_updated_on_their_next_check(
    settings: Settings, apple: RunningSimulator
) -> None:
    use_apple(settings, apple)
    changed, cancelled = _with_running_plan(apple)[:2]
    stock(listed(apple)[:50])
    stock({changed, cancelled} - set(listed(apple)[:50]))
    connection = connect(apple)
    sync(connection)
    later = timezone.now() + timedelta(days=1000)
    apple.control.change_coverage(ChangeCoverage(serial=changed, ends=later))
    apple.control.cancel_coverage(cancelled)
    _make_checks_due()

    run = sync(connection)

    assert (run.insurance_created, run.insurance_updated, run.insurance_ended) == (0, 2, 0)
    record = InsuranceRecord.objects.get(device__serial_number=changed, kind=Kind.APPLECARE)
    assert record.ends == later.date()
    record = InsuranceRecord.objects.get(device__serial_number=cancelled, kind=Kind.APPLECARE)
    assert record.cancelled_on == timezone.now().date()
    assert coverage_of(Device.objects.get(serial_number=cancelled))[0].state == CoverageState.ENDED


def test_a_dropped_coverage_is_ended_after_two_checks_a_day_apart_and_never_deleted(
    settings: Settings, apple: RunningSimulator
) -> None:
    use_apple(settings, apple)
    serial = _with_running_plan(apple)[0]
    told = len(apple.world.coverage(serial))
    stock([serial])
    connection = connect(apple)
    sync(connection)
    before = InsuranceRecord.objects.get(kind=Kind.APPLECARE)
    apple.control.drop_coverage(serial)

    def check_again() -> SyncRun:
        _make_checks_due()
        return sync(connection)

    assert check_again().insurance_ended == 0
    assert check_again().insurance_ended == 0  # too soon after the first
    record = InsuranceRecord.objects.get(pk=before.pk)
    assert record.ended_on is None
    assert record.missing_since is not None

    with sync_writes_insurance():
        InsuranceRecord.objects.update(missing_since=timezone.now() - timedelta(hours=21))
    assert check_again().insurance_ended == told
    record.refresh_from_db()
    assert record.ended_on == timezone.localdate()
    assert record.ends == before.ends
    assert coverage_of(record.device)[0].state == CoverageState.ENDED
    assert InsuranceRecord.objects.count() == told


def test_a_failed_check_reads_as_unknown_and_never_as_none(
    settings: Settings, apple: RunningSimulator
) -> None:
    use_apple(settings, apple)
    serials = listed(apple)
    without = next(s for s in serials if not apple.world.coverage(s))
    covered = next(s for s in serials if len(apple.world.coverage(s)) == 2)
    stock([without, covered])
    connection = connect(apple)
    apple.control.switch_on(Fault.COVERAGE_FAILING, serials=[without])

    run = sync(connection)

    assert run.state == SyncRun.State.SUCCEEDED
    assert (run.coverage_checked, run.coverage_failed) == (1, 1)
    device = Device.objects.get(serial_number=without)
    assert coverage_of(device)[0].state == CoverageState.UNKNOWN
    assert run.notes.get(kind=RunNote.Kind.COVERAGE_FAILED).serial_number == without

    apple.control.clear_faults()
    sync(connection)
    assert coverage_of(device)[0].state == CoverageState.NONE

    apple.control.switch_on(Fault.COVERAGE_FAILING, serials=[without, covered])
    _make_checks_due()
    before = coverage_of(Device.objects.get(serial_number=covered))[0].state
    sync(connection)
    assert coverage_of(device)[0].state == CoverageState.UNKNOWN
    assert coverage_of(Device.objects.get(serial_number=covered))[0].state == before != CoverageState.UNKNOWN


def test_released_and_vanished_devices_are_noted_and_keep_what_is_known(
    settings: Settings, apple: RunningSimulator
) -> None:
    use_apple(settings, apple)
    serials = listed(apple)
    stock(serials[:20])
    connection = connect(apple)
    sync(connection)
    records = InsuranceRecord.objects.count()
    apple.control.release(serials[0])

    run = sync(connection)

    assert run.gone == 1
    row = AppleDevice.objects.get(serial_number=serials[0])
    assert row.gone_since is not None
    assert row.released_at is not None
    assert row.device is not None
    assert InsuranceRecord.objects.count() == records
    assert sync(connection).gone == 0


def test_it_obeys_apples_wish_to_slow_down_and_gets_everything_all_the_same(
    settings: Settings, apple: RunningSimulator
) -> None:
    use_apple(settings, apple)
    stock(listed(apple)[:120])
    apple.control.limit_rate(60, burst=20)

    run = sync(connect(apple))

    assert run.state == SyncRun.State.SUCCEEDED
    assert run.coverage_checked == 120
    assert run.throttled > 0
    assert apple.control.counts()["too_early"] == 0


@pytest.mark.parametrize(
    "fault", [Fault.BAD_DATE, Fault.UNKNOWN_ATTRIBUTES, Fault.UNKNOWN_ENUM, Fault.NO_SERIAL]
)
def test_a_record_that_makes_no_sense_never_stops_a_run(
    settings: Settings, apple: RunningSimulator, fault: Fault
) -> None:
    use_apple(settings, apple)
    stock(listed(apple)[:30])
    apple.control.switch_on(fault, count=5)

    run = sync(connect(apple))

    assert run.state == SyncRun.State.SUCCEEDED, run.error
    assert run.listed >= 295


def test_a_revoked_key_fails_the_run_with_the_fix_and_the_next_one_goes_on(
    settings: Settings, apple: RunningSimulator
) -> None:
    use_apple(settings, apple)
    stock(listed(apple)[:30])
    connection = connect(apple)
    apple.control.revoke_key()

    run = sync(connection)

    assert run.state == SyncRun.State.FAILED
    assert "credentials" in run.error
    assert run.fix
    connection.refresh_from_db()
    assert connection.problem == run.error

    apple.control.restore_key()
    assert sync(connection).coverage_checked == 30
    connection.refresh_from_db()
    assert connection.problem == ""


def test_with_coverage_switched_off_it_asks_for_none(settings: Settings, apple: RunningSimulator) -> None:
    use_apple(settings, apple)
    stock(listed(apple)[:10])

    run = sync(connect(apple, sync_coverage=False))

    assert (run.matched, run.coverage_checked) == (10, 0)
    assert requests(apple, RequestKind.COVERAGE) == 0


def test_details_overwrite_only_what_apple_owns(settings: Settings, apple: RunningSimulator) -> None:
    use_apple(settings, apple)
    serial = listed(apple)[0]
    stock([serial])
    Device.objects.update(name="Room 12", model="as typed", notes="screen protector")
    connection = connect(apple)
    sync(connection)
    apple.control.change(Change(serial=serial, color="GOLD"))

    run = sync(connection)

    assert run.updated == 1
    assert AppleDevice.objects.get(serial_number=serial).color == "GOLD"
    device = Device.objects.get()
    assert (device.name, device.model, device.notes) == ("Room 12", "as typed", "screen protector")


def test_the_command_prints_one_document_with_the_numbers(
    settings: Settings, apple: RunningSimulator
) -> None:
    use_apple(settings, apple)
    stock(listed(apple)[:10])
    connect(apple)

    result = CliRunner().invoke(apple_command, ["sync", "--json"])

    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["state"] == "succeeded"
    assert (document["listed"], document["matched"], document["unmatched"]) == (300, 10, 290)
    assert document["coverage_checked"] == 10


def test_of_two_syncs_started_at_once_one_runs_and_the_other_says_who(
    apple: RunningSimulator, tmp_path: Path
) -> None:
    stock(listed(apple))
    connect(apple)
    surroundings = environment(apple, tmp_path, HOMEROOM_APPLE_MAX_RATE="30")
    with (
        homeroom("apple", "sync", "--json", environment=surroundings) as one,
        homeroom("apple", "sync", "--json", environment=surroundings) as other,
    ):
        outcomes = [(process, *process.communicate(timeout=60)) for process in (one, other)]
    codes = sorted(process.returncode for process, _out, _err in outcomes)
    assert codes == [0, 1], [err for _process, _out, err in outcomes]
    winner, winner_out, _err = next(outcome for outcome in outcomes if outcome[0].returncode == 0)
    _loser, loser_out, loser_err = next(outcome for outcome in outcomes if outcome[0].returncode == 1)
    assert json.loads(winner_out)["coverage_checked"] == 300
    assert loser_out == ""
    assert f"process {winner.pid}" in loser_err
    assert SyncRun.objects.count() == 1


def test_an_interrupted_command_gives_the_run_back_and_the_next_one_ends_it(
    apple: RunningSimulator, tmp_path: Path
) -> None:
    stock(listed(apple))
    connect(apple)
    slow = environment(apple, tmp_path, HOMEROOM_APPLE_MAX_RATE="60")
    with homeroom("apple", "sync", environment=slow) as process:
        _wait_for_coverage(1)
        process.terminate()
        process.wait(timeout=20)
    assert SyncRun.objects.get().state == SyncRun.State.QUEUED
    done = subprocess.run(
        [*process.args, "--json"],
        env=environment(apple, tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["coverage_checked"] == 300
    # What was under way on each of 8 connections, and what one more brought while the writer ended.
    assert apple.control.counts()["coverage_repeated"] <= 2 * 8


class _SlowToBegin(ThreadPoolExecutor):
    """A database that always has something else to do first."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        super().submit(time.sleep, 0.05)
        return super().submit(fn, *args, **kwargs)


def test_a_stop_loses_no_answer_that_waits_for_the_database(
    apple: RunningSimulator, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_apple(settings, apple, apple_max_rate=60.0)
    monkeypatch.setattr(running, "ThreadPoolExecutor", _SlowToBegin)
    stock(listed(apple))
    claimed = begin_sync(connect(apple), actor=COMMAND_LINE)
    stop = threading.Event()

    def work() -> None:
        running.work_on(claimed, stop=stop)
        connections.close_all()

    working = threading.Thread(target=work)
    working.start()
    _wait_for_coverage(1)
    stop.set()
    working.join(timeout=60)
    assert not working.is_alive()
    answered = apple.control.counts()["requests"][RequestKind.COVERAGE]
    # What was under way on each of 8 connections brought no answer any more.
    assert answered - 8 <= CoverageCheck.objects.count() <= answered


def _wait_for_coverage(checked: int) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if SyncRun.objects.filter(coverage_checked__gte=checked).exists():
            return
        time.sleep(0.05)
    pytest.fail("the sync asked for no coverage")


def test_text_that_no_database_keeps_stops_nothing(settings: Settings, apple: RunningSimulator) -> None:
    use_apple(settings, apple)
    serial = listed(apple)[0]
    stock([serial])
    apple.control.change(Change(serial=serial, color="GO\0LD", order_number="\0"))
    apple.control.change_coverage(
        ChangeCoverage(serial=_with_running_plan(apple)[0], description="Apple\0Care")
    )

    run = sync(connect(apple))

    assert (run.state, run.matched) == (SyncRun.State.SUCCEEDED, 1), run.error
    assert AppleDevice.objects.get(serial_number=serial).color == "GO\ufffdLD"


def test_devices_deleted_while_their_coverage_is_asked_for_stop_nothing(
    settings: Settings, apple: RunningSimulator
) -> None:
    use_apple(settings, apple, apple_max_rate=150.0)
    serials = listed(apple)
    stock(serials)
    apple.control.switch_on(Fault.COVERAGE_NOT_FOUND, probability=0.5)

    with deleting(serials) as deleted:
        run = sync(connect(apple))

    assert run.state == SyncRun.State.SUCCEEDED, run.error
    assert deleted
    assert run.coverage_checked + run.coverage_failed >= Device.objects.count()


@contextmanager
def deleting(serials: list[str]) -> Iterator[list[str]]:
    """Delete devices one after the other, the last first, as long as no insurance keeps them."""
    deleted: list[str] = []
    over = threading.Event()

    def work() -> None:
        for serial in reversed(serials):
            if over.wait(0.005):
                break
            with suppress(Refused):
                delete_device(Device.objects.get(serial_number=serial), actor=COMMAND_LINE)
                deleted.append(serial)
        database.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield deleted
    finally:
        over.set()
        thread.join()
