"""Coverage as the sync brings it, for tests that need some to be there."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from homeroom.insurance.models import InsuranceRecord, Kind
from homeroom.insurance.queries import today
from homeroom.insurance.rules import AppleCoverage, CoverageAnswer
from homeroom.insurance.verbs import apply_apple_coverage
from homeroom.inventory.models import Device


def apple_coverage(apple_id: str = "9700012345678", **values: Any) -> AppleCoverage:
    defaults: dict[str, Any] = {
        "apple_id": apple_id,
        "plan": "AppleCare+",
        "kind": Kind.APPLECARE,
        "starts": today() - timedelta(days=100),
        "ends": today() + timedelta(days=265),
        "cancelled_on": None,
        "agreement_number": apple_id,
        "status": "ACTIVE",
        "payment_type": "PAID_UP_FRONT",
        "renewable": False,
        "attributes": {},
    }
    return AppleCoverage(**defaults | values)


def answered(
    device: Device, *coverages: AppleCoverage, at: datetime | None = None, day: date | None = None
) -> None:
    """Apple answers with these coverages, and nothing else, for the device."""
    answer = CoverageAnswer(device.pk, at or datetime.now(UTC), coverages)
    apply_apple_coverage([answer], today=day or today())


def make_synced_record(device: Device, **values: Any) -> InsuranceRecord:
    coverage = apple_coverage(**values)
    answered(device, coverage)
    return InsuranceRecord.objects.get(device=device, apple_id=coverage.apple_id)
