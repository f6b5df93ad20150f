"""What Apple's answers mean for the insurance records of a device. Pure: no database, no clock.

Dates are calendar dates and the end is included. "Today" is the district's.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from homeroom.insurance.models import Kind

MISSING_FOR = timedelta(hours=20)
DAY = timedelta(days=1)
INACTIVE = "INACTIVE"
MILESTONES = (90, 60, 30, 7)
"""Days before the end of AppleCare at which it is told, and looked at again."""


class CoverageState(StrEnum):
    """The AppleCare coverage of a device. A failed or missing look-up is never `none`."""

    COVERED = "covered"
    ENDED = "ended"
    NONE = "none"
    UNKNOWN = "unknown"


class FollowUpState(StrEnum):
    """How a device stands whose AppleCare ends: what a person decided about that end, or that it waits for one."""

    WAITING = "waiting"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    WILL_NOT_RENEW = "will_not_renew"


@dataclass(frozen=True, slots=True)
class AppleCoverage:
    """One coverage as Apple told it (apple-api.md section 5)."""

    apple_id: str
    plan: str
    kind: Kind
    starts: date | None
    ends: date | None
    cancelled_on: date | None
    agreement_number: str
    status: str
    payment_type: str
    renewable: bool | None
    attributes: dict[str, Any] = field(hash=False)
    """What Apple said beyond the fields above."""


@dataclass(frozen=True, slots=True)
class CoverageAnswer:
    """All that Apple said of one device's coverage at one time."""

    device_id: int
    checked_at: datetime
    coverages: tuple[AppleCoverage, ...]


@dataclass(frozen=True, slots=True)
class FailedCheck:
    device_id: int
    attempted_at: datetime
    failure: str


@dataclass(frozen=True, slots=True)
class StoredCoverage:
    """A synced record as it stands: what Apple said last, and what we noticed since."""

    coverage: AppleCoverage
    missing_since: datetime | None = None
    ended_on: date | None = None

    @property
    def days(self) -> "Period | None":
        """The days on which it really covers; None if there is none."""
        told = self.coverage
        return period(
            starts=told.starts,
            ends=told.ends,
            cancelled_on=told.cancelled_on,
            ended_on=self.ended_on,
            plan=told.plan,
        )


@dataclass(frozen=True, slots=True)
class CoveragePlan:
    """The records as they stand after an answer, of those that it changes."""

    created: tuple[StoredCoverage, ...] = ()
    updated: tuple[StoredCoverage, ...] = ()


def plan_coverage_changes(
    stored: Mapping[str, StoredCoverage], answer: CoverageAnswer, today: date
) -> CoveragePlan:
    """Compare an answer with the device's synced records (by Apple's id); only what differs is in the plan."""
    told = _one_per_id(answer.coverages)
    created, updated = [], []
    for apple_id, coverage in told.items():
        before = stored.get(apple_id)
        after = _told_again(before, coverage, today)
        if before is None:
            created.append(after)
        elif after != before:
            updated.append(after)
    for apple_id, before in stored.items():
        if apple_id in told:
            continue
        after = _missing(before, answer.checked_at, today)
        if after != before:
            updated.append(after)
    return CoveragePlan(tuple(created), tuple(updated))


def _one_per_id(coverages: Iterable[AppleCoverage]) -> dict[str, AppleCoverage]:
    """Apple's ids are not promised to be unique: the one that lasts longest stands for an id.

    Whatever order Apple tells them in, it is the same one, so that records don't change from night to night.
    """
    told: dict[str, AppleCoverage] = {}
    for coverage in coverages:
        known = told.get(coverage.apple_id)
        if known is None or _lasting(coverage) > _lasting(known):
            told[coverage.apple_id] = coverage
    return told


def _lasting(coverage: AppleCoverage) -> tuple[date, date, str]:
    return coverage.ends or date.max, coverage.starts or date.min, repr(coverage)


def _told_again(before: StoredCoverage | None, coverage: AppleCoverage, today: date) -> StoredCoverage:
    if not _is_stopped(coverage, today):
        return StoredCoverage(coverage)
    if before and before.ended_on and _were_inactive(before.ended_on, before.coverage, coverage):
        return StoredCoverage(coverage, ended_on=before.ended_on)
    within = _is_inactive_within_its_dates(coverage, today)
    return StoredCoverage(coverage, ended_on=today if within else None)


