"""One candidate held against one repair: what speaks for and against the two, and how much it weighs together."""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import NamedTuple

from homeroom.applesync.replacements.evidence import Evidence, Kind, Never, Side
from homeroom.applesync.replacements.facts import (
    Candidate,
    Fate,
    Look,
    Repair,
    Serial,
    Situation,
    is_repair_order,
)

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ABOUT_THEN = timedelta(days=7)
"""An original that leaves and a device that appears this near to each other may have to do with each other."""
USUAL_REPAIR = timedelta(days=60)
LONGEST_REPAIR = timedelta(days=120)
"""What appears later than this is told by somebody, or came when the original left; else it has another origin."""
RESELLER = "RESELLER"
APPLE = "APPLE"
MANUALLY_ADDED = "MANUALLY_ADDED"

WEIGHTS: dict[Kind, int] = {
    Kind.TOLD: 1000,
    Kind.ORDER_IS_REPAIR_NUMBER: 500,
    Kind.LEFT_ABOUT_THEN: 60,
    Kind.SAME_MODEL: 20,
    Kind.SAME_CAPACITY: 8,
    Kind.SAME_COLOR: 8,
    Kind.SAME_PART: 4,
    Kind.REPAIR_ORDER: 10,
    Kind.FROM_APPLE: 5,
    Kind.OTHER_MODEL: -40,
    Kind.OTHER_CAPACITY: -15,
    Kind.OTHER_COLOR: -15,
    Kind.NOT_FROM_APPLE: -80,
    Kind.ORDERED_BEFORE_SHIPPED: -40,
    Kind.ORDER_OF_SEVERAL: -30,
    Kind.ORDER_IS_ANOTHERS: -80,
    Kind.OTHER_REPAIR_NUMBER: -40,
    Kind.LEFT_BEFORE_SHIPPED: -20,
    Kind.LEFT_AT_ANOTHER_TIME: -10,
    Kind.LONG_AFTER_SHIPPED: -20,
}
"""Only their order matters: what tells two units apart beats what merely fits."""
NEARNESS = 40
"""Up to so much more, the nearer the two moments are."""
LEAST = -20
"""What weighs less is not worth a person's time."""


class Told(NamedTuple):
    """Evidence, and what it weighs together."""

    evidence: tuple[Evidence, ...]
    weight: int

    @classmethod
    def by(cls, evidence: Iterable[Evidence]) -> "Told":
        pieces = tuple(evidence)
        return cls(pieces, sum(WEIGHTS.get(each.kind, 0) for each in pieces))


