"""A preview keeps what Apple said and tells what it would change; a later run takes it from there."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from appleschool import AppleCareCoverage, OrgDevice, Page, UnreadableRecord
from appleschool.reading import read_coverage, read_org_device
from homeroom.applesync.models import (
    AppleDevice,
    Connection,
    RunChange,
    StagedAnswer,
    StagedDevice,
    SyncRun,
)
from homeroom.applesync.pipeline import changes, coverage, listing, matching, queue, replacing
from homeroom.applesync.pipeline.asking import PAGE, Spent
from homeroom.applesync.pipeline.coverage import Answer
from homeroom.applesync.pipeline.lease import Lease
from homeroom.applesync.pipeline.listing import ComparedPage
from homeroom.applesync.pipeline.missing import Departure, planned_departures, still_there
from homeroom.applesync.pipeline.queue import Target
from homeroom.applesync.pipeline.seen import Seen
from homeroom.applesync.pipeline.tasks import InDatabase
from homeroom.applesync.pipeline.writing import Applying
from homeroom.insurance import verbs as insurance
from homeroom.insurance.models import CoverageCheck
from homeroom.rows import write_rows

CHUNK = 1000


class Previewing:
    """Into the stage, where nobody but a later run looks; what it would change into the run's change set."""

    starts_while_listing = False

    def __init__(self, run: SyncRun, lease: Lease, today: date) -> None:
        self._run = run
        self._lease = lease
        self._today = today
        self._misfits: set[int] = set()

    def begin(self) -> None:
        misfits = list(matching.misfits().values_list("pk", "serial_number", "device_id"))
        self._misfits = {pk for pk, _serial, _device in misfits}
        if self._run.listed:
            return
        entries = [
            changes.of_device(RunChange.Action.UNLINKED, serial, device) for _pk, serial, device in misfits
        ]
        with transaction.atomic():
            self._run.changes.all().delete()
            changes.write(self._run, entries, state=RunChange.State.PLANNED)
            self._lease.renew(unlinked=len(entries))

    def page(self, page: Page[OrgDevice], seen: Seen) -> None:
        with transaction.atomic():
            compared = _not_staged_yet(self._run, listing.compare(self._run, page, misfits=self._misfits))
            ours = matching.owned(self._run.connection, compared.claims)
            write_rows(StagedDevice, _staged_rows(self._run, compared, ours.devices))
            entries = [
                *listing.changed_entries(compared),
                *listing.created_entries(compared, ours.devices),
                *listing.linked_entries(compared, ours.devices),
            ]
            changes.write(self._run, entries, state=RunChange.State.PLANNED)
            seen.add(row.pk for row in compared.stored.values())
            listing.checkpoint(self._run, self._lease, page, compared, seen, linked=len(ours.devices))

    def restart_list(self) -> None:
        with transaction.atomic():
            self._run.staged_devices.all().delete()
            self._run.changes.filter(noun=RunChange.Noun.APPLE_DEVICE).exclude(
                action=RunChange.Action.UNLINKED
            ).delete()
            listing.restart(self._lease)
            self._lease.renew(created=0, updated=0, linked=0)

    def count(self) -> None:
        self._lease.renew(
            matched=self._run.staged_devices.filter(device__isnull=False).count(),
            gone=planned_departures(self._run).count(),
            coverage_due=self._due() if self._run.connection.sync_coverage else 0,
        )

    def _due(self) -> int:
        """How many coverages this preview asks for in all; the queue counts those it has asked for as well."""
        return queue.count(self._run, self._today) + _newly_matched(self._run).count()

    def targets(self) -> Iterator[Sequence[Target]]:
        """Those that are due today, then those that would be matched only by applying the preview."""
        for chunk in queue.chunks(self._run, self._today):
            yield self._unanswered(still_there(self._run, chunk))
        newly = _newly_matched(self._run).values_list("pk", "serial_number", "device_id").order_by("pk")
        last = 0
        while found := list(newly.filter(pk__gt=last)[:CHUNK]):
            last = found[-1][0]
            yield self._unanswered([Target(*row) for row in found])

    def _unanswered(self, targets: Sequence[Target]) -> Sequence[Target]:
        ids = [target.device_id for target in targets]
        staged = self._run.staged_answers.filter(device__in=ids)
        answered = set(staged.values_list("device_id", flat=True))
        return [target for target in targets if target.device_id not in answered]

    def answers(self, answers: Sequence[Answer]) -> None:
        with transaction.atomic():
            answers = coverage.of_devices_still_there(answers)
            judged = coverage.judge(self._run, answers)
            found = insurance.plan_apple_coverage(judged.good, today=self._today)
            write_rows(
                StagedAnswer,
                (_staged_answer(self._run, answer) for answer in answers),
                unique=("run", "device"),
                update=("at", "coverages", "failure"),
            )
            coverage.checkpoint(self._run, self._lease, answers, judged, found, ended=found.ended)

    def replacements(self, not_told: Sequence[str]) -> None:
        replacing.preview(self._run, self._lease, not_told)


