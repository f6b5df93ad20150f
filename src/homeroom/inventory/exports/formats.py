"""Rows as CSV, JSON or XLSX. Rows are taken one by one: memory does not grow with their number."""

import csv
import io
import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import IO, Any

import xlsxwriter
from django.db.models import QuerySet
from django.utils.translation import gettext as translated

from homeroom.accounts.policy import Viewer
from homeroom.inventory.exports.columns import ExportColumn, annotated, columns_of
from homeroom.inventory.exports.spreadsheets import guarded
from homeroom.web.errors import Refused

FETCHED_AT_ONCE = 2000
ROWS_PER_CHUNK = 500
MOST_XLSX_ROWS = 1_048_575
LONGEST_XLSX_CELL = 32_767
FIRST_XLSX_DAY = date(1900, 1, 1)
"""Excel knows no day before it, and shows an error instead; such a one, mistyped perhaps, is written as text."""


class Format(StrEnum):
    CSV = "csv"
    JSON = "json"
    XLSX = "xlsx"


CONTENT_TYPES = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.JSON: "application/json",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

Row = Sequence[Any]


def header(noun: str) -> list[str]:
    return [column.name for column in columns_of(noun)]


def rows(noun: str, queryset: QuerySet[Any], viewer: Viewer) -> Iterator[Row]:
    """The values of each row, in the order of the noun's columns; unknown is None."""
    return rows_with(columns_of(noun), annotated(noun, queryset, viewer))


def rows_with(columns: Sequence[ExportColumn], queryset: QuerySet[Any]) -> Iterator[Row]:
    """The same of chosen columns, from rows that have what they read."""
    found = queryset.values_list(*(column.source for column in columns))
    converts = [(at, column.convert) for at, column in enumerate(columns) if column.convert is not None]
    for values in found.iterator(chunk_size=FETCHED_AT_ONCE):
        row = [None if value == "" else value for value in values]
        for at, convert in converts:
            row[at] = convert(row[at])
        yield row


def csv_chunks(names: Sequence[str], found: Iterable[Row]) -> Iterator[str]:
    yield _csv_text([names])
    remaining = iter(found)
    while chunk := list(islice(remaining, ROWS_PER_CHUNK)):
        yield _csv_text([[_csv_cell(value) for value in row] for row in chunk])


def _csv_text(lines: Iterable[Row]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(lines)
    return text.getvalue()


def _csv_cell(value: Any) -> str:
    if isinstance(value, str):
        return guarded(value)
    return _plain_text(value)


def _plain_text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return _utc(value)
        case date():
            return value.isoformat()
        case dict() | list():
            return json.dumps(value)
        case _:
            return str(value)


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def json_chunks(names: Sequence[str], found: Iterable[Row]) -> Iterator[str]:
    remaining = iter(found)
    yield "["
    separator = "\n"
    while chunk := list(islice(remaining, ROWS_PER_CHUNK)):
        yield separator + ",\n".join(
            json.dumps(dict(zip(names, row, strict=True)), default=_json_value) for row in chunk
        )
        separator = ",\n"
    yield "\n]\n"


def json_object(noun: str, one: QuerySet[Any], viewer: Viewer) -> str:
    """The only row of a queryset of one."""
    (row,) = rows(noun, one, viewer)
    return json.dumps(dict(zip(header(noun), row, strict=True)), default=_json_value)


def _json_value(value: Any) -> str:
    return _plain_text(value)


def write_rows_as(
    wanted: Format, names: Sequence[str], found: Iterable[Row], file: IO[bytes], *, folder: Path | None = None
) -> None:
    """Write to a file that can be sought in. What is put aside meanwhile is put below `folder`."""
    if wanted is Format.XLSX:
        write_xlsx(names, found, file, folder=folder)
        return
    for text in csv_chunks(names, found) if wanted is Format.CSV else json_chunks(names, found):
        file.write(text.encode())


def write_xlsx(
    names: Sequence[str], found: Iterable[Row], file: IO[bytes], *, folder: Path | None = None
) -> None:
    """One sheet, written row by row. Text is written as text: nothing in it is ever a formula or a link."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="xlsx-") as aside:
        workbook = xlsxwriter.Workbook(
            file,
            {
                "constant_memory": True,
                "tmpdir": aside,
                "use_zip64": True,  # a million rows with every column pass two gigabytes
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
            },
        )
        sheet = workbook.add_worksheet()
        try:
            _write_sheet(workbook, sheet, names, found)
        except BaseException:
            sheet._opt_close()  # noqa: SLF001 - closing the workbook would first pack all that was written
            raise
        workbook.close()


def refuse_too_many(wanted: Format, count: int) -> None:
    if wanted is Format.XLSX and count > MOST_XLSX_ROWS:
        raise Refused(
            translated("An Excel sheet can't hold that many rows. Choose CSV or JSON."), field="format"
        )


def _write_sheet(workbook: Any, sheet: Any, names: Sequence[str], found: Iterable[Row]) -> None:
    sheet.freeze_panes(1, 0)
    looks = _Looks(
        day=workbook.add_format({"num_format": "yyyy-mm-dd"}),
        money=workbook.add_format({"num_format": "0.00"}),
    )
    bold = workbook.add_format({"bold": True})
    for at, name in enumerate(names):
        sheet.write_string(0, at, name, bold)
    for line, row in enumerate(found, start=1):
        refuse_too_many(Format.XLSX, line)
        for at, value in enumerate(row):
            _write_cell(sheet, line, at, value, looks)


@dataclass(frozen=True, slots=True)
class _Looks:
    day: Any
    money: Any


def _write_cell(sheet: Any, line: int, at: int, value: Any, looks: _Looks) -> None:
    match value:
        case None:
            pass
        case bool():
            sheet.write_boolean(line, at, value)
        case datetime():
            sheet.write_string(line, at, _utc(value))
        case date() if value >= FIRST_XLSX_DAY:
            sheet.write_datetime(line, at, value, looks.day)
        case Decimal():
            sheet.write_number(line, at, value, looks.money)
        case int() | float():
            sheet.write_number(line, at, value)
        case _:
            sheet.write_string(line, at, _plain_text(value)[:LONGEST_XLSX_CELL])
