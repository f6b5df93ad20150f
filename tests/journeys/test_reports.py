"""An administrator makes a report of her own, keeps and shares it, downloads and prints it, on a phone and at a desk."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Visit
from tests.journeys.test_first_sync import looks_right
from tests.journeys.test_statistics import sync

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]
EXPIRING = "/reports/mdm/applecare-expiring/"


def test_an_administrator_makes_a_report_of_her_own(visit: Visit, tmp_path: Path) -> None:
    page = visit.page
    visit.sign_in()
    visit.open(EXPIRING)
    expect(page.get_by_text("No device's AppleCare ends in this time.")).to_be_visible()
    looks_right(visit, "report-empty")

    sync(visit, tmp_path)
    visit.open("/reports/mdm/")
    looks_right(visit, "reports")
    page.get_by_role("link", name="Devices Without AppleCare").click()
    expect(page.get_by_text("10 devices of another make")).to_be_visible()
    looks_right(visit, "report-without")

    visit.open(EXPIRING)
    page.get_by_label("Ends within days").fill("3000")
    page.wait_for_url("**days=3000**")
    expect(page.locator("tbody tr").first).to_be_visible()
    choose_columns(visit)
    save_it(visit)
    print_it(visit)
    choose_all(visit)
    assert visit.complaints == []


def choose_columns(visit: Visit) -> None:
    page = visit.page
    page.get_by_role("button", name="Columns").click()
    page.get_by_label("Agreement number").check()
    page.get_by_label("Person", exact=True).uncheck()
    page.get_by_label("Order", exact=True).select_option(label="AppleCare ends, downwards")
    looks_right(visit, "report-columns")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**columns=agreement_number**")
    assert "days=3000" in page.url
    row = page.locator("tbody tr").first
    expect(row.locator("td[data-label='Agreement number']")).to_be_visible()
    assert row.locator("td[data-label='Person']").count() == 0


def save_it(visit: Visit) -> None:
    page = visit.page
    page.get_by_role("button", name="Save view").click()
    page.get_by_label("Name of the view").fill("For the board")
    page.get_by_label("Share it").check()
    looks_right(visit, "report-saving")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("“For the board” is saved.")).to_be_visible()
    expect(page.get_by_role("link", name="For the board")).to_have_attribute("aria-current", "page")
    page.emulate_media(color_scheme="dark")
    looks_right(visit, "report-saved-dark")
    page.emulate_media(color_scheme="light")
    page.reload()  # axe leaves empty style attributes, which htmx would copy
    page.get_by_label("Ends within days").fill("2900")
    expect(page.get_by_role("button", name="Save “For the board”")).to_be_visible()
    page.get_by_role("button", name="Save “For the board”").click()
    page.wait_for_url("**days=2900**")
    page.get_by_role("link", name="Edit view").click()
    looks_right(visit, "report-view")
    page.get_by_role("link", name="Cancel").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
        page.get_by_role("link", name="CSV").click()
    header = Path(download.value.path()).read_text().splitlines()[0]
    assert header.startswith("asset_tag,serial_number,site,device_model,plan,agreement_number")


def print_it(visit: Visit) -> None:
    page = visit.page
    page.get_by_role("link", name="Print").click()
    page.wait_for_url("**print=1**")
    expect(page.get_by_text("Ends within days: 2900")).to_be_visible()
    looks_right(visit, "report-print")
    page.emulate_media(media="print")
    broken = "card => getComputedStyle(card).breakInside + getComputedStyle(card.closest('main')).display"
    assert page.locator(".printed-report").evaluate(broken) == "autoblock", "it begins on the first sheet"
    page.emulate_media(media="screen")
    paper = page.pdf(format="Letter")
    Path("test-results").mkdir(exist_ok=True)
    Path("test-results/report.pdf").write_bytes(paper)
    assert len(paper) > 20_000


def choose_all(visit: Visit) -> None:
    """One box ticks every row, by the keyboard too."""
    page = visit.page
    visit.open("/reconciliation/in-apple-not-in-inventory/")
    every, boxes = page.get_by_label("Choose all on this page"), page.locator("tbody input[name=chosen]")
    every.focus()
    page.keyboard.press("Space")
    expect(page.get_by_text(f"{boxes.count()} chosen")).to_be_visible()
    boxes.first.focus()
    page.keyboard.press("Space")
    expect(page.get_by_text(f"{boxes.count() - 1} chosen")).to_be_visible()
    assert every.evaluate("box => box.indeterminate")
    looks_right(visit, "report-chosen")
