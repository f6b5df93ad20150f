"""What one row of a file would do, decided from what is known of the inventory. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as translated
from django.utils.translation import gettext_lazy as _

from homeroom.inventory.imports.columns import Kind
from homeroom.inventory.imports.rows import Change, Column, FileRow, Outcome, Planned, Problem, Reading
from homeroom.inventory.imports.values import Unreadable, read_cell, same_line_ends

KEPT_WHEN_EMPTY = {"asset_tag", "serial_number", "external_id", "site", "status", "kind", "active"}
"""An empty cell of these says nothing; of every other column it clears the value."""
UNKNOWN_SITE = _("There is no site “%(text)s”. Add it, or choose to add sites that are new.")
_IN_BRACKETS = re.compile(r"\s*\([^()]*\)$")
"""Some programs write a status with its kind behind it: `Ready to Deploy (Deployed)`."""


@dataclass(frozen=True, slots=True)
class KnownPerson:
    id: int
    external_id: str
    name: str
    active: bool


@dataclass(frozen=True, slots=True)
class Known:
    """A device or person of the inventory: its values by field name, site and status by theirs."""

    id: int
    site_is_seen: bool
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """A site or status that a cell can name. `refusal` says why it can't be taken."""

    name: str
    refusal: str = ""
    is_retired: bool = False


@dataclass(slots=True)
class Surroundings:
    """What the rows of one batch are decided against."""

    sites: Mapping[str, Choice]
    statuses: Mapping[str, Choice]
    default_site: str
    default_status: str
    may_add_sites: bool
    by_identity: Mapping[tuple[str, str], Known] = field(default_factory=dict)
    people: Mapping[str, tuple[KnownPerson, ...]] = field(default_factory=dict)


def read_row(columns: Iterable[Column], row: FileRow, *, width: int, date_order: str) -> Reading:
    """Every cell read; what can't be read is a problem, never a guess."""
    values: dict[str, Any] = {}
    problems = []
    for column in columns:
        text = row.cells[column.position] if column.position < len(row.cells) else ""
        try:
            values[column.field.name] = read_cell(column.field, text, date_order=date_order)
        except Unreadable as unreadable:
            problems.append(Problem(row.number, column.header, str(unreadable)))
    if any(row.cells[width:]):
        sentence = translated("The row has more cells than the header. Is a delimiter inside a value?")
        problems.append(Problem(row.number, "", sentence))
    return Reading(row.number, _combined(values), tuple(problems))


def _combined(values: dict[str, Any]) -> dict[str, Any]:
    """Fold the columns that only help another one into it."""
    if "category" in values:
        family = values.pop("category")
        if family and not values.get("product_family"):
            values["product_family"] = family
    if "employee_number" in values:
        values["person"] = values.pop("employee_number") or values.get("person")
    if "first_name" in values or "last_name" in values:
        parts = [values.pop("first_name", None), values.pop("last_name", None)]
        values["name"] = values.get("name") or " ".join(part for part in parts if part) or None
    return values


class Row:
    """One row while it is being decided: its problems gather here."""

    def __init__(self, reading: Reading, headers: Mapping[str, str]) -> None:
        self.reading = reading
        self.headers = headers
        self.problems = list(reading.problems)

    def refuse(self, field_name: str, sentence: str) -> None:
        self.problems.append(Problem(self.reading.number, self.headers.get(field_name, ""), sentence))

    def value(self, field_name: str) -> Any:
        return self.reading.values.get(field_name)

    def chosen(self, field_name: str, choices: Mapping[str, Choice], sentence: Promise) -> str | None:
        """The name of the site or status that the cell names, or None for an empty one."""
        text = self.value(field_name)
        if text is None:
            return None
        choice = (
            choices.get(text)
            or choices.get(text.casefold())
            or choices.get(_IN_BRACKETS.sub("", text).casefold())
        )
        if choice is None:
            self.refuse(field_name, str(sentence) % {"text": text})
            return None
        if choice.refusal:
            self.refuse(field_name, choice.refusal)
        return choice.name

    def site(self, around: Surroundings, known: Known | None) -> str | None:
        text = self.value("site")
        is_known = text is None or text in around.sites or text.casefold() in around.sites
        if not is_known and around.may_add_sites:
            return str(text)
        name = self.chosen("site", around.sites, UNKNOWN_SITE)
        if name is None and known is None and text is None:
            if not around.default_site:
                self.refuse("site", translated("A new row needs a site."))
            return around.default_site or None
        return name

    def planned(self, label: str, known: Known | None, wanted: Mapping[str, Any]) -> Planned:
        number = self.reading.number
        if self.problems:
            return Planned(number, label, Outcome.REFUSED, problems=tuple(self.problems))
        if known is None:
            values = {name: value for name, value in wanted.items() if value not in {None, ""}}
            changes = [Change(name, "", readable(value)) for name, value in values.items()]
            return Planned(number, label, Outcome.CREATED, None, values, tuple(changes))
        values = {name: value for name, value in wanted.items() if differs(known.values[name], value)}
        changes = [Change(name, readable(known.values.get(name)), readable(v)) for name, v in values.items()]
        outcome = Outcome.UPDATED if values else None
        return Planned(number, label, outcome, known.id, values or None, tuple(changes))


def writable(reading: Reading, names: Iterable[str]) -> dict[str, Any]:
    """The plain values that the row brings: an empty cell clears, except where it says nothing."""
    return {
        name: reading.values[name]
        for name in names
        if name in reading.values and (reading.values[name] is not None or name not in KEPT_WHEN_EMPTY)
    }


def differs(before: Any, after: Any) -> bool:
    """Unknown and empty are the same; surrounding white space and line ends are not differences."""
    return bool(before != after and _comparable(before) != _comparable(after))


def _comparable(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, str):
        return same_line_ends(value.strip())
    return value


def readable(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case date():
            return value.isoformat()
        case KnownPerson():
            return f"{value.name} ({value.external_id})"
        case _:
            return str(value)


def header_names(columns: Iterable[Column]) -> dict[str, str]:
    """The file's header for each field; helping columns answer for the field that they fold into."""
    folded = {
        "category": "product_family",
        "employee_number": "person",
        "first_name": "name",
        "last_name": "name",
    }
    names: dict[str, str] = {}
    for column in columns:
        names[column.field.name] = column.header
        if column.field.kind is Kind.CATEGORY or column.field.name in folded:
            names.setdefault(folded[column.field.name], column.header)
    return names
