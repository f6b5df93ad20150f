"""A sync that is killed anywhere ends, in the end, as if nothing had happened."""

import json
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from django.db import connection as database

from appleschool_sim.testing import RunningSimulator, running_simulator
from homeroom.applesync.models import Connection, SyncRun
from tests.applesync.districts import connect, environment, homeroom, listed, stock

pytestmark = pytest.mark.django_db(transaction=True)

KILLS = 20
DEVICES = 2500
CONCURRENCY = 8
RATE = 250
"""Requests a second: a checkpoint is what a second brings, and never less than 100 answers."""
CHECKPOINT = RATE + CONCURRENCY
LEFT_OUT = {
    # Times, and what is counted of the way rather than of the end.
    "applesync_syncrun": {
        "id", "requested_at", "started_at", "finished_at", "heartbeat_at", "owner", "fence", "requests", "throttled",
        "retries", "rate", "connection_id", "listing_cursor",
    },
    "applesync_connection": {"id", "created_at", "private_key", "pace", "name"},
    "applesync_appledevice": {"id", "connection_id", "first_seen_at"},
    "insurance_insurancerecord": {"id"},
    "insurance_coveragecheck": {"attempted_at", "succeeded_at"},
}  # fmt: skip


def end_state() -> dict[str, list[str]]:
    """All that a sync writes, but for row ids and times."""
    state = {}
    with database.cursor() as cursor:
        for table in (*LEFT_OUT, "insurance_coveragesummary", "applesync_runnote"):
            cursor.execute(f"SELECT * FROM {table}")
            names = [column[0] for column in cursor.description]
            kept = [
                at for at, name in enumerate(names) if name not in LEFT_OUT.get(table, {"id", "at", "run_id"})
            ]
            state[table] = sorted(repr([row[at] for at in kept]) for row in cursor.fetchall())
    return state


def forget_what_was_synced() -> None:
    from homeroom.applesync.models import AppleDevice, RunNote
    from homeroom.insurance.models import (
        CoverageCheck,
        CoverageSummary,
        InsuranceRecord,
        sync_writes_insurance,
    )

    with sync_writes_insurance():
        InsuranceRecord.objects.all().delete()
    for model in (CoverageCheck, CoverageSummary, RunNote, SyncRun, AppleDevice):
        model.objects.all().delete()


def test_killed_at_twenty_moments_it_ends_as_an_undisturbed_run_and_asks_little_twice(tmp_path: Path) -> None:
    with running_simulator(devices=DEVICES, seed=5) as apple:
        stock(listed(apple)[: DEVICES - 200])
        connect(apple)
        surroundings = environment(
            apple, tmp_path, HOMEROOM_APPLE_MAX_RATE=str(RATE), HOMEROOM_APPLE_CONCURRENCY=str(CONCURRENCY)
        )
        command = ["apple", "sync", "--json"]
        undisturbed = _to_its_end(command, surroundings)
        expected = end_state()
        forget_what_was_synced()
        apple.control.reset_counters()

        moments = random.Random(1)
        for _kill in range(KILLS):
            before = apple.control.counts()["coverage_repeated"]
            with homeroom(*command, environment=surroundings) as process:
                _wait_until_it_asks(apple, process)
                time.sleep(moments.uniform(0, 0.5))
                process.send_signal(signal.SIGKILL)
                process.wait()
            assert apple.control.counts()["coverage_repeated"] - before <= CHECKPOINT

        killed = _to_its_end(command, surroundings)
        assert end_state() == expected
        assert SyncRun.objects.count() == 1
        assert apple.control.counts()["coverage_repeated"] <= KILLS * CHECKPOINT
        for number in ("listed", "matched", "created", "coverage_checked", "insurance_created"):
            assert killed[number] == undisturbed[number]
        assert Connection.objects.get().problem == ""


def _to_its_end(command: list[str], surroundings: dict[str, str]) -> dict[str, object]:
    with homeroom(*command, environment=surroundings) as process:
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    document: dict[str, object] = json.loads(out)
    return document


def _wait_until_it_asks(apple: RunningSimulator, process: subprocess.Popen[str]) -> None:
    """Until this process has sent something: the start of Python is not a moment of the sync."""
    sent = sum(apple.control.counts()["requests"].values())
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if process.poll() is not None or sum(apple.control.counts()["requests"].values()) > sent:
            return
        time.sleep(0.02)
    pytest.fail("the sync sent nothing")
