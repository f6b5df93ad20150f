"""Which new device replaces which device at Apple. Pure: no database, no clock.

    decisions = decide(situation)

A pairing is certain, and then applied by itself, or a person is asked. Every pairing says what speaks for and against
it; every repair and candidate without one says why.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from homeroom.applesync.replacements.assignment import best_assignment
from homeroom.applesync.replacements.certainty import Surroundings, named_pairs
from homeroom.applesync.replacements.evidence import Evidence, Kind, Never
from homeroom.applesync.replacements.facts import Candidate, Repair, Serial, Situation
from homeroom.applesync.replacements.weighing import ABOUT_THEN, LONGEST_REPAIR, Scales, Weighed

MOST_SUGGESTIONS = 5
"""For one candidate. A person who knows better can choose any other."""
MOST_OTHERS = 10
"""How many others an evidence names."""


class Unpaired(StrEnum):
    """Why a repair or a candidate has no pairing."""

    NOTHING_CAME = "nothing_came"
    """No device of the family has appeared since it was shipped; nothing of the family was away when it appeared."""
    NOTHING_FITS = "nothing_fits"
    FITS_ANOTHER_BETTER = "fits_another_better"


@dataclass(frozen=True, slots=True)
class Pairing:
    """A candidate that may replace the device of an incident; rank 0 is the best for the candidate."""

    incident: int
    original: Serial
    replacement: Serial
    certain: bool
    rank: int
    weight: float
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Decisions:
    pairings: tuple[Pairing, ...]
    """Certain ones first, then the best of each candidate, then what else may be; the weightiest first."""
    repairs: Mapping[int, Unpaired]
    """Those that stay without a replacement for now, by the incident's number."""
    candidates: Mapping[Serial, Unpaired]
    weighed: int
    """How many pairs were looked at."""

    @property
    def certain(self) -> tuple[Pairing, ...]:
        return tuple(each for each in self.pairings if each.certain)

    @property
    def to_review(self) -> tuple[Pairing, ...]:
        return tuple(each for each in self.pairings if not each.certain)


def decide(situation: Situation) -> Decisions:
    scales = Scales(situation)
    weighed, looked_at = _weigh_all(situation, scales)
    certain = named_pairs(weighed)
    undecided = _without(weighed, certain)
    rest = _situation_without(situation, certain)
    surroundings = Surroundings(rest, scales, undecided)
    only = [each for each in undecided if surroundings.is_only_one(each)]
    open_pairs = _without(undecided, only)
    chosen = best_assignment(open_pairs)
    pairings = [
        *(_pairing(each, certain=True) for each in certain),
        *(_pairing(each, Evidence(Kind.ONLY_ONE), certain=True) for each in only),
        *_suggestions(open_pairs, chosen, surroundings),
    ]
    pairings.sort(key=_order)
    settled = [*certain, *only, *chosen]
    return Decisions(
        pairings=tuple(pairings),
        repairs=_unpaired_repairs(situation, weighed, settled, looked_at),
        candidates=_unpaired_candidates(situation, weighed, pairings, looked_at),
        weighed=scales.weighed,
    )


class _Shelf:
    """Candidates by family, in the order in which they appeared."""

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        shelves: defaultdict[str, list[Candidate]] = defaultdict(list)
        self._named: defaultdict[str, list[Candidate]] = defaultdict(list)
        for each in candidates:
            shelves[each.unit.family.casefold()].append(each)
            for name in {each.order_number, each.replaces or ""} - {""}:
                self._named[name].append(each)
        self._shelves = {family: sorted(each, key=_appeared) for family, each in shelves.items()}
        self._times = {
            family: [each.appeared_at for each in shelf] for family, shelf in self._shelves.items()
        }

    def for_repair(self, repair: Repair) -> Iterator[Candidate]:
        """Those that may be weighed against it; the others are of another family or came at another time."""
        spans = [(repair.shipped_at, repair.shipped_at + LONGEST_REPAIR)]
        if left := repair.leaving:
            spans.append((left.after - ABOUT_THEN, left.by + ABOUT_THEN))
        found = {each.unit.serial: each for span in spans for each in self._between(repair, *span)}
        for name in (repair.repair_number, repair.unit.serial):
            found.update((each.unit.serial, each) for each in self._named.get(name, ()))
        yield from found.values()

    def _between(self, repair: Repair, first: datetime, last: datetime) -> Iterator[Candidate]:
        family = repair.unit.family.casefold()
        for shelf in {family, ""} & self._shelves.keys() if family else self._shelves:
            times = self._times[shelf]
            yield from self._shelves[shelf][bisect_left(times, first) : bisect_right(times, last)]


def _weigh_all(situation: Situation, scales: Scales) -> tuple[list[Weighed], Counter[object]]:
    """The pairs that may be, and how many of the time and family each side was held against."""
    shelf = _Shelf(situation.candidates)
    weighed: list[Weighed] = []
    looked_at: Counter[object] = Counter()
    for repair in sorted(situation.repairs, key=lambda each: each.incident):
        for candidate in shelf.for_repair(repair):
            outcome = scales.weigh(candidate, repair)
            if isinstance(outcome, Weighed):
                weighed.append(outcome)
            if outcome not in {Never.OTHER_FAMILY, Never.THE_SAME_DEVICE}:
                looked_at[repair.incident] += 1
                looked_at[candidate.unit.serial] += 1
    return sorted(weighed, key=_weightiest), looked_at


