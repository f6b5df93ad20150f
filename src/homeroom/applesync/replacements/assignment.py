"""The whole assignment that fits best, where several pairings fit."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from homeroom.applesync.replacements.facts import Candidate, Repair
from homeroom.applesync.replacements.weighing import LEAST, Weighed

IN_TURN = 1e-6
"""So little that it decides only between pairings that weigh the same: first come, first served."""
_NOT_YET = datetime.max.replace(tzinfo=UTC)


def best_assignment(weighed: Iterable[Weighed]) -> list[Weighed]:
    """Each candidate and each repair at most once, and the heaviest together."""
    return [chosen for group in _groups(weighed) for chosen in _best_of_group(group)]


def _groups(weighed: Iterable[Weighed]) -> list[list[Weighed]]:
    """What has neither a candidate nor a repair in common is decided apart."""
    parents: dict[object, object] = {}

    def root(one: object) -> object:
        while (parent := parents.setdefault(one, one)) != one:
            parents[one] = one = parents[parent]
        return one

    edges = list(weighed)
    for each in edges:
        parents[root(each.repair.incident)] = root(each.candidate.unit.serial)
    groups: defaultdict[object, list[Weighed]] = defaultdict(list)
    for each in edges:
        groups[root(each.repair.incident)].append(each)
    return list(groups.values())


def _best_of_group(group: Sequence[Weighed]) -> list[Weighed]:
    if len(group) == 1:
        return list(group)
    import lap
    import numpy as np

    needed = _needed(group)
    repairs = sorted({each.repair.incident: each.repair for each in needed}.values(), key=_turn_of_repair)
    candidates = sorted(
        {each.candidate.unit.serial: each.candidate for each in needed}.values(), key=_turn_of_candidate
    )
    rows = {repair.incident: place for place, repair in enumerate(repairs)}
    columns = {candidate.unit.serial: place for place, candidate in enumerate(candidates)}
    costs = np.zeros((len(rows), len(columns)))  # Nothing is gained by what may not be paired.
    edges: dict[tuple[int, int], Weighed] = {}
    for each in needed:
        place = rows[each.repair.incident], columns[each.candidate.unit.serial]
        edges[place] = each
        costs[place] = LEAST - 1 - each.weight + IN_TURN * (place[0] - place[1]) ** 2
    _cost, chosen, _rows = lap.lapjv(costs, extend_cost=True)
    places = ((row, int(column)) for row, column in enumerate(chosen))
    return [edges[place] for place in places if place in edges]


def _needed(group: Sequence[Weighed]) -> list[Weighed]:
    """What can be in the best assignment: of n that are to be paired, each needs its n weightiest others at most.

    The solver would otherwise spend its time on thousands of candidates that weigh the same.
    """
    repairs = len({each.repair.incident for each in group})
    candidates = len({each.candidate.unit.serial for each in group})
    most, fewer_repairs = min(repairs, candidates), repairs <= candidates
    counted: Counter[object] = Counter()
    needed = []
    for each in sorted(group, key=lambda each: -each.weight):
        side = each.repair.incident if fewer_repairs else each.candidate.unit.serial
        counted[side] += 1
        if counted[side] <= most:
            needed.append(each)
    return needed


def _turn_of_repair(repair: Repair) -> tuple[datetime, datetime, int]:
    return repair.leaving.by if repair.leaving else _NOT_YET, repair.shipped_at, repair.incident


def _turn_of_candidate(candidate: Candidate) -> tuple[datetime, str]:
    return candidate.appeared_at, candidate.unit.serial
