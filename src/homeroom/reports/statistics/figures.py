"""The numbers of the statistics, as every way out of them has: page, command line and API."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from homeroom.insurance.rules import CoverageState
from homeroom.inventory.models import DeviceStatus
from homeroom.inventory.queries import CURRENT_KINDS
from homeroom.reports.statistics.tally import (
    MONTHS_BACK,
    REPLACED,
    SAME_UNIT,
    WINDOWS,
    Part,
    Tally,
    first_day,
)

MONTHS_AHEAD = 24


@dataclass(frozen=True, slots=True)
class Prices:
    """What the district said: when its school year starts, and what a renewal costs by family ("" for any other)."""

    school_year_starts: int
    renewal_costs: Mapping[str, Decimal]

    def of(self, product_family: str) -> Decimal | None:
        return self.renewal_costs.get(product_family, self.renewal_costs.get(""))


@dataclass(frozen=True, slots=True)
class Ending:
    """Covered devices whose AppleCare ends in these days. `cost` is of those whose renewal has a price."""

    first: date
    last: date
    devices: int
    cost: Decimal
    without_price: int


@dataclass(frozen=True, slots=True)
class ModelCount:
    model: str
    devices: int
    incidents: int

    @property
    def per_hundred(self) -> float | None:
        return round(100 * self.incidents / self.devices, 1) if self.devices else None


@dataclass(frozen=True, slots=True)
class Repairs:
    """Repairs at Apple that ended in a month, by whether the same unit came back."""

    month: date
    same_unit: int
    same_unit_days: int
    replaced: int
    replaced_days: int

    @property
    def repairs(self) -> int:
        return self.same_unit + self.replaced

    @property
    def days(self) -> float | None:
        return _average(self.same_unit_days + self.replaced_days, self.repairs)

    @property
    def days_of_same_unit(self) -> float | None:
        return _average(self.same_unit_days, self.same_unit)

    @property
    def days_of_replaced(self) -> float | None:
        return _average(self.replaced_days, self.replaced)


@dataclass(frozen=True, slots=True)
class Statistics:
    """`counted_at` is None where they were counted for this answer."""

    day: date
    counted_at: datetime | None
    statuses: Mapping[DeviceStatus.Kind, int]
    apple: int
    other_make: int
    coverage: Mapping[CoverageState, int]
    warranty: Mapping[CoverageState, int]
    expiring: Mapping[int, int]
    """Within so many days."""
    months: tuple[Ending, ...]
    school_years: tuple[Ending, ...]
    later: Ending | None
    """What ends after the months."""
    without_end: int
    models: tuple[ModelCount, ...]
    """Those with most devices first."""
    storage: Mapping[int | None, int]
    repairs: tuple[Repairs, ...]
    at_apple: int

    @property
    def total(self) -> int:
        return sum(self.statuses.values())

    @property
    def current(self) -> int:
        return sum(self.statuses[kind] for kind in CURRENT_KINDS)

    @property
    def lost_or_retired(self) -> int:
        return self.total - self.current

    @property
    def since(self) -> date:
        """From when on repairs and incidents are counted."""
        return first_day(self.day)


def statistics(counted: Tally, *, day: date, counted_at: datetime | None, prices: Prices) -> Statistics:
    def numbers(part: Part) -> Counter[str]:
        return Counter({one: number for (of, one, _), number in counted.items() if of == part})

    ends = _ends(counted)
    coverage, warranty, status = numbers(Part.COVERAGE), numbers(Part.WARRANTY), numbers(Part.STATUS)
    months = tuple(
        _ending(month, next_month(month) - timedelta(days=1), ends, prices)
        for month in _months(day, MONTHS_AHEAD)
    )
    return Statistics(
        day=day,
        counted_at=counted_at,
        statuses={kind: status[kind] for kind in DeviceStatus.Kind},
        apple=counted[Part.MAKE, "apple", ""],
        other_make=counted[Part.MAKE, "other", ""],
        coverage={state: coverage[state] for state in CoverageState},
        warranty={state: warranty[state] for state in CoverageState},
        expiring={days: counted[Part.EXPIRING, str(days), ""] for days in WINDOWS},
        months=months,
        school_years=tuple(_school_years(ends, prices)),
        later=_later(months[-1].last, ends, prices),
        without_end=sum(
            number for (part, month, _), number in counted.items() if part == Part.ENDS and not month
        ),
        models=_models(numbers(Part.MODEL), numbers(Part.INCIDENTS)),
        storage=_storage(numbers(Part.STORAGE)),
        repairs=tuple(_repairs(counted, month) for month in _months(first_day(day), MONTHS_BACK)),
        at_apple=counted[Part.AT_APPLE, "", ""],
    )


Ends = Mapping[date, Mapping[str, int]]
"""Covered devices by the first day of the month in which their AppleCare ends, and family."""


def _ends(counted: Tally) -> Ends:
    ends: dict[date, dict[str, int]] = defaultdict(dict)
    for (part, month, family), number in counted.items():
        if part == Part.ENDS and month and number:
            ends[date.fromisoformat(f"{month}-01")][family] = number
    return ends


def _ending(first: date, last: date, ends: Ends, prices: Prices) -> Ending:
    devices, cost, without_price = 0, Decimal(0), 0
    for month, families in ends.items():
        if not first <= month <= last:
            continue
        for family, number in families.items():
            price = prices.of(family)
            devices += number
            cost += number * (price or 0)
            without_price += number if price is None else 0
    return Ending(first, last, devices, cost, without_price)


def _later(after: date, ends: Ends, prices: Prices) -> Ending | None:
    later = [month for month in ends if month > after]
    if not later:
        return None
    return _ending(after + timedelta(days=1), next_month(max(later)) - timedelta(days=1), ends, prices)


def _school_years(ends: Ends, prices: Prices) -> Iterator[Ending]:
    """Each school year from the first to the last in which something ends."""
    starts = prices.school_year_starts
    years = [month.year - (month.month < starts) for month in ends]
    for year in range(min(years, default=0), max(years, default=-1) + 1):
        first, following = date(year, starts, 1), date(year + 1, starts, 1)
        yield _ending(first, following - timedelta(days=1), ends, prices)


def _models(devices: Counter[str], incidents: Counter[str]) -> tuple[ModelCount, ...]:
    found = [ModelCount(model, devices[model], incidents[model]) for model in devices | incidents]
    return tuple(sorted(found, key=lambda one: (-one.devices, -one.incidents, one.model)))


def _storage(devices: Counter[str]) -> Mapping[int | None, int]:
    """By bytes, the smallest first; None, for what Apple has not told, last."""
    known = sorted(int(capacity) for capacity in devices if capacity)
    storage: dict[int | None, int] = {capacity: devices[str(capacity)] for capacity in known}
    return storage | ({None: devices[""]} if devices[""] else {})


def _repairs(counted: Tally, month: date) -> Repairs:
    def of(part: Part, result: str) -> int:
        return counted[part, f"{month:%Y-%m}", result]

    return Repairs(
        month,
        of(Part.REPAIRS, SAME_UNIT),
        of(Part.REPAIR_DAYS, SAME_UNIT),
        of(Part.REPAIRS, REPLACED),
        of(Part.REPAIR_DAYS, REPLACED),
    )


def _months(day: date, number: int) -> list[date]:
    """The first days of so many months, that of the day first."""
    first = day.year * 12 + day.month - 1
    return [date(month // 12, month % 12 + 1, 1) for month in range(first, first + number)]


def next_month(month: date) -> date:
    return _months(month, 2)[1]


def _average(days: int, repairs: int) -> float | None:
    return round(days / repairs, 1) if repairs else None
