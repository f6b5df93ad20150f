"""The worker: takes up what is due, again and again. What is due stands in rows of the domain, not in a queue."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from django.db import close_old_connections, connection
from django.utils import timezone

from homeroom.applesync.verbs.kept_lists import correct_lists
from homeroom.applesync.verbs.putting_back import put_back_some
from homeroom.applesync.verbs.repair_checks import answer_due_checks
from homeroom.applesync.verbs.working import start_due_syncs, take_up_due_run
from homeroom.incidents.verbs.attachments import DailySweep
from homeroom.incidents.verbs.overdue import tell_overdue
from homeroom.insurance.queries import today
from homeroom.insurance.verbs import refresh_due_summaries
from homeroom.insurance.verbs.milestones import tell_milestones
from homeroom.inventory.imports.work import take_up_due_import
from homeroom.notifications.verbs import assemble_due_digests, forget_old_mail, send_due_mail
from homeroom.reports.verbs.delivering import take_due_report_turns, tell_finished_reports
from homeroom.reports.verbs.making import forget_old_files, make_due_file
from homeroom.reports.verbs.rollup import refresh_due_rollup

Source = Callable[[threading.Event], bool]

TICK_SECONDS = 1.0
LONGEST_PAUSE = 60.0
log = logging.getLogger(__name__)


def _due_import(_stop: threading.Event) -> bool:
    return take_up_due_import()


def _coming_coverage(_stop: threading.Event) -> bool:
    return refresh_due_summaries(today=today()) > 0


def _overdue_repairs(_stop: threading.Event) -> bool:
    return tell_overdue(now=timezone.now())


def _ending_coverage(_stop: threading.Event) -> bool:
    return tell_milestones(now=timezone.now())


def _statistics(_stop: threading.Event) -> bool:
    return refresh_due_rollup()


def _putting_back(_stop: threading.Event) -> bool:
    return put_back_some()


_sweep = DailySweep()


def _orphaned_files(_stop: threading.Event) -> bool:
    return _sweep()


class Every:
    """A source that this process looks at only so often."""

    def __init__(self, seconds: float, look: Callable[[], int]) -> None:
        self._seconds, self._look = seconds, look
        self._again = 0.0

    def __call__(self, _stop: threading.Event) -> bool:
        if time.monotonic() < self._again:
            return False
        self._again = time.monotonic() + self._seconds
        return self._look() > 0


def _wrong_on_lists() -> int:
    return correct_lists() if connection.vendor == "postgresql" else 0


_kept_lists = Every(600, _wrong_on_lists)
_old_files = Every(600, lambda: forget_old_files(timezone.now()))


def _digests_and_old_mail(_stop: threading.Event) -> bool:
    now = timezone.now()
    return assemble_due_digests(now) + forget_old_mail(now) > 0


SOURCES: tuple[Source, ...] = (
    start_due_syncs,
    take_up_due_run,
    take_up_due_run,
    answer_due_checks,
    _due_import,
    _coming_coverage,
    _putting_back,
    _overdue_repairs,
    _ending_coverage,
    _kept_lists,
    _orphaned_files,
    _statistics,
    take_due_report_turns,
    make_due_file,
    tell_finished_reports,
    _old_files,
    _digests_and_old_mail,
    send_due_mail,
)
"""Each says whether it found something to do. One that stands twice is worked on by two threads.

Mail comes last, so that a worker that ends after one round has also sent what the others told.
"""


def work_until(stop: threading.Event) -> None:
    """Work on every source until `stop`; what is in hand is finished or given back first."""
    with ThreadPoolExecutor(len(SOURCES), thread_name_prefix="worker") as pool:
        lines: list[Future[None]] = [pool.submit(_work_on, source, stop) for source in SOURCES]
        for line in lines:
            line.result()


def work_once() -> None:
    """Do what is due now, then end."""
    for source in dict.fromkeys(SOURCES):
        while source(threading.Event()):
            pass


def _work_on(source: Source, stop: threading.Event) -> None:
    pause = TICK_SECONDS
    while not stop.is_set():
        try:
            busy = source(stop)
            pause = TICK_SECONDS
        except Exception:
            # One bad row must not stop the others, nor be tried in a tight circle.
            log.exception("The worker met an error")
            busy = False
            pause = min(LONGEST_PAUSE, pause * 2)
        finally:
            close_old_connections()
        if not busy:
            stop.wait(pause)
