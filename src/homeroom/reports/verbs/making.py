"""The worker's side of files of reports: one process makes each, and nobody gets a half one.

A process that dies leaves a row that another takes over, and a folder that no row speaks of any more. On SQLite a
connection that reads can't write once another has written, so what is told of a file under way is written by a
thread with a connection of its own.
"""

import os
import shutil
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Any, Self
from uuid import uuid4

import structlog
from django.db import Error, connection
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from xlsxwriter.exceptions import XlsxWriterException

from homeroom.accounts.policy import Viewer
from homeroom.inventory.exports.formats import Format, Row, refuse_too_many, write_rows_as
from homeroom.inventory.exports.reports import report_named
from homeroom.leases import LET_GO, LeaseLost, renew, take, unchanged
from homeroom.reports.models import ReportFile, folder_path, in_a_week
from homeroom.reports.queries.files import UNDER_WAY, may_make, rights_of
from homeroom.reports.selection import selection
from homeroom.web.errors import Refused

State = ReportFile.State
LEASE = timedelta(minutes=5)
"""Renewed with each beat. A dead process on this host is seen at once."""
BEAT_SECONDS = 1.0
MOST_ATTEMPTS = 5
"""What takes the whole worker with it is not begun for ever."""
PORTION = 500

log = structlog.get_logger(__name__)


class Stopped(Exception):  # noqa: N818 - the name is the fact
    """The worker is asked to end."""


def make_due_file(stop: Event) -> bool:
    """Make one file that waits, or whose process died; whether there was one."""
    file = _claim()
    if file is None:
        return False
    became = _attempt(
        file, stop
    )  # by now the rows that were read are let go of, and this connection may write
    kept = unchanged(file).update(**became, **LET_GO)
    if not kept or became["state"] != State.READY:
        _remove(file.folder)
    return True


class Heartbeat:
    """Tells of the file once a second, and hears whether it is still this process's to make."""

    def __init__(self, file: ReportFile, stop: Event) -> None:
        self.rows: int | None = None
        self.rows_done = 0
        self._file = file
        self._stop = stop
        self._lost, self._over = Event(), Event()
        self._thread = Thread(target=self._beat, name=f"file-{file.pk}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()

    def counted(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            if self._lost.is_set():
                raise LeaseLost
            if self._stop.is_set():
                raise Stopped
            yield row
            self.rows_done += 1

    def _beat(self) -> None:
        try:
            while not self._over.wait(BEAT_SECONDS):
                told = {"rows": self.rows, "rows_done": self.rows_done}
                try:
                    renew(self._file, LEASE, **told)
                except LeaseLost:
                    self._lost.set()
                    return
                except Error:
                    log.warning("The progress of a file could not be written", file=self._file.pk)
                    connection.close()
        finally:
            connection.close()


def _claim() -> ReportFile | None:
    begun = {
        "state": State.MAKING,
        "folder": uuid4().hex,
        "rows": None,
        "rows_done": 0,
        "started_at": timezone.now(),
        "attempts": F("attempts") + 1,
    }
    files = ReportFile.objects.filter(state__in=UNDER_WAY).order_by("pk")
    taken = (take(file, LEASE, **begun) for file in files if file.is_free)
    return next(filter(None, taken), None)


def _attempt(file: ReportFile, stop: Event) -> dict[str, Any]:
    """Make the file; what its row has to say then."""
    if file.attempts > MOST_ATTEMPTS:
        return _failed(
            _("Homeroom was ended each time that it made this file. The server's log may say why.")
        )
    try:
        return _made(file, stop)
    except (LeaseLost, Stopped):
        return {"state": State.QUEUED, "folder": "", "rows_done": 0, "attempts": file.attempts - 1}
    except Refused as refused:
        return _failed(refused.sentence)
    except (OSError, XlsxWriterException):
        log.exception("A file could not be written", file=file.pk)
        return _failed(_("The file could not be written: perhaps the server's disk is full."))
    except Exception:
        log.exception("A file could not be made", file=file.pk)
        return _failed(_("Something went wrong while this file was made; the server's log says more."))


def _failed(sentence: str) -> dict[str, Any]:
    return {"state": State.FAILED, "folder": "", "failure": sentence} | _ended()


def _ended() -> dict[str, Any]:
    return {"finished_at": timezone.now(), "expires_at": in_a_week()}


def _made(file: ReportFile, stop: Event) -> dict[str, Any]:
    viewer = _viewer_of(file)
    asked = selection(report_named(file.report), file.query, viewer)
    with Heartbeat(file, stop) as heart:
        heart.rows = asked.count
        refuse_too_many(Format(file.format), asked.count)
        folder_path(file.folder).mkdir(parents=True, mode=0o700)
        with file.path.open("xb") as whole:
            write_rows_as(
                Format(file.format), asked.names, heart.counted(asked.rows), whole, folder=file.path.parent
            )
            whole.flush()
            os.fsync(whole.fileno())
    return {
        "state": State.READY,
        "rows": heart.rows_done,
        "rows_done": heart.rows_done,
        "size": file.path.stat().st_size,
        "made_for": rights_of(viewer),
    } | _ended()


def _viewer_of(file: ReportFile) -> Viewer:
    """The owner's rights as they are now. Refuses where they no longer have them."""
    viewer = file.owner.viewer()
    if not file.owner.is_active or not may_make(file, viewer):
        raise Refused(_("Whoever ordered this file may no longer see this report."))
    return viewer


def forget_old_files(now: datetime) -> int:
    """Delete what was kept long enough, and folders that no row speaks of; how many there were."""
    old = ReportFile.objects.exclude(state__in=UNDER_WAY).filter(expires_at__lt=now)
    portion = list(old.order_by("expires_at").values_list("pk", flat=True)[:PORTION])
    ReportFile.objects.filter(pk__in=portion, expires_at__lt=now).exclude(state__in=UNDER_WAY).delete()
    top = folder_path("")
    there = {folder.name for folder in top.iterdir()} if top.exists() else set[str]()
    # A row names its folder before the folder is made: what is there first and not named then is nobody's.
    named = set(ReportFile.objects.exclude(folder="").values_list("folder", flat=True))
    for name in there - named:
        _remove(name)
    return len(portion) + len(there - named)


def _remove(folder: str) -> None:
    if folder:
        shutil.rmtree(folder_path(folder), ignore_errors=True)
