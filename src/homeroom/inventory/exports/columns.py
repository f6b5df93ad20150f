"""Which nouns can be exported, and with which columns. A small registry that higher apps add to."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from homeroom.accounts.policy import Viewer

Annotate = Callable[[QuerySet[Any], Viewer], QuerySet[Any]]


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """`path` is what the database is asked for: a field, a relation's field, an annotation."""

    name: str
    path: str = ""
    convert: Callable[[Any], Any] | None = None

    @property
    def source(self) -> str:
        return self.path or self.name


@dataclass(frozen=True, slots=True)
class ExportNoun:
    """`rows` are all that a viewer may export of it, in a stable order."""

    name: str
    rows: Callable[[Viewer], QuerySet[Any]]


@dataclass(frozen=True, slots=True)
class _Addition:
    order: int
    columns: tuple[ExportColumn, ...]
    annotate: Annotate | None


_nouns: dict[str, ExportNoun] = {}
_additions: dict[str, list[_Addition]] = {}


def register_noun(
    noun: ExportNoun, columns: Iterable[ExportColumn], *, annotate: Annotate | None = None
) -> None:
    """Make a noun exportable: `homeroom export` and lists offer it from now on."""
    _nouns[noun.name] = noun
    register_columns(noun.name, columns, annotate=annotate, order=0)


def register_columns(
    noun: str, columns: Iterable[ExportColumn], *, annotate: Annotate | None = None, order: int = 100
) -> None:
    """Add columns to a noun, after those of a lower `order`; `annotate` brings what they read."""
    additions = _additions.setdefault(noun, [])
    added = tuple(columns)
    if twice := {column.name for column in columns_of(noun)} & {column.name for column in added}:
        raise LookupError(f"{noun} have {', '.join(sorted(twice))} already")
    additions.append(_Addition(order, added, annotate))
    additions.sort(key=lambda addition: addition.order)


def nouns() -> list[str]:
    return sorted(_nouns)


def noun_named(name: str) -> ExportNoun:
    return _nouns[name]


def columns_of(noun: str) -> list[ExportColumn]:
    return [column for addition in _additions.get(noun, []) for column in addition.columns]


def annotated(noun: str, rows: QuerySet[Any], viewer: Viewer) -> QuerySet[Any]:
    for addition in _additions.get(noun, []):
        if addition.annotate is not None:
            rows = addition.annotate(rows, viewer)
    return rows
