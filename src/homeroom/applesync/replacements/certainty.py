"""Which pairings are applied without asking, and what stands in the way of the others.

A wrong guess is worse than a question: docs/decisions/certain-replacements.md says why each question is asked.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import timedelta

from homeroom.applesync.replacements.evidence import Kind, Never
from homeroom.applesync.replacements.facts import (
    Candidate,
    Fate,
    Leaving,
    Repair,
    Situation,
    Unit,
    is_repair_order,
)
from homeroom.applesync.replacements.weighing import (
    HOUR,
    MANUALLY_ADDED,
    RESELLER,
    USUAL_REPAIR,
    Scales,
    Weighed,
)

RIVALS_WITHIN = timedelta(days=21)
"""What left or appeared this near may be the other side. Wider than what speaks for a pairing: it asks more often."""
CLEARLY_NEARER = 12 * HOUR
NAMED_TWICE = frozenset({Kind.TOLD_OF_SEVERAL, Kind.NUMBER_OF_SEVERAL})
NEEDED = frozenset({Kind.SAME_MODEL, Kind.REPAIR_ORDER})
"""Without a name, these have to speak for a pairing, and that the original left about then."""


def named_pairs(weighed: Collection[Weighed]) -> list[Weighed]:
    """Told by the device management service or by an equal number: of one candidate and one repair alone."""
    named = [each for each in weighed if each.named]
    candidates = Counter(each.candidate.unit.serial for each in named)
    repairs = Counter(each.repair.incident for each in named)
    return [
        each
        for each in named
        if not each.spoken_against
        and not each.has(NAMED_TWICE)
        and candidates[each.candidate.unit.serial] == 1
        and repairs[each.repair.incident] == 1
    ]


class Surroundings:
    """What else a candidate or a repair could belong to."""

    def __init__(self, situation: Situation, scales: Scales, weighed: Iterable[Weighed]) -> None:
        self._situation = situation
        self._scales = scales
        self._named: defaultdict[object, set[tuple[int, str]]] = defaultdict(set)
        plausible = (each for each in situation.candidates if _may_be_a_replacement(each))
        self._plausible = sorted(plausible, key=lambda each: (each.appeared_at, each.unit.serial))
        self._times = [each.appeared_at for each in self._plausible]
        for each in weighed:
            if each.named:
                pair = (each.repair.incident, each.candidate.unit.serial)
                self._named[each.repair.incident].add(pair)
                self._named[each.candidate.unit.serial].add(pair)

    def is_only_one(self, pair: Weighed) -> bool:
        """Whether it is the only candidate for the only incident that fits, and came as the original left."""
        return (
            Kind.LEFT_ABOUT_THEN in pair.moments
            and pair.has_all(NEEDED)
            and not pair.spoken_against
            and not self._is_named_otherwise(pair)
            and not any(self._each_rival(pair))
        )

    def rivals(self, pair: Weighed) -> dict[Kind, list[str]]:
        """Other devices that either side could belong to, by what they are."""
        found: defaultdict[Kind, list[str]] = defaultdict(list)
        for kind, name in self._each_rival(pair):
            found[kind].append(name)
        return found

    def _each_rival(self, pair: Weighed) -> Iterator[tuple[Kind, str]]:
        for repair in self._situation.repairs:
            if repair.incident != pair.repair.incident and self._may_have_got(repair, pair):
                yield Kind.OTHER_REPAIRS, str(repair.incident)
        for stray in self._situation.strays:
            if self._is_of_the_family(stray.unit, pair) and self._left_for(stray.unit, stray.leaving, pair):
                yield Kind.OTHERS_THAT_LEFT, stray.unit.serial
        if leaving := pair.repair.leaving:
            for other in self._candidates_around(leaving):
                if other is not pair.candidate and self._could_replace(other, leaving, pair):
                    yield Kind.OTHER_CANDIDATES, other.unit.serial

    def _is_named_otherwise(self, pair: Weighed) -> bool:
        own = (pair.repair.incident, pair.candidate.unit.serial)
        return bool((self._named[own[0]] | self._named[own[1]]) - {own})

    def _may_have_got(self, other: Repair, pair: Weighed) -> bool:
        """Whether the candidate could replace another original at Apple."""
        candidate = pair.candidate
        if not self._is_of_the_family(other.unit, pair):
            return False
        never = self._scales.never(candidate, other)
        if never not in {None, Never.APPEARED_BEFORE_SHIPPED, Never.TOO_LONG_AFTER}:
            return False
        if other.leaving:  # Even before it was shipped, as told: incidents are opened late.
            return self._left_for(other.unit, other.leaving, pair)
        waited = candidate.appeared_at - other.shipped_at
        return (
            other.fate != Fate.NEVER_LISTED
            and timedelta(0) <= waited <= USUAL_REPAIR
            and (other.unit.look.may_be_like(candidate.unit.look))
        )

    def _left_for(self, unit: Unit, leaving: Leaving, pair: Weighed) -> bool:
        """Whether the candidate could replace a device that left.

        One of another kind is replaced by the candidate's kind only where Apple has none of its own to send: not where
        one of its own has come.
        """
        distance = leaving.distance(pair.candidate.appeared_at)
        if distance > RIVALS_WITHIN:
            return False
        if unit.look.may_be_like(pair.candidate.unit.look):
            return True
        came = self._candidates_around(leaving)
        if not any(each.unit.look.is_like(unit.look) for each in came if each is not pair.candidate):
            return True
        return distance + CLEARLY_NEARER < _distance(pair)

    def _could_replace(self, other: Candidate, leaving: Leaving, pair: Weighed) -> bool:
        """Whether another candidate could replace the original."""
        repair = pair.repair
        if not self._is_of_the_family(other.unit, pair):
            return False
        if self._scales.never(other, repair) not in {
            None,
            Never.APPEARED_BEFORE_SHIPPED,
            Never.TOO_LONG_AFTER,
        }:
            return False
        if other.unit.look.may_be_like(repair.unit.look):
            return True
        clearly_nearer = leaving.distance(other.appeared_at) + CLEARLY_NEARER < _distance(pair)
        return clearly_nearer and not self._is_explained(other)

    def _is_explained(self, candidate: Candidate) -> bool:
        """Whether a device of its own kind left at about the time."""
        left: list[tuple[Unit, Leaving]] = [(each.unit, each.leaving) for each in self._situation.strays]
        left += [(each.unit, each.leaving) for each in self._situation.repairs if each.leaving]
        return any(
            unit.look.is_like(candidate.unit.look)
            and leaving.distance(candidate.appeared_at) <= RIVALS_WITHIN
            for unit, leaving in left
        )

    def _candidates_around(self, leaving: Leaving) -> Sequence[Candidate]:
        first = bisect_left(self._times, leaving.after - RIVALS_WITHIN)
        return self._plausible[first : bisect_right(self._times, leaving.by + RIVALS_WITHIN)]

    @staticmethod
    def _is_of_the_family(unit: Unit, pair: Weighed) -> bool:
        return unit.may_be_of_family(pair.candidate.unit)


def _may_be_a_replacement(candidate: Candidate) -> bool:
    """Not what a reseller delivers and people add, nor an old one that came again: their order numbers look alike."""
    if candidate.replaces is not None:
        return True
    is_old = candidate.ordered_at and candidate.appeared_at - candidate.ordered_at > USUAL_REPAIR
    elsewhere = candidate.purchase_source.upper() in {RESELLER, MANUALLY_ADDED}
    return is_repair_order(candidate.order_number) and not elsewhere and not is_old


def _distance(pair: Weighed) -> timedelta:
    leaving = pair.repair.leaving
    return leaving.distance(pair.candidate.appeared_at) if leaving else timedelta.max
