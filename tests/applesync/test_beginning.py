"""A sync that a process begins for itself is its own from the start: no worker gets between."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.utils import timezone

from homeroom.applesync.models import Connection, SyncRun
from homeroom.applesync.pipeline.lease import Lease, claim
from homeroom.applesync.verbs import runs
from homeroom.audit.actors import COMMAND_LINE
from homeroom.web.errors import Refused
from tests.applesync.mirrors import make_connection

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[runs.ClaimedRun | None]:
    """What a worker finds to do just before the run is claimed."""
    seen: list[runs.ClaimedRun | None] = []

    def look() -> None:
        try:
            seen.append(runs.claim_due_run())
        finally:
            connections.close_all()

    def claimed_after_a_worker_looked(run: SyncRun) -> Lease | None:
        monkeypatch.setattr(runs, "claim", claim)
        with ThreadPoolExecutor(1) as worker:
            worker.submit(look).result()
        return claim(run)

    monkeypatch.setattr(runs, "claim", claimed_after_a_worker_looked)
    return seen


def previewed(connection: Connection) -> runs.ClaimedRun:
    run = SyncRun.objects.create(
        connection=connection, preview=True, state=SyncRun.State.PREVIEWED, finished_at=timezone.now()
    )
    return runs.begin_accepted(run, actor=COMMAND_LINE)


@pytest.mark.parametrize(
    "begin", [lambda connection: runs.begin_sync(connection, actor=COMMAND_LINE), previewed]
)
def test_a_worker_does_not_take_what_a_process_begins_for_itself(
    begin: Callable[[Connection], runs.ClaimedRun], found: list[runs.ClaimedRun | None]
) -> None:
    begun = begin(make_connection())
    assert found == [None]
    assert begun.run.state == SyncRun.State.RUNNING
    assert runs.claim_due_run() is None


def test_what_a_worker_has_taken_already_is_told_as_running() -> None:
    connection = make_connection()
    waiting = runs.request_sync(connection, actor=COMMAND_LINE)
    assert runs.claim_due_run() is not None
    with pytest.raises(runs.SyncIsRunning) as refusal:
        runs.begin_sync(connection, actor=COMMAND_LINE)
    assert refusal.value.run == waiting


def test_a_preview_that_gave_way_for_nothing_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = make_connection()
    waiting = runs.request_sync(connection, actor=COMMAND_LINE, preview=True)

    def refuse(_run: SyncRun) -> None:
        raise Refused("Not now.")

    monkeypatch.setattr(runs, "claim", refuse)
    with pytest.raises(Refused):
        runs.begin_sync(connection, actor=COMMAND_LINE)
    assert [run.pk for run in SyncRun.objects.all()] == [waiting.pk]
    waiting.refresh_from_db()
    assert waiting.state == SyncRun.State.QUEUED
