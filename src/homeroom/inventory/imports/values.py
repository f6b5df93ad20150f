"""Pure reading of cells: text to a value, or a sentence that says why it is none."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as translated

from homeroom.inventory.imports.columns import Field, Kind
from homeroom.inventory.imports.models import DateOrder
from homeroom.inventory.models import Device, Person

LARGEST_COST = Decimal("9999999999.99")
LONGEST_NOTES = 100_000
_SPREADSHEET_ERRORS = {"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!"}
_SHORTENED_NUMBER = re.compile(r"\d(\.\d+)?E\+\d+", re.IGNORECASE)
_ISO_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]\d{2}:\d{2}.*)?")
_YEAR_FIRST = re.compile(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})")
_YEAR_LAST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?: \d{1,2}:\d{2}.*)?")
_DAY_MONTH_NAME = re.compile(r"(?:[a-z]{3,9},? )?(\d{1,2})[ -]([a-z]{3,9})\.?,?[ -](\d{4})", re.IGNORECASE)
_MONTH_NAME_DAY = re.compile(r"(?:[a-z]{3,9},? )?([a-z]{3,9})\.? (\d{1,2}),? (\d{4})", re.IGNORECASE)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TRUE = {"true", "yes", "y", "1", "active", "enabled", "x"}
_FALSE = {"false", "no", "n", "0", "inactive", "disabled"}


class Unreadable(ValueError):  # noqa: N818 - the name says what the cell is
    """The cell can't be what its column holds; the message is for the person whose file it is."""


def read_cell(field: Field, text: str, *, date_order: str = DateOrder.UNKNOWN) -> Any:
    """The value that `text` means in `field`'s column; None for an empty cell. Raises Unreadable."""
    if not text:
        return None
    if text in _SPREADSHEET_ERRORS:
        raise Unreadable(translated("The cell holds a spreadsheet error (%(text)s).") % {"text": text})
    if "\0" in text:
        raise Unreadable(translated("The cell holds characters that can't be stored."))
    if field.kind is Kind.DATE:
        return read_date(text, date_order)
    if field.kind in _WITH_FEW_VALUES:
        return _remembered(field, text)
    return _READERS.get(field.kind, _text)(field, text)


@lru_cache(maxsize=4096)
def _remembered(field: Field, text: str) -> Any:
    """The same few words fill such a column: each is read once."""
    return _READERS[field.kind](field, text)


@lru_cache(maxsize=4096)
def read_date(text: str, order: str) -> date:
    """ISO dates, dates with the year first or the month's name, and others only if they can mean one day."""
    if found := _ISO_DATE.fullmatch(text) or _YEAR_FIRST.fullmatch(text):
        year, month, day = found.groups()
    elif found := _DAY_MONTH_NAME.fullmatch(text):
        day, name, year = found.groups()
        month = _month(name, text)
    elif found := _MONTH_NAME_DAY.fullmatch(text):
        name, day, year = found.groups()
        month = _month(name, text)
    elif found := _YEAR_LAST.fullmatch(text):
        month, day, year = _ordered(*found.groups(), text=text, order=order)
    else:
        raise _no_date(text)
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        raise _no_date(text) from None


def _ordered(first: str, second: str, year: str, *, text: str, order: str) -> tuple[str, str, str]:
    months = 12
    if order == DateOrder.MONTH_FIRST:
        return first, second, year
    if order == DateOrder.DAY_FIRST or int(first) > months:
        return second, first, year
    if int(second) > months or first.lstrip("0") == second.lstrip("0"):
        return first, second, year
    raise Unreadable(
        translated("“%(text)s” can mean two days. Say what comes first, or write it like 2026-03-14.")
        % {"text": _short(text)}
    )


def _month(name: str, text: str) -> str:
    try:
        return str(_MONTHS.index(name[:3].lower()) + 1)
    except ValueError:
        raise _no_date(text) from None


def _no_date(text: str) -> Unreadable:
    return Unreadable(
        translated("“%(text)s” is not a date. Write it like 2026-03-14.") % {"text": _short(text)}
    )