@dataclass(frozen=True, slots=True)
class Weighed:
    """A candidate and a repair that may belong together."""

    candidate: Candidate
    repair: Repair
    told: tuple[Evidence, ...]
    moments: tuple[Kind, Kind]
    weight: float
    named: bool
    """Told by the device management service, or by an equal number."""

    @property
    def kinds(self) -> Iterator[Kind]:
        yield from (each.kind for each in self.told)
        yield from self.moments

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Made when it is told: of the many pairs that are weighed, few are suggested."""
        return (*self.told, *(_moment(kind, self.candidate, self.repair) for kind in self.moments))

    def has(self, kinds: Container[Kind]) -> bool:
        """Any of these."""
        return any(kind in kinds for kind in self.kinds)

    def has_all(self, kinds: frozenset[Kind]) -> bool:
        return kinds <= {*self.kinds}

    @property
    def spoken_against(self) -> bool:
        return any(kind.side == Side.AGAINST for kind in self.kinds)


class Scales:
    """Weighs candidates against repairs of one situation; what both are told about others counts too."""

    def __init__(self, situation: Situation) -> None:
        self.weighed = 0
        """How many pairs were looked at."""
        self._refused = situation.refused
        self._told: defaultdict[Serial, list[Serial]] = defaultdict(list)
        self._orders = Counter(each.order_number for each in situation.candidates if each.order_number)
        self._repairs_by_number: defaultdict[str, set[int]] = defaultdict(set)
        self._origins: dict[Serial, Told] = {}
        for candidate in situation.candidates:
            if candidate.replaces:
                self._told[candidate.replaces].append(candidate.unit.serial)
        for repair in situation.repairs:
            if repair.repair_number:
                self._repairs_by_number[repair.repair_number].add(repair.incident)

    def weigh(self, candidate: Candidate, repair: Repair) -> Weighed | Never:
        self.weighed += 1
        if never := self.never(candidate, repair):
            return never
        origin, likeness = self._origin(candidate), _likeness(repair.unit.look, candidate.unit.look)
        names = Told.by(self._names(candidate, repair))
        moments = _moments(candidate, repair)
        weight = (
            *(each.weight for each in (names, origin, likeness)),
            *(WEIGHTS.get(each, 0) for each in moments),
            _nearness(candidate, repair),
        )
        told = names.evidence + origin.evidence + likeness.evidence
        named = candidate.replaces == repair.unit.serial or self._has_its_number(candidate, repair)
        weighed = Weighed(candidate, repair, told, moments, sum(weight), named)
        return weighed if weighed.weight >= LEAST else Never.TOO_LITTLE

    def never(self, candidate: Candidate, repair: Repair) -> Never | None:
        """What no evidence outweighs."""
        original, replacement = repair.unit, candidate.unit
        if original.serial == replacement.serial:
            return Never.THE_SAME_DEVICE
        if not original.may_be_of_family(replacement):
            return Never.OTHER_FAMILY
        if (original.serial, replacement.serial) in self._refused:
            return Never.REFUSED
        if candidate.appeared_at < repair.shipped_at:
            return Never.APPEARED_BEFORE_SHIPPED
        return self._told_otherwise(candidate, repair) or self._unlikely(candidate, repair)

    def _told_otherwise(self, candidate: Candidate, repair: Repair) -> Never | None:
        if candidate.replaces:
            return Never.TOLD_TO_REPLACE_ANOTHER if candidate.replaces != repair.unit.serial else None
        return Never.ANOTHER_IS_TOLD if repair.unit.serial in self._told else None

    def _unlikely(self, candidate: Candidate, repair: Repair) -> Never | None:
        if candidate.replaces or self._has_its_number(candidate, repair):
            return None
        if repair.fate == Fate.NEVER_LISTED:
            return Never.NEVER_LISTED
        too_late = candidate.appeared_at - repair.shipped_at > LONGEST_REPAIR
        return Never.TOO_LONG_AFTER if too_late and not came_as_it_left(candidate, repair) else None

    def _has_its_number(self, candidate: Candidate, repair: Repair) -> bool:
        return bool(repair.repair_number) and candidate.order_number == repair.repair_number

    def _names(self, candidate: Candidate, repair: Repair) -> Iterator[Evidence]:
        """What names the other side: the device management service, and the numbers of repair and order."""
        order, number = candidate.order_number, repair.repair_number
        if candidate.replaces == repair.unit.serial:
            yield Evidence(Kind.TOLD, original=repair.unit.serial)
            if len(self._told[repair.unit.serial]) > 1:
                others = sorted({*self._told[repair.unit.serial]} - {candidate.unit.serial})
                yield Evidence(Kind.TOLD_OF_SEVERAL, others=tuple(others))
        if self._has_its_number(candidate, repair):
            yield Evidence(Kind.ORDER_IS_REPAIR_NUMBER, replacement=order)
            if self._orders[order] > 1 or len(self._repairs_by_number[number]) > 1:
                yield Evidence(Kind.NUMBER_OF_SEVERAL, replacement=order)
        elif order and order in self._repairs_by_number:
            incidents = sorted(self._repairs_by_number[order])
            yield Evidence(Kind.ORDER_IS_ANOTHERS, replacement=order, others=tuple(map(str, incidents)))
        elif number and is_repair_order(number) and is_repair_order(order):
            yield Evidence(Kind.OTHER_REPAIR_NUMBER, original=number, replacement=order)
        # Apple's order dates are days: a day's difference may be one of time zones.
        if candidate.ordered_at and candidate.ordered_at < repair.shipped_at - DAY:
            yield Evidence(Kind.ORDERED_BEFORE_SHIPPED, at=candidate.ordered_at)

    def _origin(self, candidate: Candidate) -> Told:
        """What the candidate's order tells, whichever the repair."""
        if found := self._origins.get(candidate.unit.serial):
            return found
        order, source = candidate.order_number, candidate.purchase_source.upper()
        form = Kind.REPAIR_ORDER if is_repair_order(order) else Kind.ANOTHER_ORDER_FORM
        told = [Evidence(form, replacement=order)]
        if source == APPLE:
            told.append(Evidence(Kind.FROM_APPLE))
        elif source in {RESELLER, MANUALLY_ADDED}:
            told.append(Evidence(Kind.NOT_FROM_APPLE, replacement=source))
        if self._orders[order] > 1:
            told.append(Evidence(Kind.ORDER_OF_SEVERAL, replacement=order))
        return self._origins.setdefault(candidate.unit.serial, Told.by(told))


