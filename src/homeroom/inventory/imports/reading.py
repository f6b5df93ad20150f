"""Opening a file of rows, whatever wrote it: CSV in its usual encodings and delimiters, or XLSX."""

import codecs
import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.utils.translation import gettext as translated

from homeroom.inventory.exports.spreadsheets import unguarded
from homeroom.inventory.imports.rows import FileRow
from homeroom.inventory.imports.workbooks import is_workbook, workbook_rows
from homeroom.web.errors import Refused

DELIMITERS = ",;\t"
BLOCK = 1 << 20
MOST_COLUMNS = 500
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_ZIP = b"PK\x03\x04"
_NUL = re.compile("\0")
_BINARY = re.compile(r"[\x00-\x08\x0b\x0e-\x1f]")
"""Windows-1252 gives nearly every byte a letter: control characters tell that the file is no text at all."""
_UTF16_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Sheet:
    headers: tuple[str, ...]
    rows: Iterator[FileRow]


def is_zip(path: Path) -> bool:
    """Whether the file is packed as workbooks are."""
    with path.open("rb") as file:
        return file.read(len(_ZIP)) == _ZIP


@contextmanager
def open_sheet(path: Path) -> Iterator[Sheet]:
    """Open `path` by what it holds, not by what it is called. Rows are read as they are asked for."""
    with path.open("rb") as file:
        start = file.read(8)
        file.seek(0)
        if not start:
            raise Refused(translated("The file is empty."))
        if start.startswith(_OLD_EXCEL):
            raise Refused(
                translated("This is an old Excel file (.xls). Save it as .xlsx or CSV and try again.")
            )
        if start.startswith(_ZIP):
            if not is_workbook(file):
                raise Refused(translated("This is not an Excel workbook. Use CSV or XLSX."))
            with workbook_rows(file) as rows:
                yield _sheet(rows)
        else:
            yield _sheet(_csv_rows(path, _encoding(file)))


def _sheet(rows: Iterator[FileRow]) -> Sheet:
    for row in rows:
        if not any(row.cells):
            continue
        if len(row.cells) > MOST_COLUMNS:
            raise Refused(translated("The file has more than %(most)d columns.") % {"most": MOST_COLUMNS})
        return Sheet(row.cells, (row for row in rows if any(row.cells)))
    raise Refused(translated("The file has no header row."))


def _encoding(file: IO[bytes]) -> str:
    """UTF-8 or UTF-16 by its mark; else UTF-8, else Windows-1252, if the whole file can be that."""
    start = file.read(4)
    file.seek(0)
    if start.startswith(codecs.BOM_UTF8):
        candidates = ["utf-8-sig"]
    elif start.startswith(_UTF16_BOMS):
        candidates = ["utf-16"]
    elif start[1:2] == b"\0":
        candidates = ["utf-16-le"]
    elif start[:1] == b"\0":
        candidates = ["utf-16-be"]
    else:
        candidates = ["utf-8", "cp1252"]
    for encoding in candidates:
        if _decodes(file, encoding):
            return encoding
    raise Refused(
        translated("The text of this file can't be read. Save it as CSV in UTF-8, or as XLSX, and try again.")
    )


def _decodes(file: IO[bytes], encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    never = _BINARY if encoding == "cp1252" else _NUL
    file.seek(0)
    try:
        while block := file.read(BLOCK):
            if never.search(decoder.decode(block)):
                return False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _csv_rows(path: Path, encoding: str) -> Iterator[FileRow]:
    with path.open(encoding=encoding, newline="") as file:
        delimiter = _delimiter(file)
        number = 0
        try:
            for number, cells in enumerate(csv.reader(file, delimiter=delimiter, strict=True), start=1):
                if number == 1 and cells and cells[0].lower().startswith("sep="):
                    continue
                yield FileRow(number, tuple(unguarded(cell).strip() for cell in cells))
        except csv.Error as error:
            raise Refused(
                translated("The CSV is damaged after row %(number)d: %(error)s.")
                % {"number": number, "error": error}
            ) from None


def _delimiter(file: IO[str]) -> str:
    """The delimiter that cuts the header into the most columns; `sep=;` on the first line says it itself."""
    line = file.readline(64 * 1024)
    if line.lower().startswith("sep=") and line[4:5] in set(DELIMITERS):
        file.seek(0)
        return line[4]
    counts: dict[str, int] = {}
    for delimiter in DELIMITERS:
        file.seek(0)
        try:
            counts[delimiter] = len(next(csv.reader(file, delimiter=delimiter), []))
        except csv.Error:
            counts[delimiter] = 0
    file.seek(0)
    return max(DELIMITERS, key=counts.__getitem__)
