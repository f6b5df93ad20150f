"""A sync that a process begins for itself is its own from the start: no worker gets between."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.db import OperationalError, connections
from django.utils import timezone

from homeroom.applesync.models import Connection, SyncRun
from homeroom.applesync.pipeline import running
from homeroom.applesync.pipeline.lease import SILENCE_OF_THE_LIVING, Lease, claim
from homeroom.applesync.verbs import runs
from homeroom.audit.actors import COMMAND_LINE
from homeroom.leases import LeaseLost
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


@pytest.mark.parametrize(("state", "preview"), [("previewed", True), ("held", False)])
def test_what_waits_is_not_accepted_when_another_sync_begins_at_that_moment(
    state: str, preview: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = make_connection()
    run = SyncRun.objects.create(
        connection=connection, preview=preview, state=state, finished_at=timezone.now()
    )

    def begun_just_after(_run: SyncRun) -> str:
        runs.request_sync(connection, actor=COMMAND_LINE)
        return ""

    monkeypatch.setattr(runs, "refusal_to_accept", begun_just_after)
    with pytest.raises(Refused, match="Another sync has just begun"):
        runs.accept_changes(run, actor=COMMAND_LINE)
    run.refresh_from_db()
    assert (run.state, run.accepted_at) == (state, None)


def test_a_sync_whose_end_could_not_be_written_is_taken_up_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection = make_connection()
    runs.request_sync(connection, actor=COMMAND_LINE)
    claimed = runs.claim_due_run()
    assert claimed is not None

    def gone(*_arguments: object, **_named: object) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as broken:
        broken.setattr(running.Sync, "work", gone)
        broken.setattr(runs, "finish", gone)
        with pytest.raises(OperationalError):
            running.work_on(claimed)
    assert runs.claim_due_run() is None, "its process lives, and may only be slow"
    with time_machine.travel(timezone.now() + SILENCE_OF_THE_LIVING + timedelta(seconds=1)):
        taken_up = runs.claim_due_run()
    assert taken_up is not None
    assert taken_up.run == claimed.run
    with pytest.raises(LeaseLost):
        claimed.lease.renew()