def _suggestions(
    pairs: Iterable[Weighed], chosen: Iterable[Weighed], surroundings: Surroundings
) -> Iterator[Pairing]:
    """The pairings of the whole assignment, and of the others those that weigh most for both sides."""
    best = {id(each) for each in chosen}
    by_candidate: defaultdict[Serial, list[Weighed]] = defaultdict(list)
    by_repair: defaultdict[int, list[Weighed]] = defaultdict(list)
    for each in sorted(pairs, key=lambda each: (id(each) not in best, _weightiest(each))):
        by_candidate[each.candidate.unit.serial].append(each)
        by_repair[each.repair.incident].append(each)
    shown = {id(each) for of_repair in by_repair.values() for each in of_repair[:MOST_SUGGESTIONS]}
    for of_candidate in by_candidate.values():
        rank = 0
        for each in of_candidate[:MOST_SUGGESTIONS]:
            if id(each) not in shown:
                continue
            rank = 0 if id(each) in best else rank + 1
            rivals = surroundings.rivals(each) if rank == 0 else {}
            asks = _asks(each, of_candidate, by_repair[each.repair.incident], rivals)
            yield _pairing(each, *asks, certain=False, rank=rank)


def _asks(
    pair: Weighed,
    of_candidate: Sequence[Weighed],
    of_repair: Sequence[Weighed],
    rivals: Mapping[Kind, Sequence[str]],
) -> Iterator[Evidence]:
    """What else either side could belong to: why a person is asked."""
    weightiest: dict[Kind, list[str]] = {
        Kind.OTHER_CANDIDATES: [each.candidate.unit.serial for each in of_repair if each is not pair],
        Kind.OTHER_REPAIRS: [str(each.repair.incident) for each in of_candidate if each is not pair],
        Kind.OTHERS_THAT_LEFT: [],
    }
    for kind, named in weightiest.items():
        if others := tuple(dict.fromkeys([*named, *sorted(rivals.get(kind, []))]))[:MOST_OTHERS]:
            yield Evidence(kind, others=others)


def _pairing(pair: Weighed, *more: Evidence, certain: bool, rank: int = 0) -> Pairing:
    return Pairing(
        incident=pair.repair.incident,
        original=pair.repair.unit.serial,
        replacement=pair.candidate.unit.serial,
        certain=certain,
        rank=rank,
        weight=pair.weight,
        evidence=(*pair.evidence, *more),
    )


def _unpaired_repairs(
    situation: Situation, weighed: Sequence[Weighed], settled: Sequence[Weighed], looked_at: Counter[object]
) -> dict[int, Unpaired]:
    paired = {each.repair.incident for each in settled}
    fitting = {each.repair.incident for each in weighed}
    numbers = sorted(each.incident for each in situation.repairs)
    return {each: _why(each, fitting, looked_at) for each in numbers if each not in paired}


def _unpaired_candidates(
    situation: Situation, weighed: Sequence[Weighed], pairings: Sequence[Pairing], looked_at: Counter[object]
) -> dict[Serial, Unpaired]:
    paired = {each.replacement for each in pairings}
    fitting = {each.candidate.unit.serial for each in weighed}
    serials = sorted(each.unit.serial for each in situation.candidates)
    return {each: _why(each, fitting, looked_at) for each in serials if each not in paired}


def _why(one: object, fitting: set[int] | set[Serial], looked_at: Counter[object]) -> Unpaired:
    if one in fitting:
        return Unpaired.FITS_ANOTHER_BETTER
    return Unpaired.NOTHING_FITS if looked_at[one] else Unpaired.NOTHING_CAME


def _without(weighed: Iterable[Weighed], settled: Iterable[Weighed]) -> list[Weighed]:
    """The pairs that neither side of a settled one is in."""
    pairs = list(settled)
    candidates = {each.candidate.unit.serial for each in pairs}
    repairs = {each.repair.incident for each in pairs}
    return [
        each
        for each in weighed
        if each.candidate.unit.serial not in candidates and each.repair.incident not in repairs
    ]


def _situation_without(situation: Situation, settled: Iterable[Weighed]) -> Situation:
    pairs = list(settled)
    candidates = {each.candidate.unit.serial for each in pairs}
    repairs = {each.repair.incident for each in pairs}
    return Situation(
        candidates=tuple(each for each in situation.candidates if each.unit.serial not in candidates),
        repairs=tuple(each for each in situation.repairs if each.incident not in repairs),
        strays=situation.strays,
        refused=situation.refused,
    )


def _appeared(candidate: Candidate) -> tuple[datetime, Serial]:
    return candidate.appeared_at, candidate.unit.serial


def _weightiest(pair: Weighed) -> tuple[float, datetime, int, datetime, Serial]:
    return (
        -pair.weight,
        pair.repair.shipped_at,
        pair.repair.incident,
        pair.candidate.appeared_at,
        pair.candidate.unit.serial,
    )


def _order(pairing: Pairing) -> tuple[bool, bool, float, Serial, int]:
    return not pairing.certain, pairing.rank > 0, -pairing.weight, pairing.replacement, pairing.rank