def _cost(_field: Field, text: str) -> Decimal:
    """An amount with two decimals at most; currency signs and thousands separators are left out."""
    bare = re.sub(r"[\s\u00a0$€£¥]|^[A-Z]{3}|[A-Z]{3}$", "", text)
    if "," in bare and "." in bare:
        thousands, decimal = (",", ".") if bare.rindex(".") > bare.rindex(",") else (".", ",")
        bare = bare.replace(thousands, "").replace(decimal, ".")
    elif re.fullmatch(r"\d{1,3}(,\d{3})+", bare):
        bare = bare.replace(",", "")
    else:
        bare = bare.replace(",", ".")
    try:
        cost = Decimal(bare) if re.fullmatch(r"\d+(\.\d*)?|\.\d+", bare) else None
    except InvalidOperation:
        cost = None
    if cost is None or cost != round(cost, 2):
        raise Unreadable(
            translated("“%(text)s” is not a cost. Write it like 329.00.") % {"text": _short(text)}
        )
    if cost > LARGEST_COST:
        raise Unreadable(translated("“%(text)s” is more than a cost can be.") % {"text": _short(text)})
    return cost.quantize(Decimal("0.01"))


def _text(field: Field, text: str) -> str:
    if field.max_length and len(text) > field.max_length:
        raise Unreadable(
            translated("The value has %(length)d characters; at most %(most)d fit.")
            % {"length": len(text), "most": field.max_length}
        )
    return text


def _long_text(_field: Field, text: str) -> str:
    if len(text) > LONGEST_NOTES:
        raise Unreadable(
            translated("The value has %(length)d characters; at most %(most)d fit.")
            % {"length": len(text), "most": LONGEST_NOTES}
        )
    return same_line_ends(text)


def _identity(field: Field, text: str) -> str:
    """As typed. What a spreadsheet has shortened (1.23457E+11) is refused: its digits are lost."""
    if _SHORTENED_NUMBER.fullmatch(text):
        raise Unreadable(
            translated(
                "“%(text)s” was shortened by a spreadsheet. Format the column as text and enter it again."
            )
            % {"text": _short(text)}
        )
    return _text(field, text)


def _family(_field: Field, text: str) -> str:
    family = _family_named(text)
    if family is None:
        raise Unreadable(
            translated("“%(text)s” is no product family. There are: %(choices)s.")
            % {
                "text": _short(text),
                "choices": ", ".join(str(label) for label in Device.ProductFamily.labels),
            }
        )
    return family


def _family_named(text: str) -> str | None:
    words = text.casefold()
    for value, label in Device.ProductFamily.choices:
        if words in {value.casefold(), str(label).casefold(), value.casefold() + "s"}:
            return str(value)
    return None


def _category(_field: Field, text: str) -> str | None:
    """Other programs' categories are free words: one that names no family says nothing about it."""
    return _family_named(text)


def _email(field: Field, text: str) -> str:
    try:
        validate_email(text)
    except ValidationError:
        raise Unreadable(translated("“%(text)s” is not an email address.") % {"text": _short(text)}) from None
    return _text(field, text)


def _person_kind(_field: Field, text: str) -> str:
    words = text.casefold()
    for kind, names in _PERSON_KINDS.items():
        if words in names:
            return kind
    raise Unreadable(
        translated("“%(text)s” is no kind of person. Write student or staff.") % {"text": _short(text)}
    )


_PERSON_KINDS: Mapping[str, set[str]] = {
    Person.Kind.STUDENT: {"student", "students", "pupil", "learner"},
    Person.Kind.STAFF: {"staff", "teacher", "employee", "faculty", "administrator"},
}


def _boolean(_field: Field, text: str) -> bool:
    words = text.casefold()
    if words in _TRUE:
        return True
    if words in _FALSE:
        return False
    raise Unreadable(
        translated("“%(text)s” is neither yes nor no. Write true or false.") % {"text": _short(text)}
    )


def same_line_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _short(text: str) -> str:
    longest = 60
    return text if len(text) <= longest else text[: longest - 1] + "…"


_READERS: Mapping[Kind, Callable[[Field, str], Any]] = {
    Kind.IDENTITY: _identity,
    Kind.LONG_TEXT: _long_text,
    Kind.COST: _cost,
    Kind.FAMILY: _family,
    Kind.CATEGORY: _category,
    Kind.EMAIL: _email,
    Kind.PERSON_KIND: _person_kind,
    Kind.BOOLEAN: _boolean,
}
_WITH_FEW_VALUES = {Kind.COST, Kind.FAMILY, Kind.CATEGORY, Kind.PERSON_KIND, Kind.BOOLEAN}
