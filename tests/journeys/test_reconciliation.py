"""A technician brings Apple's list and the inventory together, on a phone and at a desk."""

import csv
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Visit
from tests.journeys.test_first_sync import looks_right

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]


def write_inventory(visit: Visit, path: Path) -> list[str]:
    """A file of devices: of 20 that Apple lists, some spelled otherwise, and two that Apple does not list."""
    serials = [device.serial for device in visit.installation.apple.world.devices()][:20]
    typed = [
        serials[0].lower(),
        f"{serials[1][:4]} {serials[1][4:]}",
        f"S{serials[2]}",
        *serials[3:],
        "RETAIL1",
        "",
    ]
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["Asset Tag", "Serial", "Location", "Model"])
        rows.writerows(
            [f"A{number:04}", serial, "North School", "iPad"] for number, serial in enumerate(typed)
        )
    return serials


def test_a_person_decides_where_apple_and_the_inventory_differ(visit: Visit, tmp_path: Path) -> None:
    page, installation = visit.page, visit.installation
    file = tmp_path / "devices.csv"
    serials = write_inventory(visit, file)
    account = installation.apple.credentials
    key = str(account.private_key_path)
    installation.run("import", "devices", str(file), "--create-sites")
    visit.sign_in()
    visit.open("/reconciliation/")
    expect(page.get_by_text("No connection is active")).to_be_visible()
    looks_right(visit, "reconciliation-not-connected")

    connect = (
        "apple",
        "configure",
        "--name",
        "North",
        "--client-id",
        account.client_id,
        "--key-id",
        account.key_id,
    )
    installation.run(*connect, "--private-key", key)
    installation.run("apple", "sync")
    visit.open("/reconciliation/")
    looks_right(visit, "reconciliation")

    why_it_is_not_synced(visit, serials)
    visit.open("/reconciliation/")
    page.get_by_role("link", name="Near matches").click()
    expect(page.get_by_text("3 near matches")).to_be_visible()
    looks_right(visit, "near-matches")
    page.get_by_role("link", name="Correct case and white space").click()
    looks_right(visit, "take-all-spellings")
    page.get_by_role("button", name="Take Apple's spelling").click()
    expect(page.get_by_text("2 devices have Apple's spelling now")).to_be_visible()
    page.get_by_role("button", name=f"Take Apple's spelling {serials[2]}").locator("visible=true").click()
    expect(page.get_by_text("No near matches")).to_be_visible()
    looks_right(visit, "near-matches-none")

    in_inventory_not_in_apple(visit)
    in_apple_not_in_inventory(visit)
    assert visit.complaints == []


def why_it_is_not_synced(visit: Visit, serials: list[str]) -> None:
    page = visit.page
    visit.open("/why/")
    looks_right(visit, "why")
    page.get_by_label("Serial number or asset tag").fill("A0002")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_text(f"Not exactly so: Apple lists {serials[2]}").first).to_be_visible()
    looks_right(visit, "why-near")
    page.get_by_role("link", name="Near matches").first.click()
    expect(page.get_by_text("1 near match")).to_be_visible()
    visit.open(f"/why/?q={serials[5]}")
    looks_right(visit, "why-fine")
    page.get_by_role("link", name="Open the profile").click()
    visit.open("/why/?q=NOBODYS")
    looks_right(visit, "why-unknown")
    visit.open("/devices/?q=A0002")
    expect(page.get_by_role("heading", name="Why?")).to_be_visible()
    looks_right(visit, "why-profile")


def in_inventory_not_in_apple(visit: Visit) -> None:
    page = visit.page
    visit.open("/reconciliation/in-inventory-not-in-apple/")
    expect(page.get_by_text("Never on Apple's list")).to_be_visible()
    expect(page.get_by_text("It has no serial number")).to_be_visible()
    looks_right(visit, "in-inventory-not-in-apple")


def in_apple_not_in_inventory(visit: Visit) -> None:
    page = visit.page
    visit.open("/reconciliation/in-apple-not-in-inventory/")
    expect(page.get_by_text("220 devices")).to_be_visible()
    looks_right(visit, "in-apple-not-in-inventory")
    page.get_by_role("row").nth(1).get_by_role("link", name="Add").click()
    page.get_by_label("Asset tag").fill("B0001")
    page.get_by_label("Site").select_option(label="North School")
    looks_right(visit, "add-from-apple")
    page.get_by_role("button", name="Add, and back to the list").click()
    expect(page.get_by_text("B0001 is in the inventory now")).to_be_visible()
    page.locator("tbody").get_by_role("checkbox").nth(0).check()
    page.locator("tbody").get_by_role("checkbox").nth(1).check()
    page.get_by_role("button", name="Add the chosen").click()
    expect(page.get_by_role("heading", name="Add 2 devices to the inventory")).to_be_visible()
    page.get_by_label("Site").select_option(label="North School")
    looks_right(visit, "add-many")
    page.get_by_role("button", name="Add 2 devices").click()
    expect(page.get_by_text("2 devices are in the inventory now")).to_be_visible()
    page.get_by_role("link", name="Add all of these").click()
    page.get_by_label("Site").select_option(label="North School")
    page.get_by_role("button", name="Add 217 devices").click()
    expect(page.get_by_text("Every device that Apple lists is in the inventory.")).to_be_visible()
    looks_right(visit, "in-apple-nothing-missing")
