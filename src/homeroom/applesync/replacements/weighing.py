"""One candidate held against one repair: what speaks for and against the two, and how much it weighs together."""

from collections import Counter, defaultdict
from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

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


@dataclass(frozen=True, slots=True)
class Weighed:
    """A candidate and a repair that may belong together."""

    candidate: Candidate
    repair: Repair
    evidence: tuple[Evidence, ...]
    weight: float

    def has(self, kinds: Container[Kind]) -> bool:
        """Any of these."""
        return any(each.kind in kinds for each in self.evidence)

    def has_all(self, kinds: frozenset[Kind]) -> bool:
        return kinds <= {each.kind for each in self.evidence}

    @property
    def spoken_against(self) -> bool:
        return any(each.kind.side == Side.AGAINST for each in self.evidence)


class Scales:
    """Weighs candidates against repairs of one situation; what both are told about others counts too."""

    def __init__(self, situation: Situation) -> None:
        self.weighed = 0
        """How many pairs were looked at."""
        self._refused = situation.refused
        self._told: defaultdict[Serial, list[Serial]] = defaultdict(list)
        self._orders = Counter(each.order_number for each in situation.candidates if each.order_number)
        self._repairs_by_number: defaultdict[str, set[int]] = defaultdict(set)
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
        evidence = tuple(self._evidence(candidate, repair))
        weight = sum(WEIGHTS.get(each.kind, 0) for each in evidence) + _nearness(candidate, repair)
        weighed = Weighed(candidate, repair, evidence, weight)
        return weighed if weight >= LEAST else Never.TOO_LITTLE

    def never(self, candidate: Candidate, repair: Repair) -> Never | None:
        """What no evidence outweighs."""
        return next(self._nevers(candidate, repair), None)

    def _nevers(self, candidate: Candidate, repair: Repair) -> Iterator[Never]:
        original, replacement = repair.unit, candidate.unit
        if original.serial == replacement.serial:
            yield Never.THE_SAME_DEVICE
        if not original.may_be_of_family(replacement):
            yield Never.OTHER_FAMILY
        if (original.serial, replacement.serial) in self._refused:
            yield Never.REFUSED
        if candidate.appeared_at < repair.shipped_at:
            yield Never.APPEARED_BEFORE_SHIPPED
        if candidate.replaces and candidate.replaces != original.serial:
            yield Never.TOLD_TO_REPLACE_ANOTHER
        if original.serial in self._told and not candidate.replaces:
            yield Never.ANOTHER_IS_TOLD
        if self._is_named(candidate, repair):
            return
        if repair.fate == Fate.NEVER_LISTED:
            yield Never.NEVER_LISTED
        waited = candidate.appeared_at - repair.shipped_at
        if waited > LONGEST_REPAIR and not came_as_it_left(candidate, repair):
            yield Never.TOO_LONG_AFTER

    def _is_named(self, candidate: Candidate, repair: Repair) -> bool:
        return candidate.replaces == repair.unit.serial or self._has_its_number(candidate, repair)

    def _has_its_number(self, candidate: Candidate, repair: Repair) -> bool:
        return bool(repair.repair_number) and candidate.order_number == repair.repair_number

    def _evidence(self, candidate: Candidate, repair: Repair) -> Iterator[Evidence]:
        yield from self._names(candidate, repair)
        yield from _origin(candidate, repair)
        yield from _likeness(repair.unit.look, candidate.unit.look)
        yield from _moments(candidate, repair)

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
        elif is_repair_order(number) and is_repair_order(order):
            yield Evidence(Kind.OTHER_REPAIR_NUMBER, original=number, replacement=order)
        if self._orders[order] > 1:
            yield Evidence(Kind.ORDER_OF_SEVERAL, replacement=order)


def came_as_it_left(candidate: Candidate, repair: Repair) -> bool:
    """Whether the original left at about the time at which the candidate appeared, and not before it was shipped."""
    left = repair.leaving
    return (
        left is not None
        and left.by >= repair.shipped_at
        and left.distance(candidate.appeared_at) <= ABOUT_THEN
    )


def _origin(candidate: Candidate, repair: Repair) -> Iterator[Evidence]:
    order, source = candidate.order_number, candidate.purchase_source.upper()
    if is_repair_order(order):
        yield Evidence(Kind.REPAIR_ORDER, replacement=order)
    else:
        yield Evidence(Kind.ANOTHER_ORDER_FORM, replacement=order)
    if source == APPLE:
        yield Evidence(Kind.FROM_APPLE)
    elif source in {RESELLER, MANUALLY_ADDED}:
        yield Evidence(Kind.NOT_FROM_APPLE, replacement=source)
    # Apple's order dates are days: a day's difference may be one of time zones.
    if candidate.ordered_at and candidate.ordered_at < repair.shipped_at - DAY:
        yield Evidence(Kind.ORDERED_BEFORE_SHIPPED, at=candidate.ordered_at)


@lru_cache(maxsize=2048)
def _likeness(original: Look, replacement: Look) -> tuple[Evidence, ...]:
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
    return found if compared[0][0] is not None else (Evidence(Kind.MODEL_NOT_KNOWN), *found)


def _moments(candidate: Candidate, repair: Repair) -> Iterator[Evidence]:
    waited = candidate.appeared_at - repair.shipped_at
    late = waited > USUAL_REPAIR
    yield Evidence(
        Kind.LONG_AFTER_SHIPPED if late else Kind.APPEARED_AFTER_SHIPPED,
        at=candidate.appeared_at,
        hours=_hours(waited),
    )
    left = repair.leaving
    if left is None:
        kind = Kind.STILL_LISTED if repair.fate == Fate.LISTED else Kind.FATE_UNKNOWN
        yield Evidence(kind, original=repair.unit.serial)
        return
    if left.by < repair.shipped_at:
        kind = Kind.LEFT_BEFORE_SHIPPED
    elif left.distance(candidate.appeared_at) <= ABOUT_THEN:
        kind = Kind.LEFT_ABOUT_THEN
    else:
        kind = Kind.LEFT_AT_ANOTHER_TIME
    yield Evidence(kind, at=left.by, hours=_signed_hours(left.by, candidate.appeared_at))


def _nearness(candidate: Candidate, repair: Repair) -> float:
    if not came_as_it_left(candidate, repair) or repair.leaving is None:
        return 0.0
    return NEARNESS * (1 - repair.leaving.distance(candidate.appeared_at) / ABOUT_THEN)


def _hours(span: timedelta) -> int:
    return span // HOUR


def _signed_hours(left: datetime, appeared: datetime) -> int:
    """How long before the appearance it left; negative: after."""
    return round((appeared - left) / HOUR)
