"""A report with more rows than Excel gets at once: ordered, followed, fetched, read and deleted."""

from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import expect

from homeroom.inventory.exports.views import MOST_XLSX_ROWS_AT_ONCE
from tests.journeys.conftest import Visit
from tests.journeys.test_first_sync import looks_right

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]
ROWS = MOST_XLSX_ROWS_AT_ONCE + 1


def test_a_large_report_becomes_a_workbook_meanwhile(visit: Visit, tmp_path: Path) -> None:
    page = visit.page
    devices = tmp_path / "devices.csv"
    lines = (f"D{number:06},S{number:06}X,iPad,Apple,North School" for number in range(ROWS))
    header = "asset_tag,serial_number,product_family,manufacturer,site"
    devices.write_text("\n".join([header, *lines]))
    visit.installation.run("import", "devices", str(devices))

    visit.sign_in()
    visit.open("/reports/files/")
    expect(page.get_by_text("No files")).to_be_visible()
    looks_right(visit, "files-empty")

    visit.open("/reports/mdm/in-inventory-not-in-apple/")
    page.get_by_role("button", name="Download").click()
    looks_right(visit, "files-download")
    page.get_by_role("button", name="Excel (XLSX), made in the background").click()
    page.wait_for_url("**/reports/files/")
    under_way = page.get_by_text("The worker takes it up within a few seconds.")
    expect(under_way.or_(page.get_by_role("progressbar"))).to_be_visible()
    visit.picture("files-under-way")

    fetch = page.get_by_role("link", name="Download")
    expect(fetch).to_be_visible(timeout=60_000)
    expect(page.locator("#files-told")).to_have_text("In inventory, not in Apple School Manager: Ready")
    looks_right(visit, "files-ready")
    page.emulate_media(color_scheme="dark")
    page.reload()  # colours change slowly, and axe would see them half-way
    looks_right(visit, "files-ready-dark")
    page.emulate_media(color_scheme="light")
    with page.expect_download() as download:
        fetch.click()
    assert download.value.suggested_filename.startswith("in-inventory-not-in-apple-")
    download.value.save_as(tmp_path / "report.xlsx")
    workbook = openpyxl.load_workbook(tmp_path / "report.xlsx", read_only=True)
    header_row, *rows = workbook.worksheets[0].iter_rows(values_only=True)
    assert len(rows) == ROWS
    assert rows[0][header_row.index("asset_tag")] == "D000000"

    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("is deleted.")).to_be_visible()
    expect(page.get_by_text("No files")).to_be_visible()
    assert visit.complaints == []
