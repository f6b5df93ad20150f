"""How a large district's numbers are kept: tallies for the cuts that people ask for, each cell one tally."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from homeroom.reports.statistics.tally import (
    DeviceGroup,
    IncidentGroup,
    Key,
    Tally,
    Values,
    counts_of_incidents,
    first_day,
    keys_of_devices,
)

CUTS: tuple[frozenset[str], ...] = (
    frozenset(),
    frozenset({"site_id"}),
    frozenset({"product_family", "model", "funding_source"}),
    frozenset({"site_id", "product_family", "model"}),
    frozenset({"site_id", "funding_source"}),
    frozenset({"site_id", "product_family"}),
    frozenset({"funding_source"}),
    frozenset({"product_family"}),
)
"""What is told apart in the cells of each cut. Their order is stored: add to the end."""
SUMS = {0: 4, 1: 4, 5: 3, 6: 4, 7: 2}
"""Cuts whose cells are sums of a finer cut's."""
FINEST = [cut for cut in range(len(CUTS)) if cut not in SUMS]
LIVE_UP_TO = 5_000
"""A district of so many devices is counted while the page is made, and keeps no rollup."""
SHORTEST_REST = timedelta(seconds=10)
REST_FOR_SECOND = 10
"""Counting takes a tenth of the time at most, of one of the worker's threads."""
LONGEST_REST = timedelta(hours=1)
GIVEN_UP_AFTER = timedelta(minutes=10)
OUTDATED_AFTER = timedelta(hours=2)

Cell = tuple[int, Values]


@dataclass(frozen=True, slots=True)
class LastCount:
    day: date | None
    counted_at: datetime | None
    seconds: float
    mark: str


def is_due(last: LastCount, *, now: datetime, day: date, mark: str) -> bool:
    """Whether to count again: on another day, when something changed and some rest is over, or after long."""
    if last.counted_at is None or last.day != day:
        return True
    age = now - last.counted_at
    if age >= LONGEST_REST:
        return True
    return mark != last.mark and age >= max(SHORTEST_REST, timedelta(seconds=last.seconds * REST_FOR_SECOND))


def is_good(last: LastCount, *, now: datetime, day: date) -> bool:
    """Whether its numbers may be shown: of this day, and of a worker that is alive."""
    return last.counted_at is not None and last.day == day and now - last.counted_at < OUTDATED_AFTER


def cut_for(names: Iterable[str]) -> int | None:
    """The number of the cut with the fewest cells that tells these apart; None if no cut does."""
    wanted = frozenset(names)
    fitting = [number for number, cut in enumerate(CUTS) if wanted <= cut]
    return min(fitting, key=lambda number: (len(CUTS[number]), number), default=None)


def cells(
    devices: Iterable[DeviceGroup], incidents: Iterable[IncidentGroup], today: date
) -> Mapping[Cell, Tally]:
    """The cells of every cut. Memory grows with their number, not with the groups'."""
    finest: dict[Cell, dict[Key, int]] = {}
    for group in devices:
        keys, number = keys_of_devices(group, today), group.devices
        for counted in _of_finest(finest, group.of):
            for key in keys:
                counted[key] += number
    since = first_day(today)
    for repairs in incidents:
        for counted in _of_finest(finest, repairs.of):
            for key, number in counts_of_incidents(repairs, since):
                counted[key] += number
    return _with_coarser(finest)


def _of_finest(finest: dict[Cell, dict[Key, int]], of: Values) -> Iterator[dict[Key, int]]:
    for cut in FINEST:
        cell = (cut, only(of, CUTS[cut]))
        if (counted := finest.get(cell)) is None:
            counted = finest[cell] = defaultdict(int)
        yield counted


def _with_coarser(finest: Mapping[Cell, Mapping[Key, int]]) -> Mapping[Cell, Tally]:
    """The cells of the other cuts are sums of those."""
    found: dict[Cell, Tally] = defaultdict(Counter)
    for (cut, of), counted in finest.items():
        found[cut, of].update(counted)
        for coarser, source in SUMS.items():
            if source == cut:
                found[coarser, only(of, CUTS[coarser])].update(counted)
    return found


def only(of: Values, names: frozenset[str]) -> Values:
    """Of these values, only those of the names."""
    return of._replace(**{name: None for name in Values._fields if name not in names})