def came_as_it_left(candidate: Candidate, repair: Repair) -> bool:
    """Whether the original left at about the time at which the candidate appeared, and not before it was shipped."""
    left = repair.leaving
    return (
        left is not None
        and left.by >= repair.shipped_at
        and left.surely_within(ABOUT_THEN, candidate.appeared_at)
    )


@lru_cache(maxsize=2048)
def _likeness(original: Look, replacement: Look) -> Told:
    """A district has few kinds of devices: the same two looks are compared again and again."""
    compared = (
        (
            original.has_model_of(replacement),
            Kind.SAME_MODEL,
            Kind.OTHER_MODEL,
            original.name,
            replacement.name,
        ),
        (
            original.has_capacity_of(replacement),
            Kind.SAME_CAPACITY,
            Kind.OTHER_CAPACITY,
            str(original.capacity),
            str(replacement.capacity),
        ),
        (
            original.has_color_of(replacement),
            Kind.SAME_COLOR,
            Kind.OTHER_COLOR,
            original.color,
            replacement.color,
        ),
        (
            original.has_part_of(replacement),
            Kind.SAME_PART,
            Kind.OTHER_PART,
            original.part_number,
            replacement.part_number,
        ),
    )
    found = tuple(
        Evidence(alike if same else unlike, original=old, replacement=new)
        for same, alike, unlike, old, new in compared
        if same is not None
    )
    return Told.by(found if compared[0][0] is not None else (Evidence(Kind.MODEL_NOT_KNOWN), *found))


def _moments(candidate: Candidate, repair: Repair) -> tuple[Kind, Kind]:
    """How the appearance lies to the shipping, and to the original's leaving."""
    waited = candidate.appeared_at - repair.shipped_at
    left = repair.leaving
    if left is None:
        fate = Kind.STILL_LISTED if repair.fate == Fate.LISTED else Kind.FATE_UNKNOWN
    elif left.by < repair.shipped_at:
        fate = Kind.LEFT_BEFORE_SHIPPED
    elif left.surely_within(ABOUT_THEN, candidate.appeared_at):
        fate = Kind.LEFT_ABOUT_THEN
    else:
        fate = Kind.LEFT_AT_ANOTHER_TIME
    return Kind.LONG_AFTER_SHIPPED if waited > USUAL_REPAIR else Kind.APPEARED_AFTER_SHIPPED, fate


def _moment(kind: Kind, candidate: Candidate, repair: Repair) -> Evidence:
    """One of these, with its values."""
    if kind in {Kind.LONG_AFTER_SHIPPED, Kind.APPEARED_AFTER_SHIPPED}:
        waited = candidate.appeared_at - repair.shipped_at
        return Evidence(kind, at=candidate.appeared_at, hours=waited // HOUR)
    if repair.leaving is None:
        return Evidence(kind, original=repair.unit.serial)
    left = repair.leaving.by
    return Evidence(kind, at=left, hours=round((candidate.appeared_at - left) / HOUR))


def _nearness(candidate: Candidate, repair: Repair) -> float:
    if not came_as_it_left(candidate, repair) or repair.leaving is None:
        return 0.0
    return NEARNESS * (1 - repair.leaving.distance(candidate.appeared_at) / ABOUT_THEN)
