"""Keys of rows, and days, that a form or an address sends. A crafted one names nothing."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import date

from django.utils.dateparse import parse_date

MOST_DIGITS = 18
"""No database takes more of them for a key."""


def key_of(text: str | None) -> int:
    """Zero, which is nobody's, for what is no key."""
    return int(text) if text and text.isdecimal() and len(text) <= MOST_DIGITS else 0


def keys_of(texts: Iterable[str]) -> list[int]:
    return [key for text in texts if (key := key_of(text))]


def day_of(text: str) -> date | None:
    """As ISO 8601 writes it; None for what is no day."""
    with suppress(ValueError):
        return parse_date(text)
    return None
