"""The evidence of a pairing in words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from homeroom.applesync.replacements.evidence import Side, restored
from homeroom.applesync.replacements.words import sentence


@dataclass(frozen=True, slots=True)
class Told:
    """One piece of evidence as people read it."""

    side: Side
    sentence: str

    @property
    def speaks_for(self) -> bool:
        return self.side == Side.FOR

    @property
    def speaks_against(self) -> bool:
        return self.side == Side.AGAINST


def told(rows: Iterable[dict[str, Any]]) -> Sequence[Told]:
    """Of what a row keeps. A row without any is a person's own choice."""
    return [Told(evidence.side, sentence(evidence)) for row in rows if (evidence := restored(row))]


def in_one_text(rows: Iterable[dict[str, Any]] | None) -> str | None:
    return " ".join(each.sentence for each in told(rows or ())) or None
