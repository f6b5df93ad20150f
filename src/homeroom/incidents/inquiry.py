"""Asking outside before a device is sent. The higher app that can ask registers how; this one only has it done."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from homeroom.incidents.models import Incident


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of the outside's word about one unit. What speaks against sending is a concern, not here."""

    sentences: tuple[str, ...] = ()
    asked_at: datetime | None = None
    awaited_since: datetime | None = None
    is_good: bool = False
    """Whether it need not be asked for again now."""

    @property
    def is_awaited(self) -> bool:
        return self.awaited_since is not None


class Inquiry(Protocol):
    def request(self, incidents: Sequence[Incident], *, anew: bool) -> None:
        """Have them asked about by a worker; those with a good answer only if `anew`. Returns at once."""

    def ask(
        self, incidents: Sequence[Incident], *, patience: float | None, told: Callable[[], object]
    ) -> None:
        """Ask now, `patience` seconds at most, never inside a transaction. A failure is an answer too.

        Those with a good answer are not asked about. `told` is called after each answer.
        """

    def answers(self, incidents: Sequence[Incident]) -> Mapping[int, Answer]:
        """By the incident's number."""


_registered: list[Inquiry] = []


def register_inquiry(inquiry: Inquiry) -> None:
    """Called once, in `AppConfig.ready()`."""
    _registered.append(inquiry)


def request_answers(incidents: Sequence[Incident], *, anew: bool = False) -> None:
    for inquiry in _registered:
        inquiry.request(incidents, anew=anew)


def ask_now(
    incidents: Sequence[Incident],
    *,
    patience: float | None = None,
    told: Callable[[], object] = lambda: None,
) -> None:
    """For ways in that can wait: the command line, and the API within a few seconds."""
    for inquiry in _registered:
        inquiry.ask(incidents, patience=patience, told=told)


def answers_about(incidents: Sequence[Incident]) -> Mapping[int, Answer]:
    found: dict[int, Answer] = {}
    for inquiry in _registered:
        found |= inquiry.answers(incidents)
    return found
