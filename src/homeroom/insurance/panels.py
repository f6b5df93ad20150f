"""What the device profile says about coverage."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from homeroom.accounts.policy import Permission, Viewer
from homeroom.insurance.models import CoverageCheck, CoverageSummary, InsuranceRecord
from homeroom.insurance.queries import record_status, today
from homeroom.insurance.rules import CoverageState, Summary, coverage_state
from homeroom.inventory.models import Device


@dataclass(frozen=True, slots=True)
class Coverage:
    """The state of one kind of cover, with the dates that people ask for."""

    state: CoverageState
    until: date | None
    plan: str
    upcoming_from: date | None
    last_checked: datetime | None
    failure: str


def coverage_of(device: Device) -> tuple[Coverage, Coverage]:
    """AppleCare and limited warranty, of one device. Two queries."""
    summary = CoverageSummary.objects.filter(pk=device.pk).first() or CoverageSummary(device_id=device.pk)
    check = CoverageCheck.objects.filter(pk=device.pk).first()
    return _coverage("applecare", summary, check), _coverage("warranty", summary, check)


def coverage_panel(viewer: Viewer, device: Device) -> dict[str, Any]:
    applecare, warranty = coverage_of(device)
    records = InsuranceRecord.objects.filter(device=device).annotate(status=record_status(today()))
    return {
        "applecare": applecare,
        "warranty": warranty,
        "records": records,
        "may_edit": viewer.may(Permission.EDIT_INSURANCE),
    }


def _coverage(kind: str, stored: CoverageSummary, check: CoverageCheck | None) -> Coverage:
    summary = Summary(
        getattr(stored, f"{kind}_from"),
        getattr(stored, f"{kind}_until"),
        getattr(stored, f"{kind}_next_from"),
        getattr(stored, f"{kind}_plan", ""),
    )
    failure = check.failure if check else ""
    succeeded_at = check.succeeded_at if check else None
    state = coverage_state(summary, checked=succeeded_at is not None, failed=bool(failure), today=today())
    return Coverage(state, summary.covered_until, summary.plan, summary.next_from, succeeded_at, failure)
