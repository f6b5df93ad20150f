"""Counting devices and incidents by what the statistics tell apart.

A tally is a flat count by key; the keys of one device are everything that a statistic says of it. Tallies of
disjoint sets of devices add up, which is what a rollup lives on.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from homeroom.incidents.models import Incident
from homeroom.insurance.rules import CoverageState
from homeroom.inventory.queries import CURRENT_KINDS

WINDOWS = (30, 60, 90)
"""Days ahead that *expiring soon* looks."""
MONTHS_BACK = 12
"""Months of repairs and incidents, the current one included."""
NOT_REPAIRS = frozenset({Incident.Kind.LOST, Incident.Kind.STOLEN})
REPLACED, SAME_UNIT = "replaced", "same-unit"


class Part(StrEnum):
    """What a number is about. All but STATUS, and those of incidents, count current devices only."""

    STATUS = "status"
    MAKE = "make"
    FAMILY = "family"
    FUNDING = "funding"
    MODEL = "model"
    STORAGE = "storage"
    COVERAGE = "coverage"
    WARRANTY = "warranty"
    EXPIRING = "expiring"
    ENDS = "ends"
    """By month and family, of covered devices; the month is empty where no end is known."""
    REPAIRS = "repairs"
    """By month of closing, and whether another unit came back."""
    REPAIR_DAYS = "repair-days"
    """The days that those repairs took, added up."""
    AT_APPLE = "at-apple"
    INCIDENTS = "incidents"
    """By model."""


Key = tuple[str, str, str]
Tally = Counter[Key]
Stored = list[list[str | int]]


class Values(NamedTuple):
    """By what statistics can be filtered. Of a device, all are told; as a choice, None leaves one open."""

    site_id: int | None = None
    product_family: str | None = None
    model: str | None = None
    funding_source: str | None = None


class DeviceGroup(NamedTuple):
    """So many devices that are alike in all that is counted."""

    of: Values
    status_kind: str
    other_make: bool
    storage: int | None
    coverage: str
    warranty: str
    ends: date | None
    devices: int


class IncidentGroup(NamedTuple):
    """So many incidents that are alike in all that is counted. `closed_on` is the district's day."""

    of: Values
    kind: str
    outcome: str
    opened_lately: bool
    at_apple: bool
    shipped_on: date | None
    closed_on: date | None
    incidents: int


def first_day(today: date) -> date:
    """From when on repairs and incidents are counted."""
    months = today.year * 12 + today.month - MONTHS_BACK
    return date(months // 12, months % 12 + 1, 1)


def keys_of_devices(group: DeviceGroup, today: date) -> list[Key]:
    """The keys under which each device of the group counts once."""
    keys: list[Key] = [(Part.STATUS, group.status_kind, "")]
    if group.status_kind not in CURRENT_KINDS:
        return keys
    of = group.of
    family = of.product_family or ""
    keys += (
        (Part.MAKE, "other" if group.other_make else "apple", ""),
        (Part.FAMILY, family, ""),
        (Part.FUNDING, of.funding_source or "", ""),
        (Part.MODEL, of.model or "", ""),
    )
    if group.other_make:
        return keys
    keys += (
        (Part.STORAGE, "" if group.storage is None else str(group.storage), ""),
        (Part.COVERAGE, group.coverage, ""),
        (Part.WARRANTY, group.warranty, ""),
    )
    if group.coverage == CoverageState.COVERED:
        keys += _keys_of_end(group.ends, family, today)
    return keys


@lru_cache(maxsize=20_000)
def _keys_of_end(ends: date | None, family: str, today: date) -> list[Key]:
    """Kept, since the days of a district's purchases come again and again."""
    if ends is None:
        return [(Part.ENDS, "", family)]
    within = [days for days in WINDOWS if ends <= today + timedelta(days=days)]
    return [(Part.ENDS, f"{ends:%Y-%m}", family), *((Part.EXPIRING, str(days), "") for days in within)]


def counts_of_incidents(group: IncidentGroup, since: date) -> Iterator[tuple[Key, int]]:
    if group.at_apple:
        yield (Part.AT_APPLE, "", ""), group.incidents
    if group.opened_lately and group.kind not in NOT_REPAIRS:
        yield (Part.INCIDENTS, group.of.model or "", ""), group.incidents
    if group.shipped_on and group.closed_on and group.closed_on >= since:
        month = f"{group.closed_on:%Y-%m}"
        result = REPLACED if group.outcome == Incident.Outcome.REPLACED else SAME_UNIT
        days = max(0, (group.closed_on - group.shipped_on).days)
        yield (Part.REPAIRS, month, result), group.incidents
        yield (Part.REPAIR_DAYS, month, result), group.incidents * days


def tally(devices: Iterable[DeviceGroup], incidents: Iterable[IncidentGroup], today: date) -> Tally:
    counted: Tally = Counter()
    for group in devices:
        for key in keys_of_devices(group, today):
            counted[key] += group.devices
    since = first_day(today)
    for repairs in incidents:
        for key, number in counts_of_incidents(repairs, since):
            counted[key] += number
    return counted


def stored(counted: Mapping[Key, int]) -> Stored:
    """A tally as a rollup keeps it, always in the same order."""
    return [[*key, number] for key, number in sorted(counted.items())]


def restored(numbers: Sequence[Sequence[str | int]]) -> Tally:
    return Counter({(str(part), str(one), str(other)): int(number) for part, one, other, number in numbers})
