"""Which files can be read, and what is said of those that can't."""

import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeroom.inventory.imports.columns import recognised
from homeroom.inventory.imports.models import Noun
from homeroom.inventory.imports.reading import open_sheet
from homeroom.inventory.imports.values import Unreadable, read_date
from homeroom.web.errors import Refused
from tests.inventory.files import csv_text, write_xlsx

ROWS = (("asset_tag", "name"), ("1", "Zoë's iPad"))


def read(path: Path) -> list[tuple[str, ...]]:
    with open_sheet(path) as sheet:
        return [sheet.headers, *(row.cells for row in sheet.rows)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_it_reads_the_encodings_and_delimiters_that_programs_write(file: Path, encoding: str, delimiter: str):
    file.write_bytes(csv_text(ROWS, delimiter=delimiter).encode(encoding))
    assert read(file) == list(ROWS)


def test_a_separator_line_is_obeyed(file: Path):
    file.write_text("sep=;\nasset_tag;name\n1;a,b\n")
    assert read(file) == [("asset_tag", "name"), ("1", "a,b")]


def test_a_workbook_is_known_by_what_it_holds(file: Path):
    write_xlsx(file.with_suffix(".xlsx"), *ROWS).rename(file)
    assert read(file) == list(ROWS)


def test_dates_numbers_and_yes_or_no_in_a_workbook_become_text(tmp_path: Path):
    path = write_xlsx(
        tmp_path / "x.xlsx", ("a", "b", "c", "d"), (12345.0, 329.5, True, "y"), (None, None, None, "x")
    )
    assert read(path)[1:] == [("12345", "329.5", "true", "y"), ("", "", "", "x")]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty."),
        (b"\n\n ,\n", "The file has no header row."),
        (b"\xef\xbb\xbf", "The file has no header row."),
        (b"\xd0\xcf\x11\xe0 old", "This is an old Excel file (.xls). Save it as .xlsx or CSV and try again."),
        (b"PK\x03\x04 torn", "This is not an Excel workbook. Use CSV or XLSX."),
        (
            b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
            "The text of this file can't be read. Save it as CSV in UTF-8, or as XLSX, and try again.",
        ),
        (
            b"\xef\xbb\xbfname\n\xff\xfe",
            "The text of this file can't be read. Save it as CSV in UTF-8, or as XLSX, and try again.",
        ),
        (
            b"name\n\x81\x8d",
            "The text of this file can't be read. Save it as CSV in UTF-8, or as XLSX, and try again.",
        ),
        (b'name,notes\n1,"never closed\n', "The CSV is damaged after row 1: unexpected end of data."),
        (b",".join([b"h"] * 501), "The file has more than 500 columns."),
    ],
)
def test_it_says_why_a_file_cannot_be_read(file: Path, content: bytes, sentence: str):
    file.write_bytes(content)
    with pytest.raises(Refused) as refused:
        read(file)
    assert refused.value.sentence == sentence


def test_a_zip_that_is_no_workbook_is_refused(file: Path):
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(Refused, match="not an Excel workbook"):
        read(file)


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.95])
def test_a_torn_workbook_is_refused(tmp_path: Path, keep: float):
    path = write_xlsx(tmp_path / "x.xlsx", *ROWS)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(Refused):
        read(path)


def test_a_workbook_with_a_broken_sheet_is_refused(tmp_path: Path):
    path = write_xlsx(tmp_path / "x.xlsx", *ROWS)
    broken = tmp_path / "broken.xlsx"
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(broken, "w") as archive:
        for entry in whole.namelist():
            archive.writestr(entry, whole.read(entry)[:200] if "sheet1" in entry else whole.read(entry))
    with pytest.raises(Refused):
        read(broken)


def test_a_forged_row_number_is_refused_and_does_not_hang(tmp_path: Path):
    path = write_xlsx(tmp_path / "x.xlsx", *ROWS)
    forged = tmp_path / "forged.xlsx"
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(forged, "w") as archive:
        for entry in whole.namelist():
            archive.writestr(entry, whole.read(entry).replace(b'r="2"', b'r="2000000000"'))
    with pytest.raises(Refused):
        read(forged)


def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path: Path):
    path = write_xlsx(tmp_path / "x.xlsx", *ROWS)
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/bomb.xml", "w") as bomb,
    ):
        for _ in range(101):
            bomb.write(bytes(1 << 20))
    with pytest.raises(Refused, match="too large"):
        read(path)


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=400))
def test_whatever_the_bytes_a_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
):
    path = tmp_path_factory.mktemp("hostile") / "file"
    path.write_bytes(content)
    rows = []
    with suppress(Refused):
        rows = read(path)
    assert all(isinstance(cell, str) and cell == cell.strip() for row in rows for cell in row)


def test_headers_of_a_snipe_it_list_are_recognised():
    headers = [
        "Asset Name",
        "Asset Tag",
        "Serial",
        "Model",
        "Model No.",
        "Category",
        "Status",
        "Checked Out To",
    ]
    headers += [
        "Location",
        "Manufacturer",
        "Supplier",
        "Purchase Date",
        "Purchase Cost",
        "Order Number",
        "Notes",
    ]
    assert recognised(Noun.DEVICES, headers) == [
        *("name", "asset_tag", "serial_number", "model", "", "category", "status", "person"),
        *("site", "manufacturer", "", "purchase_date", "cost", "purchase_order", "notes"),
    ]


def test_headers_of_a_snipe_it_report_are_recognised():
    headers = [
        "Company",
        "Asset Tag",
        "Serial",
        "Purchased",
        "Cost",
        "Location",
        "Default Location",
        "Employee No.",
    ]
    assert recognised(Noun.DEVICES, headers) == [
        *("", "asset_tag", "serial_number", "purchase_date", "cost", "site", "", "employee_number"),
    ]


def test_of_two_headers_for_one_field_homerooms_own_is_taken():
    assert recognised(Noun.DEVICES, ["Serial", "serial_number"]) == ["", "serial_number"]


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-14",
        "2026/3/14",
        "2026-03-14T00:00:00",
        "3/14/2026",
        "14.3.2026",
        "14 Mar 2026",
        "March 14, 2026",
    ],
)
def test_dates_that_can_mean_one_day_are_read(text: str):
    assert read_date(text, "").isoformat() == "2026-03-14"


@given(text=st.text(max_size=20))
def test_any_text_is_a_date_or_unreadable(text: str):
    with suppress(Unreadable):
        assert read_date(text, "")
