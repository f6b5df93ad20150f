"""From an empty installation to a device's coverage, as an administrator does it."""

import csv
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.journeys.conftest import Visit

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]


def write_inventory(visit: Visit, path: Path) -> str:
    """A file of the first 150 devices that Apple lists; returns the serial of one that has AppleCare."""
    world = visit.installation.apple.world
    serials = [device.serial for device in world.devices()][:150]
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["Asset Tag", "Serial", "Location", "Model"])
        rows.writerows(
            [f"A{number:04}", serial, "North School", "iPad"] for number, serial in enumerate(serials)
        )
    return next(
        serial
        for serial in serials
        if any(c.agreement and not c.canceled and c.is_active(world.today) for c in world.coverage(serial))
    )


def looks_right(visit: Visit, name: str) -> None:
    visit.picture(name)
    assert visit.fits(), f"{name} is wider than the screen"
    violations = [
        (found["id"], found["nodes"][0]["html"][:200])
        for found in Axe().run(visit.page).response["violations"]
    ]
    assert violations == [], name


def previews_and_applies_the_first_sync(visit: Visit) -> None:
    page = visit.page
    page.get_by_role("button", name="Preview the first sync").click()
    expect(page.get_by_text("Running")).to_be_visible(timeout=20_000)
    expect(page.locator("#live")).to_contain_text("Asking for coverage:", timeout=20_000)
    looks_right(visit, "preview-running")
    expect(page.get_by_text("Preview ready")).to_be_visible(timeout=60_000)
    expect(page.locator("#live")).to_contain_text("150 of 150")
    looks_right(visit, "preview")
    page.get_by_role("link", name="Insurance record: new").click()
    expect(page.get_by_role("heading", name="What a sync of “North District” would change")).to_be_visible()
    looks_right(visit, "preview-changes")
    page.go_back()
    page.get_by_role("button", name="Apply these changes").click()
    expect(page.get_by_text("Done")).to_be_visible(timeout=60_000)
    expect(page.locator("#live")).to_contain_text("150 of 150")
    looks_right(visit, "sync-done")


def test_an_administrator_connects_apple_syncs_and_sees_coverage(visit: Visit, tmp_path: Path) -> None:
    page = visit.page
    account = visit.installation.apple.credentials
    file = tmp_path / "devices.csv"
    serial = write_inventory(visit, file)
    visit.installation.run("import", "devices", str(file), "--create-sites")

    visit.open("/account/login/")
    looks_right(visit, "sign-in")
    visit.sign_in()
    looks_right(visit, "devices")

    visit.open("/settings/mdm/")
    expect(page.get_by_text("Not active")).to_be_visible()
    looks_right(visit, "mdm-settings")
    page.get_by_role("link", name="Activate").click()
    page.get_by_label("Name").fill("North District")
    page.get_by_label("Client ID").fill(account.client_id)
    page.get_by_label("Key ID").fill("11111111-2222-3333-4444-555555555555")
    page.get_by_label("Private key", exact=False).first.fill(account.private_key)
    page.get_by_role("button", name="Test configuration").click()
    expect(page.locator("#report")).to_contain_text("Key ID")
    looks_right(visit, "activate-wrong-key-id")
    page.get_by_label("Key ID").fill(account.key_id)
    page.get_by_role("button", name="Test configuration").click()
    expect(page.locator("#report")).not_to_contain_text("refuses", timeout=30_000)
    looks_right(visit, "activate-tested")
    page.get_by_role("button", name="Activate").click()
    expect(page.get_by_role("heading", name="North District")).to_be_visible()
    assert account.private_key.splitlines()[1] not in page.content()
    looks_right(visit, "connection")

    previews_and_applies_the_first_sync(visit)
    visit.open("/syncs/")
    looks_right(visit, "syncs")

    visit.open(f"/devices/?q={serial}")
    expect(page.get_by_text("Serial number verified with Apple")).to_be_visible()
    expect(page.get_by_text("Covered until").first).to_be_visible()
    expect(page.get_by_text("AppleCare sync", exact=True).first).to_be_visible()
    looks_right(visit, "profile")
    for path in ("insurance", "people", "sites", "imports", "settings", "account/users", "account/audit"):
        visit.open(f"/{path}/")
        looks_right(visit, path.replace("/", "-"))
    assert visit.complaints == []