class Recorded:
    """What Apple said in a preview, answering a run that applies it."""

    concurrency = 1
    spent = Spent()
    rate = None

    def __init__(self, preview: SyncRun, in_database: InDatabase) -> None:
        self._preview = preview
        self._in_database = in_database
        self._answers: dict[int, StagedAnswer] = {}

    async def pages(self, cursor: str | None) -> AsyncIterator[Page[OrgDevice]]:
        while True:
            page: Page[OrgDevice] = await self._in_database(_recorded_page, self._preview, int(cursor or 0))
            yield page
            if (cursor := page.next_cursor) is None:
                return

    async def departure(self, serial_number: str) -> Departure | None:
        departure: Departure | None = await self._in_database(
            _recorded_departure, self._preview, serial_number
        )
        return departure

    def targets(self) -> Iterator[Sequence[Target]]:
        """Those that the preview asked about and that nobody has asked about since; their answers are at hand."""
        last = 0
        while chunk := list(self.left().filter(pk__gt=last).order_by("pk")[:CHUNK]):
            last = chunk[-1].pk
            self._answers |= {staged.device_id: staged for staged in chunk}
            yield [Target(staged.pk, staged.serial_number, staged.device_id) for staged in chunk]

    def left(self) -> QuerySet[StagedAnswer]:
        newer = CoverageCheck.objects.filter(device=OuterRef("device"), attempted_at__gte=OuterRef("at"))
        return self._preview.staged_answers.filter(~Exists(newer))

    async def coverage(self, target: Target) -> Answer:
        staged = self._answers.pop(target.device_id)
        coverages = (
            None if staged.coverages is None else [read_coverage(raw, "$") for raw in staged.coverages]
        )
        return Answer(target, staged.at, coverages, staged.failure)


class Replaying(Applying):
    """Where a sync writes; but whose coverage is asked for is what the preview asked for."""

    starts_while_listing = False

    def __init__(self, run: SyncRun, lease: Lease, today: date, recorded: Recorded) -> None:
        super().__init__(run, lease, today)
        self._recorded = recorded

    def targets(self) -> Iterator[Sequence[Target]]:
        return self._recorded.targets()

    def left(self) -> int:
        return self._recorded.left().count()


def discard_stage(connection: Connection, *, keep: SyncRun | None = None) -> None:
    """Drop what earlier previews kept, in portions that hold up nobody."""
    for model in (StagedDevice, StagedAnswer):
        old = model.objects.filter(run__connection=connection).exclude(run=keep)
        while ids := list(old.values_list("pk", flat=True)[:CHUNK]):
            model.objects.filter(pk__in=ids).delete()


def _not_staged_yet(run: SyncRun, compared: ComparedPage) -> ComparedPage:
    """Apple's list may tell a device twice while it changes; the first time counts."""
    staged = set(
        run.staged_devices.filter(serial_number__in=list(compared.records)).values_list(
            "serial_number", flat=True
        )
    )
    if not staged:
        return compared
    return ComparedPage(
        {serial: record for serial, record in compared.records.items() if serial not in staged},
        {serial: row for serial, row in compared.stored.items() if serial not in staged},
        [record for record in compared.created if record.serial_number not in staged],
        [record for record in compared.changed if record.serial_number not in staged],
    )


def _staged_rows(
    run: SyncRun, compared: ComparedPage, devices: Mapping[str, int]
) -> Iterator[dict[str, Any]]:
    linked = {serial: row.device_id for serial, row in compared.stored.items()} | dict(devices)
    differing = {record.serial_number for record in (*compared.created, *compared.changed)}
    for serial, record in compared.records.items():
        yield {
            "run_id": run.pk,
            "serial_number": serial,
            "device_id": linked.get(serial),
            "attributes": record.attributes if serial in differing else None,
        }


def _staged_answer(run: SyncRun, answer: Answer) -> dict[str, Any]:
    return {
        "run_id": run.pk,
        "device_id": answer.target.device_id,
        "serial_number": answer.target.serial_number,
        "at": answer.at,
        "coverages": None if answer.coverages is None else list(map(_raw, answer.coverages)),
        "failure": answer.failure,
    }


def _raw(record: AppleCareCoverage | UnreadableRecord) -> Any:
    if isinstance(record, UnreadableRecord):
        return record.raw
    return {"id": record.id, "attributes": record.attributes}


def _newly_matched(run: SyncRun) -> QuerySet[StagedDevice]:
    """Devices that applying the preview would match, so that the queue can't know them."""
    linked = AppleDevice.objects.filter(connection=run.connection_id, device=OuterRef("device"))
    return run.staged_devices.filter(~Exists(linked), device__isnull=False)


def _recorded_page(preview: SyncRun, after: int) -> Page[OrgDevice]:
    rows = list(
        preview.staged_devices.filter(pk__gt=after)
        .order_by("pk")
        .values_list("pk", "serial_number", "attributes")[:PAGE]
    )
    unchanged = [serial for _pk, serial, attributes in rows if attributes is None]
    mirrored = dict(
        AppleDevice.objects.filter(connection=preview.connection_id, serial_number__in=unchanged).values_list(
            "serial_number", "attributes"
        )
    )
    records = [
        read_org_device({"id": serial, "attributes": mirrored.get(serial, {}) if told is None else told})
        for _pk, serial, told in rows
    ]
    return Page(records, str(rows[-1][0]) if len(rows) == PAGE else None)


def _recorded_departure(preview: SyncRun, serial_number: str) -> Departure | None:
    entry = planned_departures(preview).filter(serial_number=serial_number).first()
    if entry is None:
        return None
    released = (entry.after or {}).get("released_at")
    return Departure(datetime.fromisoformat(released) if released else None)
