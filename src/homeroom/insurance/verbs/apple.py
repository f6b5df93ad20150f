"""Apple's answers become insurance records. Nothing else writes synced records."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

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
from homeroom.inventory.models import Device
from homeroom.rows import write_rows

Coverages = Mapping[int, Mapping[str, StoredCoverage]]
"""By device, then by Apple's id."""

Row = dict[str, Any]
"""Values by attribute name, as `write_rows` takes them."""

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
    so there is no audit entry here. A device that was deleted since it was asked for is passed over.
    """
    there = _there({answer.device_id for answer in answers})
    in_order = sorted(
        (answer for answer in answers if answer.device_id in there), key=lambda answer: answer.checked_at
    )
    before, others = _stored(there)
    now = {device_id: dict(coverages) for device_id, coverages in before.items()}
    for answer in in_order:
        plan = plan_coverage_changes(now[answer.device_id], answer, today)
        for after in (*plan.created, *plan.updated):
            now[answer.device_id][after.coverage.apple_id] = after
    changes, written = _compare(before, now)
    with sync_writes_insurance():
        InsuranceRecord.objects.write_synced(written, update=UPDATED)
    _refresh(now, others, {row["device_id"] for row in written}, today)
    _write_checks(
        [
            {
                "device_id": answer.device_id,
                "attempted_at": answer.checked_at,
                "succeeded_at": answer.checked_at,
            }
            for answer in in_order
        ],
        ("attempted_at", "succeeded_at", "failure"),
    )
    return changes


@transaction.atomic
def record_failed_checks(failures: Sequence[FailedCheck]) -> None:
    """Note that Apple could not be asked. What is known of the coverage stays; nothing known stays unknown."""
    there = _there({failure.device_id for failure in failures})
    _write_checks(
        [
            {
                "device_id": failure.device_id,
                "attempted_at": failure.attempted_at,
                "failure": failure.failure[:300],
            }
            for failure in failures
            if failure.device_id in there
        ],
        ("attempted_at", "failure"),
    )


def _there(device_ids: Collection[int]) -> set[int]:
    return set(Device.objects.order_by().filter(pk__in=device_ids).values_list("pk", flat=True))


def _write_checks(checks: Sequence[Row], fields: Collection[str]) -> None:
    """The last check of each device counts."""
    write_rows(CoverageCheck, checks, unique=("device",), update=fields)


def _compare(before: Coverages, now: Coverages) -> tuple[CoverageChanges, list[Row]]:
    """What differs, and the rows to write for it."""
    written: list[Row] = []
    created = updated = ended = 0
    for device_id, coverages in now.items():
        for apple_id, after in coverages.items():
            stood = before[device_id].get(apple_id)
            if stood == after:
                continue
            written.append(_row(device_id, after))
            if stood is None:
                created += 1
            elif after.missing_since is not None and after.ended_on != stood.ended_on:
                ended += 1
            else:
                updated += 1
    return CoverageChanges(created, updated, ended), written


def _refresh(
    now: Coverages, others: Sequence[InsuranceRecord], device_ids: Collection[int], today: date
) -> None:
    """Renew the summaries of the devices written to, from what is in memory already."""
    periods = Periods()
    for record in others:
        periods.add_record(record)
    for device_id in device_ids:
        for standing in now[device_id].values():
            periods.add(device_id, standing.coverage.kind, standing.days)
    write_summaries(device_ids, periods, today=today)


def _stored(device_ids: Collection[int]) -> tuple[Coverages, list[InsuranceRecord]]:
    """The synced records of these devices as facts, and their manual ones."""
    stored: dict[int, dict[str, StoredCoverage]] = {device_id: {} for device_id in device_ids}
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


def _row(device_id: int, after: StoredCoverage) -> Row:
    coverage = after.coverage
    return {
        "device_id": device_id,
        "provider": PROVIDER,
        "source": Source.APPLECARE_SYNC.value,
        "apple_id": coverage.apple_id,
        "plan": coverage.plan,
        "kind": coverage.kind.value,
        "starts": coverage.starts,
        "ends": coverage.ends,
        "cancelled_on": coverage.cancelled_on,
        "agreement_number": coverage.agreement_number,
        "apple_status": coverage.status,
        "apple_payment_type": coverage.payment_type,
        "apple_renewable": coverage.renewable,
        "apple_attributes": coverage.attributes or None,
        "missing_since": after.missing_since,
        "ended_on": after.ended_on,
    }
