"""Keeping what the records of a device come to, in step with the records."""

from collections import defaultdict
from collections.abc import Collection
from datetime import date
from typing import Any

from django.db import transaction

from homeroom.insurance.models import CoverageSummary, InsuranceRecord, Kind
from homeroom.insurance.rules import Period, Summary, period, summarise
from homeroom.rows import write_rows

SUMMARISED = (Kind.APPLECARE, Kind.LIMITED_WARRANTY)
FIELDS = (
    "applecare_from",
    "applecare_until",
    "applecare_next_from",
    "applecare_plan",
    "warranty_from",
    "warranty_until",
    "warranty_next_from",
)
EMPTY = {name: getattr(CoverageSummary(), name) for name in FIELDS}


@transaction.atomic
def refresh_summaries(device_ids: Collection[int], *, today: date) -> None:
    """Make the summaries of these devices anew from their records; only those that differ are written."""
    records = InsuranceRecord.objects.order_by().filter(device__in=device_ids, kind__in=SUMMARISED)
    periods = Periods()
    for record in records:
        periods.add_record(record)
    write_summaries(device_ids, periods, today=today)


class Periods:
    """The covered days of devices, by the kind of cover."""

    def __init__(self) -> None:
        self._of: dict[tuple[int, str], list[Period]] = defaultdict(list)

    def add(self, device_id: int, kind: str, days: Period | None) -> None:
        if days is not None and kind in SUMMARISED:
            self._of[device_id, kind].append(days)

    def add_record(self, record: InsuranceRecord) -> None:
        days = period(
            starts=record.starts,
            ends=record.ends,
            cancelled_on=record.cancelled_on,
            ended_on=record.ended_on,
            plan=record.plan,
        )
        self.add(record.device_id, record.kind, days)

    def summary(self, device_id: int, kind: Kind, today: date) -> Summary:
        return summarise(self._of.get((device_id, kind), ()), today)


def write_summaries(device_ids: Collection[int], periods: Periods, *, today: date) -> None:
    """Write the summaries of these devices that differ from what stands."""
    stored = {
        row["device_id"]: row
        for row in CoverageSummary.objects.filter(pk__in=list(device_ids)).values("device_id", *FIELDS)
    }
    changed = []
    for device_id in device_ids:
        after = _row(
            device_id,
            periods.summary(device_id, Kind.APPLECARE, today),
            periods.summary(device_id, Kind.LIMITED_WARRANTY, today),
        )
        if after != stored.get(device_id, EMPTY | {"device_id": device_id}):
            changed.append(after)
    write_rows(CoverageSummary, changed, unique=("device",), update=FIELDS)


def refresh_due_summaries(*, today: date) -> int:
    """Move on the summaries whose next period has begun; how many there were."""
    due = CoverageSummary.objects.filter(applecare_next_from__lte=today) | CoverageSummary.objects.filter(
        warranty_next_from__lte=today
    )
    moved = 0
    while device_ids := list(due.values_list("pk", flat=True)[:1000]):
        refresh_summaries(device_ids, today=today)
        moved += len(device_ids)
    return moved


def _row(device_id: int, applecare: Summary, warranty: Summary) -> dict[str, Any]:
    return {
        "device_id": device_id,
        "applecare_from": applecare.covered_from,
        "applecare_until": applecare.covered_until,
        "applecare_next_from": applecare.next_from,
        "applecare_plan": applecare.plan,
        "warranty_from": warranty.covered_from,
        "warranty_until": warranty.covered_until,
        "warranty_next_from": warranty.next_from,
    }
