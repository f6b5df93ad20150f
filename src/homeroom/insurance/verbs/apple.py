"""Apple's answers become insurance records. Nothing else writes synced records."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction

from homeroom.insurance.columns import COLUMNS, Columns, columns_of, standing
from homeroom.insurance.models import CoverageCheck, InsuranceRecord, Source, sync_writes_insurance
from homeroom.insurance.rules import CoverageAnswer, FailedCheck, StoredCoverage, plan_coverage_changes
from homeroom.insurance.verbs.summaries import Periods, write_summaries
from homeroom.rows import write_rows

Coverages = Mapping[int, Mapping[str, StoredCoverage]]
"""By device, then by Apple's id."""

PROVIDER = "Apple"


@dataclass(frozen=True, slots=True)
class RecordChange:
    """One synced record before and after an answer; without `before` it is new."""

    device_id: int
    apple_id: str
    before: Columns | None
    after: Columns

    @property
    def ends(self) -> bool:
        """Whether a record that stood is now counted as ended, because Apple dropped or stopped it."""
        return self.before is not None and self.after["ended_on"] not in {None, self.before["ended_on"]}


@dataclass(frozen=True, slots=True)
class CoverageChanges:
    """What answers change, record by record."""

    changes: tuple[RecordChange, ...] = ()

    @property
    def created(self) -> int:
        return sum(change.before is None for change in self.changes)

    @property
    def updated(self) -> int:
        return len(self.changes) - self.created - self.ended

    @property
    def ended(self) -> int:
        return sum(change.ends for change in self.changes)


def plan_apple_coverage(answers: Sequence[CoverageAnswer], *, today: date) -> CoverageChanges:
    """What these answers would change; nothing is written."""
    return _Comparison(answers, today).changes


@transaction.atomic
def apply_apple_coverage(
    answers: Sequence[CoverageAnswer], *, today: date, ending: bool = True
) -> CoverageChanges:
    """Bring the synced records of these devices in line with Apple's answers, in a handful of statements.

    Writes the check of each device, and otherwise only what changed. Changes that end a record are returned but
    not written with `ending` false. The run that asks keeps the account of it, so there is no audit entry here. The
    devices exist, and the caller's transaction sees to it that they stay.
    """
    comparison = _Comparison(answers, today)
    written = [change for change in comparison.changes.changes if ending or not change.ends]
    with sync_writes_insurance():
        InsuranceRecord.objects.write_synced(map(_row, written), update=COLUMNS)
    comparison.refresh_summaries(written)
    _write_checks(
        [
            {
                "device_id": answer.device_id,
                "attempted_at": answer.checked_at,
                "succeeded_at": answer.checked_at,
            }
            for answer in comparison.answers
        ],
        ("attempted_at", "succeeded_at", "failure"),
    )
    return comparison.changes


@transaction.atomic
def record_failed_checks(failures: Sequence[FailedCheck]) -> None:
    """Note that Apple could not be asked. What is known of the coverage stays; nothing known stays unknown.

    As for answers, the devices exist and stay.
    """
    _write_checks(
        [
            {
                "device_id": failure.device_id,
                "attempted_at": failure.attempted_at,
                "failure": failure.failure[:300],
            }
            for failure in failures
        ],
        ("attempted_at", "failure"),
    )


def _write_checks(checks: Sequence[Mapping[str, Any]], fields: Collection[str]) -> None:
    """The last check of each device counts."""
    write_rows(CoverageCheck, checks, unique=("device",), update=fields)


class _Comparison:
    """Answers beside the records that stand."""

    def __init__(self, answers: Sequence[CoverageAnswer], today: date) -> None:
        self._today = today
        self.answers = sorted(answers, key=lambda answer: answer.checked_at)
        self._before, self._others = _stored({answer.device_id for answer in answers})
        self._now = {device_id: dict(coverages) for device_id, coverages in self._before.items()}
        self.changes = CoverageChanges(tuple(self._compare()))

    def _compare(self) -> Iterator[RecordChange]:
        for answer in self.answers:
            plan = plan_coverage_changes(self._now[answer.device_id], answer, self._today)
            for after in (*plan.created, *plan.updated):
                self._now[answer.device_id][after.coverage.apple_id] = after
        for device_id, coverages in self._now.items():
            for apple_id, after in coverages.items():
                stood = self._before[device_id].get(apple_id)
                if stood != after:
                    before = columns_of(stood) if stood else None
                    yield RecordChange(device_id, apple_id, before, columns_of(after))

    def refresh_summaries(self, written: Sequence[RecordChange]) -> None:
        """Renew the summaries of the devices written to, from what is in memory already."""
        now = {change.device_id: dict(self._before[change.device_id]) for change in written}
        for change in written:
            now[change.device_id][change.apple_id] = self._now[change.device_id][change.apple_id]
        periods = Periods()
        for record in self._others:
            periods.add_record(record)
        for device_id, coverages in now.items():
            for stands in coverages.values():
                periods.add(device_id, stands.coverage.kind, stands.days)
        write_summaries(now, periods, today=self._today)


def _stored(device_ids: Collection[int]) -> tuple[Coverages, list[InsuranceRecord]]:
    """The synced records of these devices as facts, and their manual ones."""
    stored: dict[int, dict[str, StoredCoverage]] = {device_id: {} for device_id in device_ids}
    others: list[InsuranceRecord] = []
    for record in InsuranceRecord.objects.order_by().filter(device__in=device_ids):
        if record.is_synced:
            apple_id = record.apple_id or ""
            stored[record.device_id][apple_id] = standing(
                apple_id, {name: getattr(record, name) for name in COLUMNS}
            )
        else:
            others.append(record)
    return stored, others


def _row(change: RecordChange) -> dict[str, Any]:
    return {
        "device_id": change.device_id,
        "provider": PROVIDER,
        "source": Source.APPLECARE_SYNC.value,
        "apple_id": change.apple_id,
        **change.after,
    }
