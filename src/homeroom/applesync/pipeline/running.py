"""A sync from its first page to its last coverage: the order of the steps, and what happens beside them.

Apple is talked to in an event loop; the database is written in one thread of its own, batch by batch.
"""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable, Coroutine, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Event
from typing import Any, ParamSpec, TypeVar

from django.db import connections
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from appleschool import AppleError, NotFound, StaleCursor
from homeroom.applesync.client import open_apple
from homeroom.applesync.models import AppleDevice, SyncRun
from homeroom.applesync.pipeline import coverage, listing, matching, missing, queue
from homeroom.applesync.pipeline.coverage import Answer
from homeroom.applesync.pipeline.lease import Lease, LeaseLost
from homeroom.applesync.pipeline.queue import Target
from homeroom.applesync.pipeline.seen import Seen
from homeroom.applesync.verbs import runs
from homeroom.insurance.queries import today

P = ParamSpec("P")
T = TypeVar("T")
log = logging.getLogger(__name__)

# Half a checkpoint: one half is being written while the other is being asked for.
BATCH_SECONDS = 0.5
BATCH_ANSWERS = 50
HEARTBEAT_SECONDS = 1.0
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
    sync = Sync(run, lease, stop or Event())
    try:
        with _quick_turns(), asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(sync.work())
        runs.finish(run, lease, SyncRun.State.SUCCEEDED, pace=sync.pace_found)
    except LeaseLost:
        log.warning("Sync %s was taken over by another process", run.pk)
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
    except BaseException:
        log.exception("Sync %s failed", run.pk)
        runs.finish(
            run,
            lease,
            SyncRun.State.FAILED,
            error=_("The sync met an error of Homeroom's own."),
            fix=_("The log of the server says more. What was written before stays; the next sync goes on."),
        )
        raise
    run.refresh_from_db()
    return run