def _is_stopped(coverage: AppleCoverage, today: date) -> bool:
    """Inactive after its start, and not by being cancelled. After its end that is normal too."""
    begun = coverage.starts is None or coverage.starts <= today
    cancelled = coverage.cancelled_on is not None and coverage.cancelled_on <= today
    return coverage.status == INACTIVE and begun and not cancelled


def _is_inactive_within_its_dates(coverage: AppleCoverage, day: date) -> bool:
    return _is_stopped(coverage, day) and (coverage.ends is None or day <= coverage.ends)


def _were_inactive(day: date, *coverages: AppleCoverage) -> bool:
    """Whether what Apple told first and what it tells now both put the end on that day."""
    return all(_is_inactive_within_its_dates(coverage, day) for coverage in coverages)


def _missing(before: StoredCoverage, checked_at: datetime, today: date) -> StoredCoverage:
    """Apple's silence must be heard twice, at least 20 hours apart, before a coverage counts as ended."""
    if before.missing_since is None:
        return replace(before, missing_since=checked_at)
    if before.ended_on is None and checked_at - before.missing_since >= MISSING_FOR:
        return replace(before, ended_on=today)
    return before


@dataclass(frozen=True, slots=True)
class Period:
    """Days of cover. No start: since ever; no end: open-ended."""

    starts: date | None
    ends: date | None
    plan: str = ""

    @property
    def first(self) -> date:
        return self.starts or date.min

    @property
    def last(self) -> date:
        return self.ends or date.max


def period(
    *, starts: date | None, ends: date | None, cancelled_on: date | None, ended_on: date | None, plan: str
) -> Period | None:
    """The days on which a record really covers; None if there is none."""
    lasts = [ends, cancelled_on and cancelled_on - DAY, ended_on and ended_on - DAY]
    last = min((day for day in lasts if day is not None), default=None)
    covered = Period(starts, last, plan)
    return covered if covered.first <= covered.last else None


@dataclass(frozen=True, slots=True)
class Summary:
    """The gap-free run of covered days that holds today, else the last one before it; and the start of the next."""

    covered_from: date | None = None
    covered_until: date | None = None
    next_from: date | None = None
    plan: str = ""


def summarise(periods: Sequence[Period], today: date) -> Summary:
    """A run without a start begins on `date.min`, so that None always means that there is no run."""
    runs = _runs(periods)
    begun = [run for run in runs if run.first <= today]
    coming = next((run.first for run in runs if run.first > today), None)
    if not begun:
        return Summary(next_from=coming)
    now = begun[-1]
    return Summary(now.first, now.ends, coming, _plan_of(periods, now, today))


def _runs(periods: Sequence[Period]) -> list[Period]:
    runs: list[Period] = []
    for one in sorted(periods, key=lambda one: (one.first, one.last)):
        if runs and (runs[-1].last == date.max or one.first <= runs[-1].last + DAY):
            if one.last > runs[-1].last:
                runs[-1] = replace(runs[-1], ends=one.ends)
        else:
            runs.append(one)
    return runs


def _plan_of(periods: Sequence[Period], run: Period, today: date) -> str:
    """The plan that lasts longest among those that cover today, else among those of the run that have begun."""
    inside = [
        one for one in periods if one.first <= today and run.first <= one.first and one.last <= run.last
    ]
    current = [one for one in inside if one.last >= today] or inside
    return max(current, key=lambda one: (one.last, one.first, one.plan)).plan


def coverage_state(summary: Summary, *, checked: bool, failed: bool, today: date) -> CoverageState:
    """`checked`: Apple was asked with success at least once; `failed`: the last attempt failed."""
    if summary.next_from is not None and summary.next_from <= today:
        return CoverageState.COVERED
    if summary.covered_from is not None and summary.covered_from <= today:
        covered = summary.covered_until is None or today <= summary.covered_until
        return CoverageState.COVERED if covered else CoverageState.ENDED
    return CoverageState.NONE if checked and not failed else CoverageState.UNKNOWN


def next_milestone(ends: date, today: date) -> date | None:
    """The day on which cover that ends then comes to its next milestone; None: it has come to the last one."""
    days = (ends - today).days
    return next((ends - timedelta(days=milestone) for milestone in MILESTONES if milestone < days), None)
