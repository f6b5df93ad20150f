"""An administrator reads the statistics, in light and dark, on a phone and at a desk, and on paper."""

import csv
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Visit
from tests.journeys.test_first_sync import looks_right

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]


def sync(visit: Visit, folder: Path) -> None:
    """150 devices that Apple lists, and 10 Chromebooks."""
    installation = visit.installation
    serials = [device.serial for device in installation.apple.world.devices()][:150]
    file = folder / "devices.csv"
    with file.open("w", newline="") as written:
        rows = csv.writer(written)
        rows.writerow(["Asset Tag", "Serial", "Location", "Model", "Product family"])
        rows.writerows([f"A{n:04}", serial, "North School", "iPad", ""] for n, serial in enumerate(serials))
        rows.writerows(
            [f"C{n:04}", f"CHROME{n:04}", "Depot", "Chromebook 11", "Chromebook"] for n in range(10)
        )
    account = installation.apple.credentials
    installation.run("import", "devices", str(file), "--create-sites")
    key = str(account.private_key_path)
    named = ("--client-id", account.client_id, "--key-id", account.key_id, "--private-key", key)
    installation.run("apple", "configure", "--name", "North", *named)
    installation.run("apple", "sync")


def test_an_administrator_reads_the_statistics(visit: Visit, tmp_path: Path) -> None:
    page = visit.page
    visit.sign_in()
    visit.open("/reports/statistics/")
    expect(page.get_by_text("No devices to count")).to_be_visible()
    looks_right(visit, "statistics-empty")

    sync(visit, tmp_path)
    visit.open("/reports/statistics/")
    expect(page.locator("#coverage svg")).to_be_visible()
    expect(page.get_by_text("10 devices of other makes are left out.")).to_be_visible()
    looks_right(visit, "statistics-light")
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    looks_right(visit, "statistics-dark")
    page.emulate_media(media="print")
    broken = page.locator(".statistic, .chart").evaluate_all(
        "parts => parts.filter((part) => getComputedStyle(part).breakInside !== 'avoid').length"
    )
    assert broken == 0, "no sheet ends in the middle of a chart"
    page.emulate_media(media="screen")
    paper = page.pdf(format="Letter")
    assert len(paper) > 20_000
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.emulate_media(color_scheme="light")

    a_number_and_a_bar_lead_to_the_same_devices(visit)
    page.get_by_label("Site").select_option(label="Depot")
    page.wait_for_url("**site=**")
    expect(page.get_by_text("Of 0 Apple devices")).to_be_visible()
    looks_right(visit, "statistics-depot")

    visit.open("/reports/statistics/settings/")
    looks_right(visit, "statistics-settings")
    page.get_by_label("Any other device").fill("49")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("USD").first).to_be_visible()
    visit.open("/reports/incidents/")
    looks_right(visit, "statistics-incidents")
    assert visit.complaints == []


def a_number_and_a_bar_lead_to_the_same_devices(visit: Visit) -> None:
    page = visit.page
    covered = page.locator("#coverage tbody tr").first.locator("td").first
    number = covered.inner_text().strip()
    address = covered.get_by_role("link").get_attribute("href")
    bar = page.locator("#coverage svg path[fill='#00805f']").first.element_handle()  # hovered, it is paler
    bar.hover()
    looks_right(visit, "statistics-tooltip")
    bar.click()
    page.wait_for_url("**coverage=covered**")
    assert page.url == f"{visit.installation.address}{address}"
    expect(page.get_by_text(f"{number} devices")).to_be_visible()
    expect(page.locator("details[open]")).to_be_visible()
    looks_right(visit, "statistics-devices")
    page.go_back()
