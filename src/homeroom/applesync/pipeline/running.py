"""A sync from its first page to its last coverage: the order of the steps, and what happens beside them.

Apple is talked to in an event loop; the database is written in one thread of its own, batch by batch.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Event
from typing import ParamSpec, TypeVar

from django.db import connection, connections
from django.db.models import F
from django.utils.translation import gettext as _

from appleschool import AppleError, StaleCursor
from homeroom.applesync import pacing
from homeroom.applesync.client import open_apple
from homeroom.applesync.models import SyncRun
from homeroom.applesync.pipeline import managed, missing, plan, replacing
from homeroom.applesync.pipeline.asking import Asked, LiveApple, Spent
from homeroom.applesync.pipeline.coverage import Answer
from homeroom.applesync.pipeline.lease import Lease
from homeroom.applesync.pipeline.preview import Previewing, Recorded, Replaying, discard_stage
from homeroom.applesync.pipeline.queue import CHUNK, Target
from homeroom.applesync.pipeline.seen import Seen
from homeroom.applesync.pipeline.tasks import (
    loop_factory,
    quick_turns,
    rare_collections,
    together,
    until_first,
)
from homeroom.applesync.pipeline.writing import Applying, Writing
from homeroom.applesync.replacements.queries import originals_to_ask_for
from homeroom.applesync.verbs import runs
from homeroom.insurance.queries import today
from homeroom.leases import LeaseLost

P = ParamSpec("P")
T = TypeVar("T")
log = logging.getLogger(__name__)

# Half a checkpoint: one half is being written while the other is being asked for.
BATCH_SECONDS = 0.5
BATCH_ANSWERS = 50
HEARTBEAT_SECONDS = 1.0
# A page seldom brings anything to ask for, and looking costs the database something in a large district.
SECONDS_BETWEEN_PASSES = 1.0
MOST_FAILURES_IN_A_ROW = 20


class Cancelled(Exception):  # noqa: N818
    """A person asked the run to stop."""


class Stopped(Exception):  # noqa: N818
    """The process is asked to end; the run is given back for the next one to go on with."""


class AppleDoesNotAnswer(Exception):  # noqa: N818
    """One device after another could not be asked for; going on would only mark them all as failed."""


def work_on(claimed: runs.ClaimedRun, *, stop: Event | None = None) -> SyncRun:
    """Bring a claimed run to its end, whatever that is, and return it as it then stands.

    `stop` asks for an orderly end of the process: the batch in hand is written and the run given back.
    """
    run, lease = claimed.run, claimed.lease
    try:
        _work_to_an_end(run, lease, stop or Event())
    except LeaseLost:
        log.warning("Sync %s was taken over by another process", run.pk)
    run.refresh_from_db()
    return run


def _work_to_an_end(run: SyncRun, lease: Lease, stop: Event) -> None:
    sync = Sync(run, lease, stop)
    try:
        with quick_turns(), rare_collections(), asyncio.Runner(loop_factory=loop_factory()) as runner:
            state = runner.run(sync.work())
        runs.finish(run, lease, state, pace=sync.pace_found)
    except Cancelled:
        runs.finish(run, lease, SyncRun.State.CANCELLED)
    except Stopped:
        runs.release(lease)
    except AppleError as error:
        runs.finish(run, lease, SyncRun.State.FAILED, error=str(error), fix=error.fix)
    except AppleDoesNotAnswer:
        runs.finish(
            run,
            lease,
            SyncRun.State.FAILED,
            error=_("Apple stopped answering requests for coverage."),
            fix=_("Nothing is lost: the next sync goes on from here."),
        )
    except LeaseLost:
        raise
    except BaseException:
        log.exception("Sync %s failed", run.pk)
        connection.close()  # it may be what broke
        runs.finish(
            run,
            lease,
            SyncRun.State.FAILED,
            error=_("The sync met an error of Homeroom's own."),
            fix=_("The log of the server says more. What was written before stays; the next sync goes on."),
        )
        raise


class Sync:
    """The work on one run: its steps in order, coverage beginning while the listing goes on where it can."""

    apple: Asked
    writing: Writing

    def __init__(self, run: SyncRun, lease: Lease, stop: Event) -> None:
        self.run = run
        self.lease = lease
        self.stop = stop
        self.today: date = today()
        self.seen = Seen(bytes(run.listing_seen))
        self.listed = asyncio.Event()
        self.news = asyncio.Event()
        self.pace_found: float | None = run.connection.pace
        self._reported = Spent()
        self._failures_in_a_row = 0

    async def work(self) -> SyncRun.State:
        """Do what is left of the run, and say how it ended."""
        with ThreadPoolExecutor(1, thread_name_prefix="sync-database") as self._database_thread:
            try:
                if not self.run.accepted_at or self.run.replays:
                    await self._ask_and_write()
                return await self._end()
            finally:
                await self._in_database(connections.close_all)

    async def _ask_and_write(self) -> None:
        if self.run.replays:
            self.apple = Recorded(self.run.replays, self._in_database)
            self.writing = Replaying(self.run, self.lease, self.today, self.apple)
            await self._work_on_steps()
            return
        kind = Previewing if self.run.preview else Applying
        self.writing = kind(self.run, self.lease, self.today)
        async with open_apple(self.run.connection, initial_rate=self.run.connection.pace) as school:
            self.apple = LiveApple(school)
            await self._work_on_steps()
            if self.apple.spent.throttled:
                self.pace_found = self.apple.rate

    async def _work_on_steps(self) -> None:
        await self._in_database(self._share_pace)
        try:
            await until_first(self._steps(), self._heartbeat())
        finally:
            with contextlib.suppress(LeaseLost):
                await self._in_database(self._report)

    async def _steps(self) -> None:
        await self._in_database(self.writing.begin)
        await together(self._list_devices(), self._ask_for_coverage())
        if isinstance(self.apple, LiveApple) and managed.concerns(self.run):
            await self._in_database(self._enter, SyncRun.Step.DETAILS)
            step = managed.ManagedStep(self.run, self.lease, self.today, self._in_database)
            await step.work(self.apple)
        if self.run.connection.process_replacements:
            await self._match_replacements()

    # Listing and what is missing from it

    async def _list_devices(self) -> None:
        await self._walk_list()
        await self._in_database(self._enter, SyncRun.Step.MISSING)
        await self._ask_for_missing()
        await self._in_database(self.writing.count)
        await self._in_database(self._enter, SyncRun.Step.COVERAGE)
        self.listed.set()
        self.news.set()

    async def _walk_list(self) -> None:
        if self.run.listing_complete:
            return
        try:
            await self._walk_from(self.run.listing_cursor or None)
        except StaleCursor:
            self.seen = Seen()
            await self._in_database(self.writing.restart_list)
            await self._walk_from(None)

    async def _walk_from(self, cursor: str | None) -> None:
        async for page in self.apple.pages(cursor):
            await self._in_database(self.writing.page, page, self.seen)
            self.news.set()

    async def _ask_for_missing(self) -> None:
        rows = missing.rows_not_seen(self.run, self.seen)
        while (row := await self._in_database(next, rows, None)) is not None:
            departure = await self.apple.departure(row.serial_number)
            if departure:
                await self._in_database(missing.plan_departure, self.run, self.lease, row, departure)

    # Coverage

    async def _ask_for_coverage(self) -> None:
        if not self.run.connection.sync_coverage:
            return
        if not self.writing.starts_while_listing:
            await self.listed.wait()
        while True:
            listed_before = self.listed.is_set()
            self.news.clear()
            asked = await self._ask_for_all_due()
            if listed_before and not asked:
                return
            if not asked:
                await self.news.wait()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.listed.wait(), SECONDS_BETWEEN_PASSES)

    async def _ask_for_all_due(self) -> int:
        """One pass over the queue, from its beginning to its end; how many devices were asked for."""
        targets: asyncio.Queue[Target | None] = asyncio.Queue(maxsize=CHUNK)
        most = self._most_of_a_batch()
        answers: asyncio.Queue[Answer | None] = asyncio.Queue(maxsize=most)

        async def ask_all() -> None:
            await together(*(self._ask(targets, answers) for _worker in range(self.apple.concurrency)))
            await answers.put(None)

        *_others, written = await together(self._line_up(targets), ask_all(), self._write(answers, most))
        return int(written)

    def _most_of_a_batch(self) -> int:
        """One is written while the next one is answered: both together are what is asked for again after a kill."""
        rate = self.apple.rate
        return max(BATCH_ANSWERS, int(rate * BATCH_SECONDS)) if rate else CHUNK

    async def _line_up(self, targets: asyncio.Queue[Target | None]) -> None:
        chunks = self.writing.targets()
        while (chunk := await self._in_database(_next_chunk, chunks)) is not None:
            for target in chunk:
                await targets.put(target)
        await targets.put(None)

    async def _ask(
        self, targets: asyncio.Queue[Target | None], answers: asyncio.Queue[Answer | None]
    ) -> None:
        while (target := await targets.get()) is not None:
            answer = await self.apple.coverage(target)
            self._failures_in_a_row = self._failures_in_a_row + 1 if answer.failure else 0
            await answers.put(answer)
        await targets.put(None)  # for the next one that asks

    async def _write(self, answers: asyncio.Queue[Answer | None], most: int) -> int:
        """Write answers in batches until None says that there are no more; how many there were."""
        written = 0
        more = True
        while more:
            batch: list[Answer] = []
            try:
                more = await _collect(answers, batch, most)
                collected, batch = batch, []
                await self._store(collected)
            except asyncio.CancelledError:
                batch += _answered(answers)
                with contextlib.suppress(LeaseLost):
                    await self._store(batch)
                raise
            written += len(collected)
            if self._failures_in_a_row >= MOST_FAILURES_IN_A_ROW:
                raise AppleDoesNotAnswer
        return written

    async def _store(self, batch: list[Answer]) -> None:
        """Write a batch; a run that is stopped meanwhile loses nothing that Apple has answered."""
        if batch:
            await asyncio.shield(self._in_database(self.writing.answers, batch))

    # Replacements

    async def _match_replacements(self) -> None:
        """Ask for each original at Apple, whether it is still there, then decide what replaces what."""
        await self._in_database(self._enter, SyncRun.Step.REPLACEMENTS)
        at_apple = await self._in_database(originals_to_ask_for, self.run)
        not_told = [each for each in at_apple if not await self._ask_for_original(each)]
        await self._in_database(self.writing.replacements, not_told)

    async def _ask_for_original(self, serial_number: str) -> bool:
        """Plan its departure if it was released; whether Apple could tell. It is listed: “not found” is no answer."""
        try:
            departure = await self.apple.departure(serial_number)
        except AppleError as error:
            if not error.concerns_one_request:
                raise
            return False
        if departure and departure.released_at:
            await self._in_database(missing.plan_departure_of, self.run, self.lease, serial_number, departure)
        return departure is None or departure.released_at is not None

    # The end

    async def _end(self) -> SyncRun.State:
        """Apply what was planned, unless it is for a person to decide first."""
        if self.run.preview:
            await self._in_database(discard_stage, self.run.connection, keep=self.run)
            return SyncRun.State.PREVIEWED
        if not self.run.accepted_at and await self._in_database(plan.is_too_much, self.run):
            return SyncRun.State.HELD
        await self._in_database(self._enter, SyncRun.Step.ENDING)
        while await self._in_database(plan.apply_some, self.run, self.lease, self.today):
            pass
        while await self._in_database(replacing.apply_next, self.run, self.lease):
            pass
        await self._in_database(discard_stage, self.run.connection)
        return SyncRun.State.SUCCEEDED

    # Beside the steps

    async def _heartbeat(self) -> None:
        while True:
            await self._in_database(self._report)
            await asyncio.sleep(HEARTBEAT_SECONDS)
            if self.stop.is_set():
                raise Stopped

    def _report(self) -> None:
        now, before = self.apple.spent, self._reported
        self.lease.renew(
            requests=F("requests") + now.requests - before.requests,
            throttled=F("throttled") + now.throttled - before.throttled,
            retries=F("retries") + now.retries - before.retries,
            rate=self.apple.rate,
        )
        self._reported = now
        self._share_pace()
        if SyncRun.objects.filter(pk=self.run.pk, cancel_requested_at__isnull=False).exists():
            raise Cancelled

    def _share_pace(self) -> None:
        """Leave the time to others that they reserved, and tell them of Apple's wish to wait."""
        if isinstance(self.apple, LiveApple):
            quiet = pacing.quiet_for(self.run.connection_id)
            if held := self.apple.give_way_to(quiet):
                pacing.hold(self.run.connection_id, held)

    def _enter(self, step: SyncRun.Step) -> None:
        self.lease.renew(step=step)

    async def _in_database(self, write: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._database_thread, lambda: write(*args, **kwargs))


def _next_chunk(chunks: Iterator[Sequence[Target]]) -> Sequence[Target] | None:
    return next(chunks, None)


async def _collect(answers: asyncio.Queue[Answer | None], batch: list[Answer], most: int) -> bool:
    """Fill a batch for its time or its least size, whichever takes longer, at most full; whether more may come."""
    loop = asyncio.get_running_loop()
    until = loop.time() + BATCH_SECONDS
    while len(batch) < BATCH_ANSWERS or (len(batch) < most and loop.time() < until):
        answer = await answers.get()
        if answer is None:
            return False
        batch.append(answer)
    return True


def _answered(answers: asyncio.Queue[Answer | None]) -> Iterator[Answer]:
    """What has been answered and not yet been collected."""
    while not answers.empty():
        if (answer := answers.get_nowait()) is not None:
            yield answer
