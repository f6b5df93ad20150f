"""What a run planned and has not done: what left, ends or is replaced. Applied last, behind a guard."""

from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from homeroom.applesync.models import AppleDevice, RunChange, RunNote, SyncRun
from homeroom.applesync.pipeline.lease import Lease
from homeroom.insurance.verbs import Rewrite, rewrite_synced_records

HOLD_FROM_DEVICES = 50
HOLD_ABOVE_SHARE = 0.05
CHUNK = 500

Action = RunChange.Action
State = RunChange.State


def waiting(run: SyncRun) -> QuerySet[RunChange]:
    return RunChange.objects.filter(run=run, state=State.PLANNED)


def devices_touched(run: SyncRun) -> int:
    """How many devices the plan would end, release or replace something of."""
    return waiting(run).order_by().values("serial_number").distinct().count()


def devices_known(run: SyncRun) -> int:
    return AppleDevice.objects.filter(connection=run.connection_id, gone_since__isnull=True).count()


def is_too_much(run: SyncRun) -> bool:
    """Whether a person must decide: 50 devices or more, and above 5 % of what the connection knows."""
    touched = devices_touched(run)
    return touched >= HOLD_FROM_DEVICES and touched > HOLD_ABOVE_SHARE * devices_known(run)


def apply_some(run: SyncRun, lease: Lease, today: date) -> int:
    """Apply the next entries of the plan, with the checkpoint; how many there were."""
    with transaction.atomic():
        entries = list(waiting(run).exclude(noun=RunChange.Noun.REPLACEMENT)[:CHUNK])
        gone = [entry for entry in entries if entry.action == Action.GONE]
        ended = [entry for entry in entries if entry.action == Action.ENDED]
        left = _settle(gone, _mark_gone(run, gone))
        over = _settle(ended, _end(ended, today))
        notes = RunNote.objects.bulk_create(map(_note, left))
        lease.renew(
            gone=F("gone") + len(left),
            insurance_ended=F("insurance_ended") + len(over),
            problems=F("problems") + len(notes),
        )
    return len(entries)


def _settle(entries: Sequence[RunChange], outcome: Sequence[bool]) -> list[RunChange]:
    """Say of each entry what became of it; those that were applied."""
    done = [entry for entry, applied in zip(entries, outcome, strict=True) if applied]
    ids = {entry.pk for entry in done}
    RunChange.objects.filter(pk__in=ids).update(state=State.APPLIED)
    overtaken = [entry.pk for entry in entries if entry.pk not in ids]
    RunChange.objects.filter(pk__in=overtaken).update(state=State.OVERTAKEN)
    return done


def _mark_gone(run: SyncRun, entries: Sequence[RunChange]) -> list[bool]:
    listed = AppleDevice.objects.filter(
        connection=run.connection_id,
        serial_number__in=[entry.serial_number for entry in entries],
        gone_since__isnull=True,
    )
    rows = {row.serial_number: row for row in listed}
    for entry in entries:
        if row := rows.get(entry.serial_number):
            row.gone_since = _time(entry, "gone_since")
            row.released_at = _time(entry, "released_at")
    AppleDevice.objects.bulk_update(rows.values(), ["gone_since", "released_at"])
    return [entry.serial_number in rows for entry in entries]


def _end(entries: Sequence[RunChange], today: date) -> list[bool]:
    return rewrite_synced_records(
        [
            Rewrite(entry.device_id or 0, entry.coverage_id, entry.before or {}, entry.after or {})
            for entry in entries
        ],
        today=today,
    )


def _time(entry: RunChange, name: str) -> datetime | None:
    told = (entry.after or {}).get(name)
    return datetime.fromisoformat(told) if told else None


def _note(entry: RunChange) -> RunNote:
    released = _time(entry, "released_at")
    return RunNote(
        run_id=entry.run_id,
        kind=RunNote.Kind.RELEASED if released else RunNote.Kind.GONE,
        serial_number=entry.serial_number,
        device_id=entry.device_id,
        text=_("Apple released it from the organization.")
        if released
        else _("Apple no longer knows it in this organization."),
    )
