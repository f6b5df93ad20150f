"""Single values of Apple's JSON in the types they are meant to be; None for what isn't."""

import re
from datetime import UTC, date, datetime
from typing import Any

CAPACITY = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?) ?(MB|GB|TB)")
BYTES = {"MB": 10**6, "GB": 10**9, "TB": 10**12}
MAC = re.compile(r"[0-9A-Fa-f]{12}")


def as_text(value: Any) -> str | None:
    # Neither databases nor files take a NUL, and no field of Apple's has a reason to hold one.
    return value if isinstance(value, str) and "\0" not in value else None


def as_texts(value: Any) -> tuple[str, ...] | None:
    """A list of texts, or the one text that Apple sends instead of a list."""
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) and "\0" not in text for text in values):
        return None
    return tuple(text for text in values if text)


def as_macs(value: Any) -> tuple[str, ...] | None:
    """Addresses in one spelling, `A4:C3:F0:11:22:33`; what is no such address is left as it is."""
    texts = as_texts(value)
    return None if texts is None else tuple(_mac(text) for text in texts)


def as_flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def as_number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def as_time(value: Any) -> datetime | None:
    """Aware, in UTC; Apple writes times with and without milliseconds."""
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def as_day(value: Any) -> date | None:
    """Apple's calendar date: midnight UTC of that day."""
    time = as_time(value)
    return time.date() if time else None


def as_capacity(text: str | None) -> int | None:
    """Bytes, decimal as Apple counts them: `64GB`, `1TB`."""
    found = CAPACITY.fullmatch(text or "")
    return round(float(found[1]) * BYTES[found[2]]) if found else None


def _mac(text: str) -> str:
    bare = text.replace(":", "").replace("-", "")
    if not MAC.fullmatch(bare):
        return text
    return bytes.fromhex(bare).hex(":").upper()
