"""A technician's phone at the packing table: three units scanned, shipped, the list printed, one received back."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from appleschool_sim.testing import RunningSimulator
from tests.journeys.conftest import Installation, Visit

pytestmark = pytest.mark.journey
UNITS = 3


def looks_right(visit: Visit, name: str) -> None:
    visit.picture(name)
    assert visit.fits(), f"{name} is wider than the screen"
    violations = [
        (found["id"], found["nodes"][0]["html"][:200])
        for found in Axe().run(visit.page).response["violations"]
    ]
    assert violations == [], name


def set_up(installation: Installation) -> list[str]:
    """Three iPads of the inventory, each with an open incident, and one without; Apple is connected."""
    apple: RunningSimulator = installation.apple
    ipads = [device for device in apple.world.devices() if device.model.family == "iPad"]
    serials = [device.serial for device in ipads[: UNITS + 1]]
    lines = ["asset_tag,serial_number,manufacturer,model,product_family,site"]
    lines += [
        f"T{number},{serial},Apple,iPad (10th generation),iPad,Lincoln"
        for number, serial in enumerate(serials, 1)
    ]
    given = apple.credentials
    folder = installation.environment["HOMEROOM_DATA_DIR"]
    path = Path(folder) / "devices.csv"
    path.write_text("\n".join(lines) + "\n")
    installation.run("import", "devices", str(path), "--create-sites")
    installation.run(
        *("apple", "configure", "--name", "District", "--client-id", given.client_id),
        *("--key-id", given.key_id, "--private-key", str(given.private_key_path)),
    )
    installation.run("apple", "sync")
    for serial in serials[:UNITS]:
        installation.run("incident", "open", "--device", serial, "--summary", "Cracked screen")
    return serials


@pytest.fixture
def phone(browser: Browser, installation: Installation) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="en-US")
    yield Visit(context.new_page(), installation)
    context.close()


def test_a_box_is_packed_shipped_printed_and_a_unit_comes_back(
    phone: Visit, installation: Installation, tmp_path: Path
) -> None:
    serials = set_up(installation)
    page = phone.page
    phone.sign_in()
    phone.open("/at-apple/")
    page.get_by_role("link", name="Pack a shipment").click()
    page.get_by_label("Reference").fill("Cart 12")
    page.get_by_role("button", name="Start packing").click()

    # Scanning: a code, Enter, and the next at once; by tag and by serial number.
    code = page.get_by_label("Scan or type a tag or serial number")
    expect(code).to_be_focused()
    for number, label in enumerate(("T1", serials[1].lower(), "T3"), start=1):
        page.keyboard.type(f"{label}\n")
        expect(page.locator("#feedback")).to_contain_text(f"T{number} is in: incident")
        expect(code).to_be_focused()
        expect(code).to_have_value("")
    page.keyboard.type("T4\n")
    expect(page.locator("#feedback")).to_contain_text("T4 has no open incident")
    expect(page.locator("#feedback").get_by_label("What is wrong")).to_be_focused()
    page.keyboard.type("Battery swollen\n")
    expect(page.locator("#feedback")).to_contain_text("T4 is in: incident")
    expect(code).to_be_focused()
    page.keyboard.type("NOSUCH\n")
    expect(page.locator("#feedback")).to_contain_text("No device has the tag")
    page.get_by_role("button", name="Take out T4").click()
    expect(page.locator("#feedback")).to_contain_text("T4 is taken out.")

    # Apple is asked by the worker meanwhile.
    expect(page.get_by_text("Apple is being asked:")).to_have_count(0, timeout=30_000)
    expect(page.locator("#units")).not_to_contain_text("has not been asked")
    looks_right(phone, "packing")

    page.get_by_role("link", name="Ship", exact=True).click()
    looks_right(phone, "ship")
    page.get_by_label("Reason").fill("Unassigned on the way.")
    page.get_by_role("button", name="Ship all 3").click()
    expect(page.get_by_text("3 devices are on their way to Apple.")).to_be_visible()
    looks_right(phone, "shipped")

    page.get_by_role("link", name="Packing list").click()
    expect(page.get_by_role("cell", name="T2", exact=True)).to_be_visible()
    looks_right(phone, "packing-list")
    for paper in ("A4", "Letter"):
        page.pdf(path=tmp_path / f"{paper}.pdf", format=paper, prefer_css_page_size=False)
        assert pages_of(tmp_path / f"{paper}.pdf") == 1

    # One comes back and is scanned out of the box.
    phone.open("/at-apple/")
    looks_right(phone, "at-apple")
    page.keyboard.type("T2\n")
    expect(page.get_by_text("T2 is back: Repaired, same serial number.")).to_be_visible()
    expect(page.get_by_text("2 units away")).to_be_visible()
    (box,) = json.loads(installation.run("shipment", "list", "--json"))
    assert (box["units"], box["at_apple"]) == (3, 2)
    assert phone.complaints == []


def pages_of(pdf: Path) -> int:
    return pdf.read_bytes().count(b"/Type /Page\n") or pdf.read_bytes().count(b"/Type /Page ")
