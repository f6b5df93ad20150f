"""Suggestions as people review them: a card for each new device, those of one box to Apple together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from django.utils.translation import gettext as _

from homeroom.applesync.models import Replacement
from homeroom.applesync.reviewing.comparing import Fact, compared
from homeroom.applesync.reviewing.evidence import Told, told
from homeroom.incidents.models import Shipment

FEW = 3
"""So many cards are shown open; of more, one opens those that one doubts."""


@dataclass(frozen=True, slots=True)
class Card:
    """A pairing with what speaks for and against it."""

    pairing: Replacement
    others: int = 0
    """How many other incidents are suggested for the same new device."""

    @property
    def facts(self) -> Sequence[Fact]:
        return compared(self.pairing.incident, self.pairing.apple_device)

    @property
    def evidence(self) -> Sequence[Told]:
        return told(self.pairing.evidence)

    @property
    def against(self) -> Sequence[Told]:
        return [each for each in self.evidence if each.speaks_against]


@dataclass(frozen=True, slots=True)
class Batch:
    """Cards of one shipment and model."""

    shipment: Shipment | None
    model: str
    cards: Sequence[Card]

    @property
    def form_id(self) -> str:
        """Of the form that confirms many; empty where there is one."""
        return f"batch-{self.cards[0].pairing.pk}" if len(self.cards) > 1 else ""

    @property
    def is_long(self) -> bool:
        return len(self.cards) > FEW


def batches(best: Iterable[Replacement], others: Mapping[int, int]) -> Sequence[Batch]:
    """In the order given, in which those that belong together stand together."""
    return [
        Batch(shipment, model, [Card(each, others.get(each.pk, 0)) for each in group])
        for (shipment, model), group in groupby(best, key=_batch)
    ]


def _batch(pairing: Replacement) -> tuple[Shipment | None, str]:
    incident, candidate = pairing.incident, pairing.apple_device
    shipment = incident.shipment if incident else None
    return shipment, (candidate.device_model if candidate else "") or _("Unknown model")
