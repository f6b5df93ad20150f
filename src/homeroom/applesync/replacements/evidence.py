"""What speaks for a pairing, what against it, and what keeps it from being certain. Words are made elsewhere."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self


class Side(StrEnum):
    FOR = "for"
    AGAINST = "against"
    OPEN = "open"
    """Neither: something that is not known, or could be explained otherwise."""


class Kind(StrEnum):
    """Every piece of evidence there is. Stored with a pairing, so a value keeps its meaning for ever."""

    TOLD = "told", Side.FOR
    ORDER_IS_REPAIR_NUMBER = "order_is_repair_number", Side.FOR
    LEFT_ABOUT_THEN = "left_about_then", Side.FOR
    SAME_MODEL = "same_model", Side.FOR
    SAME_CAPACITY = "same_capacity", Side.FOR
    SAME_COLOR = "same_color", Side.FOR
    SAME_PART = "same_part", Side.FOR
    REPAIR_ORDER = "repair_order", Side.FOR
    FROM_APPLE = "from_apple", Side.FOR
    APPEARED_AFTER_SHIPPED = "appeared_after_shipped", Side.FOR
    ONLY_ONE = "only_one", Side.FOR

    OTHER_MODEL = "other_model", Side.AGAINST
    OTHER_CAPACITY = "other_capacity", Side.AGAINST
    OTHER_COLOR = "other_color", Side.AGAINST
    NOT_FROM_APPLE = "not_from_apple", Side.AGAINST
    ORDERED_BEFORE_SHIPPED = "ordered_before_shipped", Side.AGAINST
    ORDER_OF_SEVERAL = "order_of_several", Side.AGAINST
    ORDER_IS_ANOTHERS = "order_is_anothers", Side.AGAINST
    OTHER_REPAIR_NUMBER = "other_repair_number", Side.AGAINST
    LEFT_BEFORE_SHIPPED = "left_before_shipped", Side.AGAINST

    OTHER_PART = "other_part", Side.OPEN
    STILL_LISTED = "still_listed", Side.OPEN
    FATE_UNKNOWN = "fate_unknown", Side.OPEN
    LEFT_AT_ANOTHER_TIME = "left_at_another_time", Side.OPEN
    LONG_AFTER_SHIPPED = "long_after_shipped", Side.OPEN
    ANOTHER_ORDER_FORM = "another_order_form", Side.OPEN
    MODEL_NOT_KNOWN = "model_not_known", Side.OPEN
    TOLD_OF_SEVERAL = "told_of_several", Side.OPEN
    NUMBER_OF_SEVERAL = "number_of_several", Side.OPEN
    OTHER_CANDIDATES = "other_candidates", Side.OPEN
    OTHER_REPAIRS = "other_repairs", Side.OPEN
    OTHERS_THAT_LEFT = "others_that_left", Side.OPEN

    side: Side

    def __new__(cls, value: str, side: Side) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.side = side
        return member


class Never(StrEnum):
    """Why a candidate and a repair are not paired at all."""

    OTHER_FAMILY = "other_family"
    APPEARED_BEFORE_SHIPPED = "appeared_before_shipped"
    TOO_LONG_AFTER = "too_long_after"
    REFUSED = "refused"
    TOLD_TO_REPLACE_ANOTHER = "told_to_replace_another"
    ANOTHER_IS_TOLD = "another_is_told"
    NEVER_LISTED = "never_listed"
    THE_SAME_DEVICE = "the_same_device"
    TOO_LITTLE = "too_little"
    """What speaks for it is outweighed."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece of evidence with its values: those that its kind has no use for are empty."""

    kind: Kind
    original: str = ""
    replacement: str = ""
    at: datetime | None = None
    hours: int | None = None
    others: tuple[str, ...] = ()

    @property
    def side(self) -> Side:
        return self.kind.side


def stored(evidence: Evidence) -> dict[str, Any]:
    """As a row keeps it, in JSON; empty values left out."""
    values = {
        "kind": evidence.kind.value,
        "original": evidence.original,
        "replacement": evidence.replacement,
        "at": evidence.at.isoformat() if evidence.at else "",
        "hours": evidence.hours,
        "others": list(evidence.others),
    }
    return {name: value for name, value in values.items() if value not in ("", None, [])}


def restored(row: dict[str, Any]) -> Evidence | None:
    """What a row keeps; None for a kind of a newer version."""
    kind = _KINDS.get(row.get("kind", ""))
    if kind is None:
        return None
    at = row.get("at")
    return Evidence(
        kind=kind,
        original=row.get("original", ""),
        replacement=row.get("replacement", ""),
        at=datetime.fromisoformat(at) if at else None,
        hours=row.get("hours"),
        others=tuple(row.get("others", ())),
    )


_KINDS = {kind.value: kind for kind in Kind}
