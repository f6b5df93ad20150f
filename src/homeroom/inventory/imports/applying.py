"""Writing what was planned: set-based, changed rows only, and as little as possible while others wait.

A file is read and planned before the transaction that writes it (on SQLite, nobody else writes meanwhile). What each
batch writes is kept aside together with a fingerprint of what it was decided from; the transaction looks again, and
writes if that is as it was.
"""

import pickle
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import IO, Any

from homeroom.accounts.policy import Viewer
from homeroom.inventory.imports import devices, people
from homeroom.inventory.imports.models import Noun
from homeroom.inventory.imports.planning import Planner, Source, Tally
from homeroom.inventory.imports.rows import Outcome, Planned
from homeroom.inventory.imports.rules import Known, Surroundings
from homeroom.inventory.imports.surroundings import Texts, look_around, surroundings
from homeroom.inventory.models import Assignment, Device, DeviceStatus, Person, Site
from homeroom.rows import Growing, write_rows

NULL_WHEN_UNKNOWN = {"asset_tag", "serial_number", "purchase_date", "cost"}
KEPT_IN_MEMORY = 16 * 1024 * 1024

Row = dict[str, Any]


class SurroundingsChanged(Exception):  # noqa: N818 - the name is the fact
    """Somebody wrote something that a batch was decided from."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What one batch writes, by attribute names; a site or status is its name until it is written."""

    new: list[Row]
    changed: list[Row]
    fields: tuple[str, ...]
    """Those in which at least one of the changed rows differs: the indexes of others are left alone."""
    handed_out: list[tuple[Row, int | None]]
    """The person that each of these devices is with from now on."""


class Prepared:
    """A whole file, planned and ready to be written."""

    def __init__(self, source: Source, viewer: Viewer, kept: IO[bytes]) -> None:
        self._source = source
        self._viewer = viewer
        self._kept = kept
        planner = Planner(source, viewer)
        self._surroundings = replace(planner.around)
        self.tally: Tally = planner.tally
        for batch in planner.batches():
            if not self.tally.refused:
                rows = rows_of(source.noun, batch, planner.around.by_identity.values())
                pickle.dump((planner.looked_for, _seen(planner.around), rows), kept)

    def write(self, *, at: datetime) -> None:
        """Inside the caller's transaction. Raises SurroundingsChanged if something is not as it was."""
        around = surroundings(self._viewer, create_sites=self._source.options.create_sites)
        if around != self._surroundings:
            raise SurroundingsChanged
        writer = Writer(self._source.noun, at=at)
        for texts, seen, rows in self._batches():
            look_around(around, self._source.noun, texts, self._viewer, lock=True)
            if _seen(around) != seen:
                raise SurroundingsChanged
            writer.write(rows)

    def _batches(self) -> Iterator[tuple[Texts, int, Rows]]:
        end = self._kept.tell()
        self._kept.seek(0)
        while self._kept.tell() < end:
            yield pickle.load(self._kept)  # noqa: S301 - it is this object's own


@contextmanager
def prepared(source: Source, viewer: Viewer) -> Iterator[Prepared]:
    """Outside any transaction: this takes most of the time. What is kept aside is gone at the end."""
    with tempfile.SpooledTemporaryFile(KEPT_IN_MEMORY) as kept:
        yield Prepared(source, viewer, kept)


def _seen(around: Surroundings) -> int:
    """A fingerprint of what a batch was decided from, for this process only."""
    known = ((key, one.id, one.site_is_seen, *one.values.values()) for key, one in around.by_identity.items())
    return hash((tuple(known), tuple(around.people.items())))


