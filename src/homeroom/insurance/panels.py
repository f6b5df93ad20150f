"""What the device profile says about coverage."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import QuerySet

from homeroom.accounts.policy import Permission, Viewer
from homeroom.insurance import queries
from homeroom.insurance.models import CoverageCheck, InsuranceRecord, Kind
from homeroom.insurance.queries import record_status, today, with_sync_mark
from homeroom.insurance.reports import FOLLOW_UP_STATES
from homeroom.insurance.rules import (
    DAY,
    MILESTONES,
    CoverageState,
    FollowUpState,
    Summary,
    coverage_state,
)
from homeroom.insurance.verbs.summaries import Periods
from homeroom.inventory.models import Device


@dataclass(frozen=True, slots=True)
class Coverage:
    """The state of one kind of cover, with the dates that people ask for."""

    state: CoverageState
    until: date | None
    plan: str
    upcoming_from: date | None
    last_checked: datetime | None
    """The last time that Apple answered."""
    last_attempt: datetime | None
    failure: str


def coverage_of(device: Device) -> tuple[Coverage, Coverage]:
    """AppleCare and limited warranty of one device, from its records themselves. Two queries."""
    return coverages_of(device, InsuranceRecord.objects.filter(device=device))


def coverages_of(device: Device, records: Iterable[InsuranceRecord]) -> tuple[Coverage, Coverage]:
    """The same, from records that were read already."""
    check = CoverageCheck.objects.filter(pk=device.pk).first()
    periods = Periods()
    for record in records:
        periods.add_record(record)
    applecare = periods.summary(device.pk, Kind.APPLECARE, today())
    warranty = periods.summary(device.pk, Kind.LIMITED_WARRANTY, today())
    return _coverage(applecare, check), _coverage(warranty, check)


@dataclass(frozen=True, slots=True)
class Ending:
    """AppleCare of one device that ends, and what was decided about it."""

    ends: date
    days: int
    state: FollowUpState
    until: date | None
    by: str
    note: str

    @property
    def label(self) -> Any:
        return dict(FOLLOW_UP_STATES)[self.state]

    @property
    def is_soon(self) -> bool:
        return self.days <= max(MILESTONES)


def ending_of(device: Device) -> Ending | None:
    """None: there is no end to decide about."""
    found: QuerySet[Any] = queries.to_be_decided(Device.objects.filter(pk=device.pk), today())
    names = ("coverage_ends", "follow_up", "follow_up_until", "decided_by", "follow_up_note")
    row = queries.with_follow_up(found, today()).values_list(*names).first()
    if row is None:
        return None
    ends, state, until, by, note = row
    return Ending(ends, (ends - today()).days, FollowUpState(state), until, by or "", note or "")


def coverage_panel(viewer: Viewer, device: Device) -> dict[str, Any]:
    found = InsuranceRecord.objects.filter(device=device).annotate(status=record_status(today()))
    records = with_sync_mark(found)
    applecare, warranty = coverages_of(device, records)
    return {
        "applecare": applecare,
        "warranty": warranty,
        "records": records,
        "ending": ending_of(device) if applecare.state == CoverageState.COVERED else None,
        "tomorrow": today() + DAY,
        "may_edit": viewer.may(Permission.EDIT_INSURANCE),
    }


def _coverage(summary: Summary, check: CoverageCheck | None) -> Coverage:
    failure = check.failure if check else ""
    succeeded_at = check.succeeded_at if check else None
    state = coverage_state(summary, checked=succeeded_at is not None, failed=bool(failure), today=today())
    return Coverage(
        state=state,
        until=summary.covered_until,
        plan=summary.plan,
        upcoming_from=summary.next_from,
        last_checked=succeeded_at,
        last_attempt=check.attempted_at if check else None,
        failure=failure,
    )
