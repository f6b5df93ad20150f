"""The first page: what waits for a person, first steps, and what stands beside them. Apps register; the shell draws.

Everything is asked for on behalf of one viewer and only with the permission it names, each with one small query.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any, Protocol

from django.db.models import QuerySet
from django.utils.functional import Promise

from homeroom.web.counts import Number, counted

Words = str | Promise
MOST_WAITING = 1_000
"""Beyond it, nobody's day depends on how many more there are."""


class Looker(Protocol):
    def may(self, permission: Any, /) -> bool: ...


class Severity(IntEnum):
    """The worst first, as the page has them."""

    BROKEN = 1
    """Something does not work until somebody puts it right."""
    LATE = 2
    """It should have happened by now, or must happen soon."""
    OPEN = 3
    """It is to be done."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that waits for the viewer. With a `number`, the list at `url` holds exactly so many."""

    title: str
    sentence: str
    url: str
    number: Number | None = None
    severity: Severity = Severity.OPEN


@dataclass(frozen=True, slots=True)
class Card:
    """A kind of thing that may wait. `waiting` answers nothing where nothing does. `name` is how the API calls it."""

    name: str
    icon: str
    permission: str
    order: int
    waiting: Callable[[Any], Iterable[Waiting]]


@dataclass(frozen=True, slots=True)
class Step:
    """A first step with a new installation.

    What is `optional` keeps nobody at it: first steps are shown only as long as one of the others is to be done.
    """

    title: Words
    sentence: Words
    url_name: str
    permission: str
    order: int
    is_done: Callable[[], bool]
    optional: bool = False


class Place(StrEnum):
    TOP = "top"
    BESIDE = "beside"
    """Beside what waits."""
    BELOW = "below"


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page. `context` may answer None: there is nothing of the kind to show."""

    place: Place
    template: str
    permission: str
    order: int
    context: Callable[[Any], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class FilledSection:
    template: str
    values: Mapping[str, Any]


_cards: dict[str, Card] = {}
_steps: list[Step] = []
_sections: list[Section] = []


def register_card(card: Card) -> None:
    """Called once, in `AppConfig.ready()`."""
    if _cards.setdefault(card.name, card) is not card:
        raise ValueError(f"two cards of the dashboard are called {card.name}")


def register_step(step: Step) -> None:
    """Called once, in `AppConfig.ready()`."""
    _steps.append(step)


def register_section(section: Section) -> None:
    """Called once, in `AppConfig.ready()`."""
    _sections.append(section)


def number_waiting(rows: QuerySet[Any, Any], *, order: str = "") -> Number:
    return counted(rows, most=MOST_WAITING, order=order)


def waiting_for(viewer: Looker) -> list[tuple[Card, Waiting]]:
    """The worst first; of what is equally bad, in the order of the cards."""
    found = [
        (card, each)
        for card in sorted(_cards.values(), key=lambda card: card.order)
        if viewer.may(card.permission)
        for each in card.waiting(viewer)
    ]
    return sorted(found, key=lambda pair: pair[1].severity)


def first_steps(viewer: Looker) -> Sequence[tuple[Step, bool]]:
    """Each step that the viewer can take, and whether it is done; none once all that must be done is."""
    own = [step for step in sorted(_steps, key=lambda step: step.order) if viewer.may(step.permission)]
    needed = {step: step.is_done() for step in own if not step.optional}
    if all(needed.values()):
        return ()
    return [(step, needed[step] if step in needed else step.is_done()) for step in own]


def sections_for(viewer: Looker) -> Mapping[str, list[FilledSection]]:
    """By their place, which has one list each."""
    filled: dict[str, list[FilledSection]] = {place.value: [] for place in Place}
    for section in sorted(_sections, key=lambda section: section.order):
        if not viewer.may(section.permission):
            continue
        values = section.context(viewer)
        if values is not None:
            filled[section.place].append(FilledSection(section.template, values))
    return filled
