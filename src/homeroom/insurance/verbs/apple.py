"""Apple's answers become insurance records. Nothing else writes synced records."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.db import transaction

from homeroom.insurance.models import CoverageCheck, InsuranceRecord, Kind, Source, sync_writes_insurance
from homeroom.insurance.rules import (
    AppleCoverage,
    CoverageAnswer,
    FailedCheck,
    StoredCoverage,
    plan_coverage_changes,
)
from homeroom.insurance.verbs.summaries import Periods, write_summaries

PROVIDER = "Apple"
UPDATED = (
    "plan",
    "kind",
    "starts",
    "ends",
    "cancelled_on",
    "agreement_number",
    "apple_status",
    "apple_payment_type",
    "apple_renewable",
    "apple_attributes",
    "missing_since",
    "ended_on",
)


@dataclass(frozen=True, slots=True)
class CoverageChanges:
    """How many records a batch created, changed, and ended because Apple dropped them."""

    created: int = 0
    updated: int = 0
    ended: int = 0


@transaction.atomic
def apply_apple_coverage(answers: Sequence[CoverageAnswer], *, today: date) -> CoverageChanges:
    """Bring the synced records of these devices in line with Apple's answers, in a handful of statements.

    Writes the check of each device, and otherwise only what changed. The run that asks keeps the account of it,
    so there is no audit entry here.
    """
    if not answers:
        return CoverageChanges()
    stored, others = _stored([answer.device_id for answer in answers])
    created: list[InsuranceRecord] = []
    updated: list[InsuranceRecord] = []
    ended = 0
    for answer in answers:
        plan = plan_coverage_changes(stored[answer.device_id], answer, today)
        created += [_record(answer.device_id, after) for after in plan.created]
        updated += [_record(answer.device_id, after) for after in plan.updated]
        ended += plan.ended
    with sync_writes_insurance():
        InsuranceRecord.objects.bulk_create(created)
        InsuranceRecord.objects.bulk_create(
            updated, update_conflicts=True, unique_fields=["device", "apple_id"], update_fields=list(UPDATED)
        )
    _refresh(stored, others, created + updated, today)
    _write_checks(
        [
            CoverageCheck(
                device_id=answer.device_id, attempted_at=answer.checked_at, succeeded_at=answer.checked_at
            )
            for answer in answers
        ],
        ["attempted_at", "succeeded_at", "failure"],
    )
    return CoverageChanges(len(created), len(updated) - ended, ended)


@transaction.atomic
def record_failed_checks(failures: Sequence[FailedCheck]) -> None:
    """Note that Apple could not be asked. What is known of the coverage stays; nothing known stays unknown."""
    _write_checks(
        [
            CoverageCheck(
                device_id=failure.device_id, attempted_at=failure.attempted_at, failure=failure.failure[:300]
            )
            for failure in failures
        ],
        ["attempted_at", "failure"],
    )


def _write_checks(checks: Sequence[CoverageCheck], fields: list[str]) -> None:
    CoverageCheck.objects.bulk_create(
        checks, update_conflicts=True, unique_fields=["device"], update_fields=fields
    )


def _refresh(
    stored: Mapping[int, Mapping[str, StoredCoverage]],
    others: Sequence[InsuranceRecord],
    written: Sequence[InsuranceRecord],
    today: date,
) -> None:
    """Renew the summaries of the devices written to, from what is in memory already."""
    device_ids = {record.device_id for record in written}
    replaced = {(record.device_id, record.apple_id) for record in written}
    periods = Periods()
    for record in (*others, *written):
        periods.add(record)
    for device_id in device_ids:
        for apple_id, standing in stored[device_id].items():
            if (device_id, apple_id) not in replaced:
                periods.add(_record(device_id, standing))
    write_summaries(device_ids, periods, today=today)


def _stored(
    device_ids: Sequence[int],
) -> tuple[dict[int, dict[str, StoredCoverage]], list[InsuranceRecord]]:
    """The synced records of these devices as facts, and their manual ones."""
    stored: dict[int, dict[str, StoredCoverage]] = defaultdict(dict)
    others: list[InsuranceRecord] = []
    for record in InsuranceRecord.objects.order_by().filter(device__in=device_ids):
        if record.is_synced:
            stored[record.device_id][record.apple_id or ""] = StoredCoverage(
                _coverage(record), record.missing_since, record.ended_on
            )
        else:
            others.append(record)
    return stored, others


def _coverage(record: InsuranceRecord) -> AppleCoverage:
    return AppleCoverage(
        apple_id=record.apple_id or "",
        plan=record.plan,
        kind=Kind(record.kind),
        starts=record.starts,
        ends=record.ends,
        cancelled_on=record.cancelled_on,
        agreement_number=record.agreement_number,
        status=record.apple_status,
        payment_type=record.apple_payment_type,
        renewable=record.apple_renewable,
        attributes=record.apple_attributes or {},
    )


def _record(device_id: int, after: StoredCoverage) -> InsuranceRecord:
    coverage = after.coverage
    return InsuranceRecord(
        device_id=device_id,
        provider=PROVIDER,
        source=Source.APPLECARE_SYNC,
        apple_id=coverage.apple_id,
        plan=coverage.plan,
        kind=coverage.kind,
        starts=coverage.starts,
        ends=coverage.ends,
        cancelled_on=coverage.cancelled_on,
        agreement_number=coverage.agreement_number,
        apple_status=coverage.status,
        apple_payment_type=coverage.payment_type,
        apple_renewable=coverage.renewable,
        apple_attributes=coverage.attributes or None,
        missing_since=after.missing_since,
        ended_on=after.ended_on,
    )
