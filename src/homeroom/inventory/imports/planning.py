"""The plan of a whole file, batch by batch: the same for a dry run, the page that shows it, and the apply."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, zip_longest
from pathlib import Path

from django.utils.translation import gettext as translated

from homeroom.accounts.policy import Viewer
from homeroom.inventory.imports.columns import FIELDS, IDENTITIES, field_named, recognised
from homeroom.inventory.imports.devices import plan_device
from homeroom.inventory.imports.models import ImportRow, Noun
from homeroom.inventory.imports.people import plan_person
from homeroom.inventory.imports.reading import open_sheet
from homeroom.inventory.imports.rows import Column, Options, Outcome, Planned, Problem, Reading
from homeroom.inventory.imports.rules import Choice, header_names, read_row
from homeroom.inventory.imports.surroundings import Texts, look_around, surroundings, texts_of
from homeroom.web.errors import Refused

BATCH = 1000
ROWS_FOR_EXAMPLES = 20
LONGEST_EXAMPLE = 60
MOST_PROBLEMS = 1000
"""Problems kept for showing; every one is counted."""

_PLAN = {Noun.DEVICES.value: plan_device, Noun.PEOPLE.value: plan_person}


@dataclass(frozen=True, slots=True)
class Source:
    """A file and how it is to be read. An empty mapping means: recognise the headers."""

    path: Path
    noun: str
    mapping: Sequence[str] = ()
    options: Options = field(default_factory=Options)


@dataclass(slots=True)
class Tally:
    """What a plan comes to."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    problems: list[Problem] = field(default_factory=list)
    new_sites: list[str] = field(default_factory=list)
    ignored_headers: list[str] = field(default_factory=list)
    _digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def add(self, batch: Sequence[Planned]) -> None:
        for planned in batch:
            match planned.outcome:
                case ImportRow.Outcome.CREATED:
                    self.created += 1
                case ImportRow.Outcome.UPDATED:
                    self.updated += 1
                case ImportRow.Outcome.REFUSED:
                    self.refused += 1
                    self.problems += planned.problems[: max(0, MOST_PROBLEMS - len(self.problems))]
                case None:
                    self.unchanged += 1
            if planned.outcome:
                self._digest.update(repr((planned.number, planned.outcome.value, planned.changes)).encode())

    @property
    def fingerprint(self) -> str:
        return self._digest.hexdigest()

    def counts(self) -> dict[str, int]:
        return {
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "refused": self.refused,
        }


def headers_and_examples(path: Path) -> tuple[tuple[str, ...], list[str]]:
    """The headers, and the first value under each within the first rows."""
    with open_sheet(path) as sheet:
        examples = [""] * len(sheet.headers)
        for row in islice(sheet.rows, ROWS_FOR_EXAMPLES):
            examples = [
                example or cell[:LONGEST_EXAMPLE]
                for example, cell in zip_longest(examples, row.cells, fillvalue="")
            ][: len(sheet.headers)]
        return sheet.headers, examples


class Planner:
    """Plans one file for one viewer. `lock` holds the rows that it reads until the transaction ends."""

    def __init__(self, source: Source, viewer: Viewer, *, lock: bool = False) -> None:
        self.source = source
        self.viewer = viewer
        self.lock = lock
        self.tally = Tally()
        self.around = surroundings(viewer, create_sites=source.options.create_sites)
        self.looked_for: Texts = {}
        self._first_row_of: dict[tuple[str, str], int] = {}
        self._first_row_of_target: dict[int, int] = {}

    def batches(self) -> Iterator[list[Planned]]:
        with open_sheet(self.source.path) as sheet:
            columns = self._columns(sheet.headers)
            headers = header_names(columns)
            while rows := list(islice(sheet.rows, BATCH)):
                readings = [
                    read_row(
                        columns, row, width=len(sheet.headers), date_order=self.source.options.date_order
                    )
                    for row in rows
                ]
                self.looked_for = texts_of(self.source.noun, readings)
                look_around(self.around, self.source.noun, self.looked_for, self.viewer, lock=self.lock)
                batch = [self._planned(reading, headers) for reading in readings]
                self.tally.add(batch)
                yield batch

    def _columns(self, headers: Sequence[str]) -> list[Column]:
        noun = self.source.noun
        mapping = self.source.mapping or recognised(noun, headers)
        columns = [
            Column(position, header, field_named(noun, name))
            for position, (header, name) in enumerate(zip(headers, mapping, strict=True))
            if name
        ]
        self.tally.ignored_headers = [
            header for header, name in zip(headers, mapping, strict=True) if header and not name
        ]
        if not {column.field.name for column in columns} & set(IDENTITIES[noun]):
            raise Refused(_missing_identity(noun))
        return columns

    def _planned(self, reading: Reading, headers: dict[str, str]) -> Planned:
        planned = _PLAN[self.source.noun](reading, headers, self.around)
        planned = self._refused_if_repeated(planned, reading, headers)
        if planned.outcome is not Outcome.REFUSED:
            self._note_new_site(planned)
        return planned

    def _refused_if_repeated(self, planned: Planned, reading: Reading, headers: dict[str, str]) -> Planned:
        problems = list(planned.problems)
        for name in IDENTITIES[self.source.noun]:
            if value := reading.values.get(name):
                first = self._first_row_of.setdefault((name, value), reading.number)
                if first != reading.number:
                    sentence = translated("“%(value)s” is in row %(row)d already.") % {
                        "value": value,
                        "row": first,
                    }
                    problems.append(Problem(reading.number, headers[name], sentence))
        if planned.target_id is not None and not problems:
            first = self._first_row_of_target.setdefault(planned.target_id, reading.number)
            if first != reading.number:
                sentence = translated("Row %(row)d is about the same one already.") % {"row": first}
                problems.append(Problem(reading.number, "", sentence))
        if len(problems) == len(planned.problems):
            return planned
        return Planned(reading.number, planned.label, Outcome.REFUSED, problems=tuple(problems))

    def _note_new_site(self, planned: Planned) -> None:
        name = (planned.values or {}).get("site")
        if name and name not in self.around.sites:
            self.tally.new_sites.append(name)
            choice = Choice(name)
            self.around.sites = {name.casefold(): choice, **self.around.sites, name: choice}


def _missing_identity(noun: str) -> str:
    names = [str(one.label) for one in FIELDS[noun] if one.name in IDENTITIES[noun]]
    return translated("The file has no column for: %(names)s. Is the first row the header?") % {
        "names": translated(" or ").join(names)
    }