class Sync:
    """The work on one run: three steps in order, coverage beginning while the listing goes on."""

    def __init__(self, run: SyncRun, lease: Lease, stop: Event) -> None:
        self.run = run
        self.lease = lease
        self.stop = stop
        self.today: date = today()
        self.seen = Seen(bytes(run.listing_seen))
        self.listed = asyncio.Event()
        self.news = asyncio.Event()
        self.pace_found: float | None = run.connection.pace
        self._reported = (0, 0, 0)
        self._failures_in_a_row = 0

    async def work(self) -> None:
        with ThreadPoolExecutor(1, thread_name_prefix="sync-database") as self._database_thread:
            try:
                async with open_apple(
                    self.run.connection, initial_rate=self.run.connection.pace
                ) as self.apple:
                    await self._work_with_apple()
                    if self.apple.pace.throttled:
                        self.pace_found = self.apple.pace.rate
            finally:
                await self._in_database(connections.close_all)

    async def _work_with_apple(self) -> None:
        try:
            await _until_first(self._steps(), self._heartbeat())
        finally:
            with contextlib.suppress(LeaseLost):
                await self._in_database(self._report)

    async def _steps(self) -> None:
        await self._in_database(matching.unlink_what_no_longer_fits)
        await self._in_database(matching.link, self.run.connection)
        await _together(self._list_devices(), self._ask_for_coverage())

    # Listing and what is missing from it

    async def _list_devices(self) -> None:
        await self._walk_list()
        await self._in_database(self._enter, SyncRun.Step.MISSING)
        await self._ask_for_missing()
        await self._in_database(self._count_matched)
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
            await self._in_database(listing.restart, self.lease)
            await self._walk_from(None)

    async def _walk_from(self, cursor: str | None) -> None:
        async for page in self.apple.org_devices(limit=1000, cursor=cursor):
            await self._in_database(listing.store_page, self.run, self.lease, page, self.seen)
            self.news.set()

    async def _ask_for_missing(self) -> None:
        rows = missing.rows_not_seen(self.run, self.seen)
        while (row := await self._in_database(next, rows, None)) is not None:
            gone, released = await missing.released_at(self.apple, row.serial_number)
            if gone:
                await self._in_database(missing.store_gone, self.run, self.lease, row, released)

    def _count_matched(self) -> None:
        matched = AppleDevice.objects.filter(
            connection=self.run.connection_id, device__isnull=False, gone_since__isnull=True
        ).count()
        left = queue.due(self.run, self.today).count() if self.run.connection.sync_coverage else 0
        self.lease.renew(matched=matched, coverage_due=F("coverage_checked") + F("coverage_failed") + left)

    # Coverage

    async def _ask_for_coverage(self) -> None:
        if not self.run.connection.sync_coverage:
            return
        while True:
            listed_before = self.listed.is_set()
            self.news.clear()
            asked = await self._ask_for_all_due()
            if listed_before and not asked:
                return
            if not asked:
                await self.news.wait()

    async def _ask_for_all_due(self) -> int:
        """One pass over the queue, from its beginning to its end; how many devices were asked for."""
        targets: asyncio.Queue[Target | None] = asyncio.Queue(maxsize=queue.CHUNK)
        answers: asyncio.Queue[Answer | None] = asyncio.Queue(maxsize=queue.CHUNK)

        async def ask_all() -> None:
            await _together(
                *(self._ask(targets, answers) for _worker in range(self.apple.limits.concurrency))
            )
            await answers.put(None)

        *_others, written = await _together(self._line_up(targets), ask_all(), self._write(answers))
        return int(written)

    async def _line_up(self, targets: asyncio.Queue[Target | None]) -> None:
        last: Target | None = None
        while chunk := await self._in_database(queue.next_targets, self.run, self.today, after=last):
            last = chunk[-1]
            for target in chunk:
                await targets.put(target)
        await targets.put(None)

    async def _ask(
        self, targets: asyncio.Queue[Target | None], answers: asyncio.Queue[Answer | None]
    ) -> None:
        while (target := await targets.get()) is not None:
            await answers.put(await self._answer(target))
        await targets.put(None)  # for the next one that asks

    async def _answer(self, target: Target) -> Answer:
        try:
            coverages = await self.apple.apple_care_coverage(target.serial_number)
        except NotFound:
            self._failures_in_a_row = 0
            return Answer(target, timezone.now())
        except AppleError as error:
            if not error.concerns_one_request:
                raise
            self._failures_in_a_row += 1
            return Answer(target, timezone.now(), failure=str(error)[:300])
        self._failures_in_a_row = 0
        return Answer(target, timezone.now(), coverages)

    async def _write(self, answers: asyncio.Queue[Answer | None]) -> int:
        """Write answers in batches until None says that there are no more; how many there were."""
        written = 0
        more = True
        while more:
            batch: list[Answer] = []
            try:
                more = await _collect(answers, batch)
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
        if batch:
            await self._in_database(coverage.store_answers, self.run, self.lease, batch, self.today)

    # Beside the steps

    async def _heartbeat(self) -> None:
        while True:
            await self._in_database(self._report)
            await asyncio.sleep(HEARTBEAT_SECONDS)
            if self.stop.is_set():
                raise Stopped

    def _report(self) -> None:
        pace = self.apple.pace
        now = (pace.requests, pace.throttled, pace.retries)
        requests, throttled, retries = (new - old for new, old in zip(now, self._reported, strict=True))
        self.lease.renew(
            requests=F("requests") + requests,
            throttled=F("throttled") + throttled,
            retries=F("retries") + retries,
            rate=pace.rate,
        )
        self._reported = now
        if SyncRun.objects.filter(pk=self.run.pk, cancel_requested_at__isnull=False).exists():
            raise Cancelled

    def _enter(self, step: SyncRun.Step) -> None:
        self.lease.renew(step=step)

    async def _in_database(self, write: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._database_thread, lambda: write(*args, **kwargs))


@contextlib.contextmanager
def _quick_turns() -> Iterator[None]:
    """Let the loop have its turn soon while the other thread prepares writes; Python's own 5 ms starve it."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.0005)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


async def _collect(answers: asyncio.Queue[Answer | None], batch: list[Answer]) -> bool:
    """Fill a batch for its time and its least size, whichever takes longer; whether more may come."""
    loop = asyncio.get_running_loop()
    until = loop.time() + BATCH_SECONDS
    while len(batch) < BATCH_ANSWERS or loop.time() < until:
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


async def _together(*work: Coroutine[Any, Any, Any]) -> list[Any]:
    """All of it; if one fails the others are cancelled and waited for, and its error is the outcome."""
    tasks = [asyncio.ensure_future(part) for part in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        await _end(tasks)


async def _until_first(*work: Coroutine[Any, Any, Any]) -> None:
    """As long as none of it has ended; the others are then cancelled and waited for."""
    tasks = [asyncio.ensure_future(part) for part in work]
    try:
        done, _pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _end(tasks)
    for task in done:
        task.result()


async def _end(tasks: Iterable[asyncio.Future[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
