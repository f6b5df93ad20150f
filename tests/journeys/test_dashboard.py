"""Where everybody's day begins: an installation's first steps, then what waits and how the district stands."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Visit
from tests.journeys.test_first_sync import looks_right, write_inventory

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]


def in_both_themes(visit: Visit, name: str) -> None:
    looks_right(visit, f"{name}-light")
    visit.page.emulate_media(color_scheme="dark")
    expect(visit.page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    looks_right(visit, f"{name}-dark")
    visit.page.emulate_media(color_scheme="light")


def test_an_administrator_begins_the_day(visit: Visit, tmp_path: Path) -> None:
    page, installation = visit.page, visit.installation
    visit.sign_in()
    expect(page.get_by_role("heading", name="First steps")).to_be_visible()
    expect(page.get_by_text("Nothing waits for you")).to_have_count(0)
    in_both_themes(visit, "dashboard-first-steps")
    page.get_by_role("link", name="Import your devices").click()
    expect(page.get_by_role("heading", name="Import", exact=True)).to_be_visible()

    file = tmp_path / "devices.csv"
    serial = write_inventory(visit, file)
    account = installation.apple.credentials
    installation.run("import", "devices", str(file), "--create-sites")
    named = ("--client-id", account.client_id, "--key-id", account.key_id)
    key = str(account.private_key_path)
    installation.run("apple", "configure", "--name", "North", *named, "--private-key", key)
    installation.run("apple", "sync")
    installation.run("incident", "open", "--device", serial, "--summary", "Cracked screen")

    visit.open("/")
    expect(page.get_by_role("heading", name="First steps")).to_have_count(0)
    expect(page.get_by_role("link", name="Incidents without a technician (1)")).to_be_visible()
    in_both_themes(visit, "dashboard")
    page.get_by_role("link", name="Incidents without a technician").click()
    expect(page.get_by_text("Cracked screen")).to_be_visible()

    visit.open("/")
    expect(page.get_by_label("Find a device")).to_be_focused()
    page.keyboard.type(serial)
    page.keyboard.press("Enter")
    page.wait_for_url("**/devices/*/")
    expect(page.get_by_text(serial).first).to_be_visible()
    assert visit.complaints == []