def rows_of(noun: str, batch: Iterable[Planned], known: Iterable[Known]) -> Rows:
    """What these plans write. An unchanged row, and a device that only changes hands, is not written."""
    planned = [one for one in batch if one.outcome and one.values]
    known_by_id = {one.id: one for one in known}
    row_of = _person_row if noun == Noun.PEOPLE else _device_row
    new, changed, fields, handed_out = [], [], set(), []
    for one in planned:
        values = one.values or {}
        row = row_of(one, known_by_id[one.target_id] if one.target_id is not None else None)
        if one.outcome is Outcome.CREATED:
            new.append(row)
        elif values.keys() - {"person"}:
            changed.append(row)
            fields |= values.keys() - {"person"}
        if "person" in values:
            handed_out.append((row, values["person"].id if values["person"] else None))
    return Rows(new, changed, tuple(sorted(fields)), handed_out)


def _device_row(planned: Planned, known: Known | None) -> Row:
    return _row(planned, known, devices.PLAIN_FIELDS, ("site", "status"))


def _person_row(planned: Planned, known: Known | None) -> Row:
    return _row(planned, known, people.PLAIN_FIELDS, ("site",))


def _row(planned: Planned, known: Known | None, plain: Sequence[str], named: Sequence[str]) -> Row:
    values = {**(known.values if known else {}), **(planned.values or {})}
    row = {name: _stored(name, values[name]) for name in plain if name in values}
    row |= {name: values[name] for name in named}
    return row | {"id": known.id} if known else row


def _stored(name: str, value: Any) -> Any:
    """Unknown text is the empty string in the database; an unknown identity, date or cost is null."""
    return "" if value is None and name not in NULL_WHEN_UNKNOWN else value


class Writer:
    """Writes the batches of one apply; remembers what names stand for."""

    def __init__(self, noun: str, *, at: datetime) -> None:
        self.noun = noun
        self.now = at
        self._growing = Growing(Person if noun == Noun.PEOPLE else Device)
        self._sites: dict[str, int] = dict(Site.objects.values_list("name", "pk"))
        self._statuses: dict[str, int] = dict(DeviceStatus.objects.values_list("name", "pk"))

    def write(self, rows: Rows) -> None:
        self._add_sites({row["site"] for row in (*rows.new, *rows.changed)})
        new, changed = map(self._stored_rows, (rows.new, rows.changed))
        if self.noun == Noun.PEOPLE:
            write_rows(Person, new)
            write_rows(Person, changed, unique=("id",), update=rows.fields)
        else:
            Device.objects.write_rows(new)
            Device.objects.write_rows(changed, unique=("id",), update=rows.fields)
            self._assign(rows.handed_out)
        self._growing.by(len(new))

    def _add_sites(self, names: set[str]) -> None:
        for name in sorted(names - self._sites.keys()):
            self._sites[name] = Site.objects.create(name=name).pk

    def _stored_rows(self, rows: Iterable[Row]) -> list[Row]:
        statuses = self._statuses
        return [
            {
                **row,
                "site_id": self._sites[row["site"]],
                "status_id": statuses[row["status"]] if "status" in row else None,
                "created_at": self.now,  # of a new row; that of a known one is never overwritten
            }
            for row in rows
        ]

    def _assign(self, handed_out: Sequence[tuple[Row, int | None]]) -> None:
        """Who had a device before is history; the row's person has it from now on."""
        keys = _keys([row for row, _person in handed_out])
        Assignment.objects.filter(device__in=keys, ended_at=None).update(ended_at=self.now)
        Assignment.objects.bulk_create(
            Assignment(device_id=key, person_id=person, started_at=self.now)
            for key, (_row, person) in zip(keys, handed_out, strict=True)
            if person is not None
        )


def _keys(rows: Sequence[Row]) -> list[int]:
    """Those of new devices were given by the database."""
    new = [row for row in rows if "id" not in row]
    given: dict[tuple[str, str], int] = {}
    for name in ("serial_number", "asset_tag"):
        texts = [row[name] for row in new if row.get(name)]
        found = Device.objects.filter(**{f"{name}__in": texts}).order_by().values_list(name, "pk")
        given |= {(name, text): key for text, key in found}
    return [row.get("id") or given[_identity(row)] for row in rows]


def _identity(row: Row) -> tuple[str, str]:
    name = "serial_number" if row.get("serial_number") else "asset_tag"
    return name, row[name]
