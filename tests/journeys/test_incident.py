"""A technician opens an incident on a telephone, and closes it: scan, photo, comment, outcome."""

import csv
import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.incidents.pictures import photo
from tests.journeys.conftest import Visit
from tests.journeys.test_first_sync import looks_right

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]


def write_inventory(path: Path) -> None:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["Asset Tag", "Serial", "Location", "Model"])
        rows.writerows([f"A{number:04}", f"SER{number:04}", "North School", "iPad"] for number in range(30))


def scan(page: Page, label: str) -> None:
    """A scanner types what it reads, at once, and presses Enter."""
    page.keyboard.insert_text(label)
    page.keyboard.press("Enter")


def test_from_a_scanned_tag_to_a_closed_incident(visit: Visit, tmp_path: Path) -> None:
    page, installation = visit.page, visit.installation
    file, picture = tmp_path / "devices.csv", tmp_path / "IMG_0001.jpg"
    write_inventory(file)
    picture.write_bytes(photo(3000, 2000, turned=True))
    installation.run("import", "devices", str(file), "--create-sites")
    visit.sign_in()
    visit.open("/incidents/")
    expect(page.get_by_text("No incident is open")).to_be_visible()
    looks_right(visit, "incidents-none")

    started = time.monotonic()
    page.get_by_role("link", name="New incident").first.click()
    looks_right(visit, "incident-scan")
    expect(page.get_by_label("Which device?")).to_be_focused()
    scan(page, "A0007")
    expect(page.get_by_role("heading", name="What happened?")).to_be_visible()
    expect(page.get_by_text("Apple has not been asked")).to_be_visible()
    page.get_by_text("Screen", exact=True).click()
    expect(page.get_by_role("radio", name="Screen")).to_be_checked()
    page.get_by_label("Summary").fill("Cracked, lower left corner")
    camera = page.get_by_label("Take a photo")
    chosen = camera if camera.is_visible() else page.get_by_label("Choose photos or files")
    chosen.set_input_files(picture)
    looks_right(visit, "incident-new")
    page.get_by_role("button", name="Open the incident").click()
    expect(page.get_by_text("is open.")).to_be_visible()
    assert time.monotonic() - started < 60

    image = page.locator(".photos img")
    expect(image).to_have_js_property("complete", value=True)
    assert image.evaluate("image => image.naturalHeight > image.naturalWidth"), "the photo stands upright"
    page.get_by_role("button", name="Take it").click()
    expect(page.get_by_text("is yours.")).to_be_visible()
    page.get_by_label("Comment").fill("Glass taped.")
    page.get_by_role("button", name="Add the comment").click()
    expect(page.locator("#timeline")).to_contain_text("Glass taped.")
    looks_right(visit, "incident")

    another_is_told_first(visit)
    page.get_by_role("link", name=re.compile("Cracked, lower left corner")).first.click()
    page.get_by_role("button", name="Not covered").click()
    expect(page.get_by_text("is closed.")).to_be_visible()
    expect(page.get_by_role("button", name="Open again")).to_be_visible()
    looks_right(visit, "incident-closed")
    the_list_is_filtered(visit)
    assert visit.complaints == []


def another_is_told_first(visit: Visit) -> None:
    """From the device's profile."""
    page = visit.page
    page.get_by_role("link", name="A0007").first.click()
    expect(page.get_by_role("heading", name="Incidents")).to_be_visible()
    looks_right(visit, "device-with-incident")
    page.get_by_role("link", name="Report an incident").click()
    expect(page.get_by_text("An incident of this device is open already.")).to_be_visible()
    looks_right(visit, "incident-second")


def the_list_is_filtered(visit: Visit) -> None:
    page = visit.page
    visit.open("/incidents/")
    page.get_by_role("link", name="All", exact=True).click()
    expect(page.get_by_text("1 incident", exact=True)).to_be_visible()
    page.get_by_label("Kind").select_option("liquid")
    expect(page.get_by_text("No incident fits")).to_be_visible()
    page.get_by_label("Kind").select_option("screen")
    expect(page.get_by_text("1 incident", exact=True)).to_be_visible()
    page.get_by_label("State").select_option("open")
    expect(page.get_by_role("link", name="Open", exact=True)).not_to_have_attribute("aria-current", "page")
    expect(page.get_by_text("No incident fits")).to_be_visible()
    page.get_by_label("Kind").select_option("")
    expect(page.get_by_role("link", name="Open", exact=True)).to_have_attribute("aria-current", "page")
    looks_right(visit, "incidents-open")
