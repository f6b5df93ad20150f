"""The step that only Apple Business has: OS versions, from its built-in device management.

Its list tells which devices it has and nothing of their versions, so each is asked for by itself: a new one at once,
the others on their day in the cycle of the coverage queue. Whatever fails here is noted and fails no run: what was
learned before stays, and the next run asks again.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import ceil, inf
from typing import Any, Protocol

from django.conf import settings
from django.db import transaction
from django.db.models import F, IntegerField, QuerySet
from django.db.models.functions import Mod
from django.utils import timezone
from django.utils.translation import gettext as _

from appleschool import AppleError, Forbidden, MdmDevice, MdmDeviceDetails, NotFound, Page
from homeroom.applesync.models import AppleDevice, Connection, ManagedDevice, RunNote, SyncRun
from homeroom.applesync.pipeline import queue
from homeroom.applesync.pipeline.lease import Lease
from homeroom.applesync.pipeline.queue import Target
from homeroom.applesync.pipeline.seen import Seen
from homeroom.applesync.pipeline.tasks import InDatabase, together
from homeroom.rows import write_rows

# A checkpoint, at the pace that Apple usually allows some ten seconds of asking.
CHUNK = 50
LISTED = 5000
MOST_FAILURES_IN_A_ROW = 20
LONGEST_VERSION = 50
ASKED = "managed__asked_at"


class Manager(Protocol):
    """Apple's built-in device management, as far as it is asked."""

    @property
    def concurrency(self) -> int: ...

    def managed_devices(self) -> AsyncIterator[Page[MdmDevice]]: ...

    async def managed_details(self, apple_id: str) -> MdmDeviceDetails: ...


@dataclass(frozen=True, slots=True)
class Told:
    """What came back for one device. No details without a failure: it has left built-in device management."""

    target: Target
    apple_id: str
    at: datetime
    details: MdmDeviceDetails | None = None
    failure: str = ""


class TooManyFailures(Exception):  # noqa: N818
    """One device after another could not be asked for."""


class ManagedStep:
    """The step, on one run."""

    def __init__(self, run: SyncRun, lease: Lease, today: date, in_database: InDatabase) -> None:
        self._run = run
        self._lease = lease
        self._today = today
        self._in_database = in_database
        self._failures_in_a_row = 0

    async def work(self, apple: Manager) -> None:
        """Learn which devices are there, then ask for those whose turn it is."""
        try:
            await self._list(apple)
            await self._ask_for_all_due(apple)
            await self._in_database(_note_granted, self._run)
        except (Forbidden, NotFound) as error:
            await self._in_database(_note_refused, self._run, self._lease, error)
        except AppleError as error:
            await self._in_database(_note_broken_off, self._run, self._lease, str(error))
        except TooManyFailures:
            reason = _("Apple stopped answering.")
            await self._in_database(_note_broken_off, self._run, self._lease, reason)

    async def _list(self, apple: Manager) -> None:
        seen = Seen()
        async for page in apple.managed_devices():
            await self._in_database(_store_page, self._run, self._lease, page, seen)
        await self._in_database(_mark_left, self._run, self._lease, seen)

    async def _ask_for_all_due(self, apple: Manager) -> None:
        chunks = due(self._run.connection, self._today)
        while targets := await self._in_database(next, chunks, None):
            told = await self._ask(apple, await self._in_database(_apple_ids, targets))
            await self._in_database(_store, self._run, self._lease, told)
            if self._failures_in_a_row >= MOST_FAILURES_IN_A_ROW:
                raise TooManyFailures

    async def _ask(self, apple: Manager, targets: Sequence[tuple[Target, str]]) -> list[Told]:
        told: list[Told] = []
        waiting = iter(targets)

        async def ask_one_after_another() -> None:
            for target, apple_id in waiting:
                if self._failures_in_a_row >= MOST_FAILURES_IN_A_ROW:
                    return
                answer = await _asked(apple, target, apple_id)
                self._failures_in_a_row = self._failures_in_a_row + 1 if answer.failure else 0
                told.append(answer)

        await together(*(ask_one_after_another() for _worker in range(apple.concurrency)))
        return told


def concerns(run: SyncRun) -> bool:
    """Whether a run takes this step. A preview does not: an OS version is no change for anybody to judge."""
    return run.connection.kind == Connection.Kind.BUSINESS and not (run.preview or run.replays)


def due(connection: Connection, today: date) -> Iterator[list[Target]]:
    """Devices that were never asked for, then those whose day has come, as many as fit into a day."""
    cycle: int = settings.CONFIGURATION.coverage_max_age_days
    cap = settings.CONFIGURATION.coverage_daily_budget
    enrolled = AppleDevice.objects.filter(
        connection=connection, managed__enrolled=True, device__isnull=False, gone_since__isnull=True
    )
    beginning = queue.midnight(today)
    left = max(0, cap - enrolled.filter(**{f"{ASKED}__gte": beginning}).count()) if cap else inf
    new = enrolled.filter(**{f"{ASKED}__isnull": True})
    for chunk in queue.pages(new, "device_id", size=CHUNK, most=left):
        left -= len(chunk)
        yield chunk
    old = _day_has_come(enrolled, today, cycle)
    budget = queue.with_unevenness(ceil(enrolled.count() / cycle))
    yield from queue.pages(old, ASKED, size=CHUNK, most=min(left, budget))


def store_details(row_id: int, details: MdmDeviceDetails, *, at: datetime) -> bool:
    """Keep what Apple told of one device; whether its OS version differs from before."""
    known = ManagedDevice.objects.get(pk=row_id)
    write_rows(ManagedDevice, [_written(known, details, at)], unique=("row",), update=UPDATED)
    return bool(details.os_version) and known.os_version != details.os_version


