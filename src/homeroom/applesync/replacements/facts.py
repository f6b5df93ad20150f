"""What the matching is told: replacements that may have come, repairs that wait for one, and what left meanwhile."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, NewType

Serial = NewType("Serial", str)
"""A serial number as Apple spells it."""

NO_TIME = timedelta(0)
_REPAIR_ORDER = re.compile(r"R[0-9]+")


def serial(text: str) -> Serial:
    """What people or their other systems wrote, in Apple's way: upper case, without blanks around it."""
    return Serial(text.strip().upper())


def is_repair_order(number: str) -> bool:
    """Whether it has the form of Apple's order numbers of replacements; resellers' may have it too."""
    return _REPAIR_ORDER.fullmatch(number) is not None


class Look(NamedTuple):
    """What Apple tells of a unit beside its serial number. Empty is not known."""

    model: str = ""
    product_type: str = ""
    part_number: str = ""
    capacity: int | None = None
    color: str = ""

    @property
    def name(self) -> str:
        both = self.model and self.product_type
        return f"{self.model} ({self.product_type})" if both else self.model or self.product_type

    def has_model_of(self, other: "Look") -> bool | None:
        """None where it can't be told. The identifier says more than the name: it tells Wi-Fi and cellular apart."""
        if self.product_type and other.product_type:
            return self.product_type == other.product_type
        if self.model and other.model:
            return self.model.casefold() == other.model.casefold()
        return None

    def has_capacity_of(self, other: "Look") -> bool | None:
        if self.capacity is None or other.capacity is None:
            return None
        return self.capacity == other.capacity

    def has_color_of(self, other: "Look") -> bool | None:
        if not self.color or not other.color:
            return None
        return _color(self.color) == _color(other.color)

    def has_part_of(self, other: "Look") -> bool | None:
        """But for the first letter, which says how a unit was sold: M new, F refurbished, N as a replacement."""
        if not self.part_number or not other.part_number:
            return None
        return self.part_number[1:] == other.part_number[1:]

    def may_be_like(self, other: "Look") -> bool:
        """Whether nothing that is known of both tells them apart. Part numbers differ between like units too."""
        return False not in (self.has_model_of(other), self.has_capacity_of(other), self.has_color_of(other))

    def is_like(self, other: "Look") -> bool:
        """Whether they are surely interchangeable."""
        return (
            self.has_model_of(other) is True
            and self.capacity == other.capacity
            and _color(self.color) == _color(other.color)
        )


NOTHING_TOLD = Look()


@dataclass(frozen=True, slots=True)
class Unit:
    """A device as Apple describes it."""

    serial: Serial
    family: str = ""
    look: Look = NOTHING_TOLD

    def may_be_of_family(self, other: "Unit") -> bool:
        mine, others = self.family, other.family
        return mine == others or not mine or not others or mine.casefold() == others.casefold()


def _color(text: str) -> str:
    return text.replace("_", " ").casefold()


@dataclass(frozen=True, slots=True)
class Leaving:
    """When a device left Apple's list: to the moment if it was released, else between two listings."""

    after: datetime
    by: datetime

    @classmethod
    def at(cls, moment: datetime) -> "Leaving":
        return cls(moment, moment)

    def distance(self, moment: datetime) -> timedelta:
        """How far a moment is from it at least; nothing, within it."""
        return max(self.after - moment, moment - self.by, NO_TIME)

    def surely_within(self, span: timedelta, moment: datetime) -> bool:
        """Whenever it was between the two listings."""
        return moment - self.after <= span and self.by - moment <= span


class Fate(StrEnum):
    """What Apple's list holds of an original."""

    LISTED = "listed"
    LEFT = "left"
    NEVER_LISTED = "never_listed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A new device at Apple that may replace one of ours. Order number: upper case, no blanks around it."""

    unit: Unit
    appeared_at: datetime
    order_number: str = ""
    ordered_at: datetime | None = None
    purchase_source: str = ""
    replaces: Serial | None = None
    """The original, as the district's device management service tells it."""


@dataclass(frozen=True, slots=True)
class Repair:
    """An incident whose device is at Apple. Its repair number is spelled as order numbers are."""

    incident: int
    unit: Unit
    shipped_at: datetime
    repair_number: str = ""
    fate: Fate = Fate.LISTED
    leaving: Leaving | None = None
    """Set where the original left Apple's list, and only there."""


@dataclass(frozen=True, slots=True)
class Stray:
    """A device that left Apple's list and that no applied replacement and no open repair explains."""

    unit: Unit
    leaving: Leaving


class Pair(NamedTuple):
    original: Serial
    replacement: Serial


@dataclass(frozen=True, slots=True)
class Situation:
    """All that is known about one connection at one time."""

    candidates: tuple[Candidate, ...]
    repairs: tuple[Repair, ...]
    strays: tuple[Stray, ...] = ()
    refused: frozenset[Pair] = frozenset()
    """Pairings that a person dismissed or undid."""
