"""Ending synced records as planned, and taking it back: for the runs that planned it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction

from homeroom.insurance.columns import COLUMNS
from homeroom.insurance.models import InsuranceRecord, Source, sync_writes_insurance
from homeroom.insurance.verbs.summaries import refresh_summaries
from homeroom.inventory.verbs.devices import lock_devices

FIELDS = {field.name: field for field in InsuranceRecord._meta.concrete_fields if field.name in COLUMNS}


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Values for a synced record, given only while it still stands as expected. Both may come from JSON."""

    device_id: int
    apple_id: str
    expected: Mapping[str, Any]
    values: Mapping[str, Any]


@transaction.atomic
def rewrite_synced_records(rewrites: Sequence[Rewrite], *, today: date) -> list[bool]:
    """Write each record that still stands as expected, in a handful of statements; which ones were written."""
    records = _records(rewrites)
    written: list[InsuranceRecord] = []
    outcome: list[bool] = []
    for rewrite in rewrites:
        record = records.get((rewrite.device_id, rewrite.apple_id))
        stands = record is not None and _stands(record, rewrite.expected)
        if record is not None and stands:
            for name, value in rewrite.values.items():
                setattr(record, name, _typed(name, value))
            written.append(record)
        outcome.append(stands)
    if written:
        with sync_writes_insurance():
            InsuranceRecord.objects.bulk_update(written, COLUMNS, batch_size=500)
        refresh_summaries({record.device_id for record in written}, today=today)
    return outcome


def _records(rewrites: Sequence[Rewrite]) -> dict[tuple[int, str], InsuranceRecord]:
    devices = {rewrite.device_id for rewrite in rewrites}
    lock_devices(devices)
    found = InsuranceRecord.objects.order_by().filter(source=Source.APPLECARE_SYNC, device__in=devices)
    return {(record.device_id, record.apple_id or ""): record for record in found}


def _stands(record: InsuranceRecord, expected: Mapping[str, Any]) -> bool:
    return all(getattr(record, name) == _typed(name, value) for name, value in expected.items())


def _typed(name: str, value: Any) -> Any:
    return FIELDS[name].to_python(value)