UPDATED = ("os_version", "last_check_in_at", "asked_at", "told_at")


def _day_has_come(enrolled: QuerySet[AppleDevice], today: date, cycle: int) -> QuerySet[AppleDevice]:
    return (
        enrolled.filter(**{f"{ASKED}__lt": queue.midnight(today)})
        .annotate(
            turn=Mod("coverage_day", cycle, output_field=IntegerField()), due_at=queue.turns(today, cycle)
        )
        .filter(**{f"{ASKED}__lt": F("due_at")})
    )


async def _asked(apple: Manager, target: Target, apple_id: str) -> Told:
    try:
        details = await apple.managed_details(apple_id)
    except NotFound:
        return Told(target, apple_id, timezone.now())
    except AppleError as error:
        if not error.concerns_one_request:
            raise
        return Told(target, apple_id, timezone.now(), failure=str(error)[:300])
    return Told(target, apple_id, timezone.now(), details)


def _apple_ids(targets: Sequence[Target]) -> list[tuple[Target, str]]:
    ids = dict(
        ManagedDevice.objects.filter(pk__in=[target.row_id for target in targets]).values_list(
            "pk", "apple_id"
        )
    )
    return [(target, ids[target.row_id]) for target in targets if target.row_id in ids]


def _store_page(run: SyncRun, lease: Lease, page: Page[MdmDevice], seen: Seen) -> None:
    ids = {record.serial_number: record.id for record in page.records if isinstance(record, MdmDevice)}
    with transaction.atomic():
        found = AppleDevice.objects.filter(
            connection=run.connection_id,
            serial_number__in=list(ids),
            device__isnull=False,
            gone_since__isnull=True,
        ).values_list("pk", "serial_number", "managed__apple_id", "managed__enrolled")
        rows = list(found)
        differing = [
            {"row_id": pk, "apple_id": ids[serial], "enrolled": True}
            for pk, serial, apple_id, enrolled in rows
            if not enrolled or apple_id != ids[serial]
        ]
        write_rows(ManagedDevice, differing, unique=("row",), update=("apple_id", "enrolled"))
        lease.renew()
    seen.add(pk for pk, *_others in rows)


def _mark_left(run: SyncRun, lease: Lease, seen: Seen) -> None:
    """Devices that the complete list did not have are no longer asked for."""
    enrolled = ManagedDevice.objects.filter(row__connection=run.connection_id, enrolled=True)
    last = 0
    while ids := list(enrolled.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:LISTED]):
        last = ids[-1]
        if left := [pk for pk in ids if pk not in seen]:
            with transaction.atomic():
                ManagedDevice.objects.filter(pk__in=left).update(enrolled=False)
                lease.renew()


def _store(run: SyncRun, lease: Lease, told: Sequence[Told]) -> None:
    with transaction.atomic():
        known = ManagedDevice.objects.in_bulk([answer.target.row_id for answer in told])
        answered = [answer for answer in told if not answer.failure and answer.target.row_id in known]
        rows = [_written(known[answer.target.row_id], answer.details, answer.at) for answer in answered]
        write_rows(ManagedDevice, rows, unique=("row",), update=UPDATED)
        notes = [note for answer in told if (note := _note_of(run, answer))]
        RunNote.objects.bulk_create(notes)
        lease.renew(problems=F("problems") + len(notes))


def _written(known: ManagedDevice, details: MdmDeviceDetails | None, at: datetime) -> dict[str, Any]:
    """The row as it is to stand. A value that is missing this time does not blank the one that is known."""
    row = {"row_id": known.pk, "apple_id": known.apple_id, "enrolled": known.enrolled, "asked_at": at}
    if details is None:
        return row | {name: getattr(known, name) for name in UPDATED if name != "asked_at"}
    return row | {
        "os_version": (details.os_version or known.os_version)[:LONGEST_VERSION],
        "last_check_in_at": details.last_check_in_at or known.last_check_in_at,
        "told_at": at if details.os_version or not known.os_version else known.told_at,
    }


def _note_of(run: SyncRun, answer: Told) -> RunNote | None:
    note = RunNote(run=run, serial_number=answer.target.serial_number, device_id=answer.target.device_id)
    if answer.failure:
        note.kind, note.text = RunNote.Kind.DETAILS_FAILED, answer.failure
        return note
    if answer.details and answer.details.problems:
        note.kind, note.text = RunNote.Kind.ODD_VALUE, " ".join(answer.details.problems)
        return note
    return None


def _note_granted(run: SyncRun) -> None:
    refused = Connection.objects.filter(pk=run.connection_id, details_refused_since__isnull=False)
    refused.update(details_refused_since=None)


def _note_refused(run: SyncRun, lease: Lease, error: AppleError) -> None:
    """Say it once: an account without this right, or without the service, is nothing to be told of every night."""
    with transaction.atomic():
        fresh = Connection.objects.filter(pk=run.connection_id, details_refused_since__isnull=True)
        if fresh.update(details_refused_since=timezone.now()):
            text = _("Built-in device management is not available to this account (%(status)s).") % {
                "status": error.status
            }
            _note(run, lease, text)


def _note_broken_off(run: SyncRun, lease: Lease, reason: str) -> None:
    with transaction.atomic():
        text = _("Asking built-in device management for OS versions broke off: %(reason)s") % {
            "reason": reason
        }
        _note(run, lease, text)


def _note(run: SyncRun, lease: Lease, text: str) -> None:
    RunNote.objects.create(run=run, kind=RunNote.Kind.DETAILS_FAILED, text=text)
    lease.renew(problems=F("problems") + 1)
