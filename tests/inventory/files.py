"""Files for imports, written as people's programs write them."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import openpyxl

from homeroom.accounts.policy import COMMAND_LINE_VIEWER, Viewer
from homeroom.inventory.imports.planning import Source, Tally
from homeroom.inventory.imports.rows import Options
from homeroom.inventory.imports.verbs import RowsRefused, import_from_command_line


def csv_text(rows: Iterable[Sequence[object]], *, delimiter: str = ",") -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue()


def write_csv(path: Path, *rows: Sequence[object]) -> Path:
    path.write_text(csv_text(rows), encoding="utf-8", newline="")
    return path


def write_xlsx(path: Path, *rows: Sequence[object]) -> Path:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    workbook.save(path)
    workbook.close()
    return path


def bring_in(
    path: Path, noun: str = "devices", *, viewer: Viewer = COMMAND_LINE_VIEWER, **options: object
) -> Tally:
    """Import the file; a refused one gives its tally all the same."""
    try:
        return import_from_command_line(Source(path, noun, options=Options(**options)), viewer)
    except RowsRefused as refused:
        return refused.tally


def sentences(tally: Tally) -> list[tuple[int, str, str]]:
    return [(problem.row, problem.column, problem.problem) for problem in tally.problems]
