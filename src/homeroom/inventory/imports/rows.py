"""The frozen shapes that pass between reading, planning and applying."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from homeroom.inventory.imports.columns import Field
from homeroom.inventory.imports.models import DateOrder, ImportRow

Outcome = ImportRow.Outcome


@dataclass(frozen=True, slots=True)
class FileRow:
    """One row: its number as a spreadsheet shows it, its cells without surrounding white space."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file that is brought in."""

    position: int
    header: str
    field: Field


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row is refused. `column` is the file's header, empty where the whole row is meant."""

    row: int
    column: str
    problem: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A row whose cells have been read: a value for each field of the file, None if empty."""

    number: int
    values: Mapping[str, Any]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One value, before and after, as people read it."""

    column: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Planned:
    """What happens with one row. No outcome means that it changes nothing.

    `values` are what is written: all of a new row's, only the changed ones of a known row's.
    """

    number: int
    label: str
    outcome: Outcome | None
    target_id: int | None = None
    values: Mapping[str, Any] | None = None
    changes: tuple[Change, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """What the person who imports has chosen."""

    create_sites: bool = False
    date_order: str = DateOrder.UNKNOWN
