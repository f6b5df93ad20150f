"""A box of new iPads has come: reviewed as a batch, scanned, received, assigned, closed; on a phone and at a desk."""

import subprocess
import sys

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Visit
from tests.journeys.test_first_sync import looks_right

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]


def test_a_batch_is_reviewed_and_a_new_device_handed_out(visit: Visit) -> None:
    page = visit.page
    seeded = subprocess.run(
        [sys.executable, "-m", "tests.journeys.ten_at_apple"],
        env=visit.installation.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert seeded.returncode == 0, seeded.stderr
    visit.sign_in()

    reviews_the_batch(visit)
    decides_what_fits_no_incident(visit)
    receives_one(visit)

    visit.open("/replacements/")
    expect(page.get_by_text("11 pairings")).to_be_visible()
    looks_right(visit, "replacements")
    assert visit.complaints == []


def reviews_the_batch(visit: Visit) -> None:
    page = visit.page
    visit.open("/replacements-to-review/")
    expect(page.get_by_text("10 new devices")).to_be_visible()
    looks_right(visit, "replacements-to-review")
    page.get_by_text("Side by side, and what speaks for it").first.click()
    expect(page.get_by_text("The colors differ").first).to_be_visible()
    page.get_by_text("It is wrong").first.click()
    looks_right(visit, "replacements-to-review-open")

    page.get_by_role("link", name="Another incident (3 more suggested) DMQNEW0009").click()
    looks_right(visit, "replacement-candidate")
    page.get_by_role("searchbox", name="Incident").fill("A0009")
    expect(page.locator("#answers button")).to_have_count(1)
    page.once("dialog", lambda dialog: dialog.accept())
    page.locator("#answers button").click()
    expect(page.get_by_text("DMQOLD0009 → DMQNEW0009 is applied")).to_be_visible()

    visit.open("/replacements-to-review/")
    page.get_by_role("checkbox", name="Choose DMQNEW0000").check()
    page.get_by_role("button", name="Confirm the chosen").click()
    expect(page.get_by_text("1 replacement applied.")).to_be_visible()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Confirm all 8").click()
    expect(page.get_by_text("8 replacements applied.")).to_be_visible()
    expect(page.get_by_text("Nothing to review")).to_be_visible()
    looks_right(visit, "replacements-reviewed")


def decides_what_fits_no_incident(visit: Visit) -> None:
    page = visit.page
    page.get_by_role("link", name="No incident fits: 1").click()
    looks_right(visit, "replacements-without-incident")
    page.get_by_role("link", name="Decide DMQALONE01").click()
    looks_right(visit, "replacement-candidate-alone")
    page.get_by_label("Reason, if you like").fill("Bought from a reseller")
    page.get_by_role("button", name="Not ours", exact=True).click()
    expect(page.get_by_text("DMQALONE01 replaces none of ours")).to_be_visible()


def receives_one(visit: Visit) -> None:
    page = visit.page
    visit.open("/replacements/scan/")
    looks_right(visit, "replacement-scan")
    page.get_by_label("Serial number").fill("NOBODYS1")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nobody knows NOBODYS1 yet")).to_be_visible()
    looks_right(visit, "replacement-scan-unknown")
    page.get_by_label("Serial number").fill("sdmqnew0000")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Receive DMQNEW0000")).to_be_visible()
    expect(page.get_by_label("Asset tag")).to_be_focused()
    page.keyboard.type("N0000")
    looks_right(visit, "replacement-receive")
    page.get_by_role("button", name="Add to inventory").click()
    expect(page.get_by_text("N0000 is received: nothing is left to do.")).to_be_visible()
    looks_right(visit, "replacement")
    page.get_by_role("link", name="Replacement: N0000").click()
    expect(page.get_by_role("heading", name="AppleCare replacement")).to_be_visible()
    expect(page.get_by_role("link", name="Student 0").first).to_be_visible()
    looks_right(visit, "replacement-profile")
    page.get_by_role("link", name="DMQOLD0000").first.click()
    expect(page.get_by_text("Replaced by AppleCare").first).to_be_visible()
    looks_right(visit, "replaced-profile")
