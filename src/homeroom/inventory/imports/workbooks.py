"""Reading the first sheet of an Excel workbook, row by row."""

import re
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from typing import IO
from xml.etree.ElementTree import ParseError

import openpyxl
from django.utils.translation import gettext as translated
from openpyxl.utils.exceptions import InvalidFileException

from homeroom.inventory.imports.rows import FileRow
from homeroom.web.errors import Refused

LARGEST_UNPACKED = 1 << 30
LARGEST_HELD = 100 << 20
"""A workbook is a zip file: what it unpacks to is bounded, more so what is held in memory beside the sheets."""
MOST_ROWS = 1_048_576
"""What Excel can hold. A forged row number would be billions of empty rows."""
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
"""Workbooks write characters that XML can't hold as `_x000D_`."""
_NEVER_TEXT = {0, *range(0xD800, 0xE000)}
_UNREADABLE = (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, ParseError, OSError, EOFError)


def is_workbook(file: IO[bytes]) -> bool:
    try:
        with zipfile.ZipFile(file) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except zipfile.BadZipFile:
        return False
    finally:
        file.seek(0)


@contextmanager
def workbook_rows(file: IO[bytes]) -> Iterator[Iterator[FileRow]]:
    """The rows of the first sheet; the others are not read."""
    _refuse_too_large(file)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            workbook = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
        except _UNREADABLE:
            raise _damaged() from None
        try:
            yield _rows(workbook)
        finally:
            workbook.close()


def _refuse_too_large(file: IO[bytes]) -> None:
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
    held = sum(entry.file_size for entry in entries if not entry.filename.startswith("xl/worksheets/"))
    if held > LARGEST_HELD or sum(entry.file_size for entry in entries) > LARGEST_UNPACKED:
        raise Refused(translated("The workbook is too large. Save the sheet as CSV and try again."))
    file.seek(0)


def _rows(workbook: openpyxl.Workbook) -> Iterator[FileRow]:
    sheets = workbook.worksheets
    if not sheets:
        return
    sheet = sheets[0]
    sheet.reset_dimensions()
    rows = sheet.iter_rows(values_only=True)
    for number in range(1, MOST_ROWS + 1):
        try:
            values = next(rows)
        except StopIteration:
            return
        except _UNREADABLE:
            raise _damaged() from None
        yield FileRow(number, tuple(_text(value) for value in values))
    if next(rows, None) is not None:
        raise _damaged()


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case datetime() | date():
            return value.isoformat()
        case _:
            return _ESCAPED.sub(_unescaped, str(value)).strip()


def _unescaped(escaped: re.Match[str]) -> str:
    code = int(escaped[1], 16)
    return escaped[0] if code in _NEVER_TEXT else chr(code)


def _damaged() -> Refused:
    return Refused(translated("The workbook is damaged and can't be read. Save it again, or as CSV."))
