"""An administrator works off what ends: two devices are snoozed and leave the list, one is decided about on its page."""

import re
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import expect

from appleschool_sim.actions import ChangeCoverage
from tests.journeys.conftest import Visit
from tests.journeys.test_first_sync import looks_right
from tests.journeys.test_statistics import sync

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]
WAITING = "/reports/mdm/applecare-expiring/?days=30&follow_up=waiting"


def let_four_end(visit: Visit) -> None:
    """At Apple, with plans of three years."""
    apple = visit.installation.apple
    chosen = [
        device.serial
        for device in list(apple.world.devices())[:150]
        if any(c.is_plan and c.ends and not c.canceled for c in apple.world.coverage(device.serial))
    ]
    for days, serial in zip((5, 12, 20, 28), chosen, strict=False):
        ends = datetime.combine(apple.world.today + timedelta(days=days), time(), UTC)
        starts = ends - timedelta(days=3 * 365)
        apple.control.change_coverage(ChangeCoverage(serial=serial, starts=starts, ends=ends))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_administrator_works_off_what_ends(
    visit: Visit, tmp_path: Path, scheme: Literal["light", "dark"]
) -> None:
    page = visit.page
    page.emulate_media(color_scheme=scheme)
    let_four_end(visit)
    sync(visit, tmp_path)
    visit.sign_in()
    page.get_by_role("link", name="AppleCare expiring soon").click()
    page.wait_for_url(f"**{WAITING}")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(4)
    tags = [rows.nth(n).locator("td a").first.inner_text() for n in range(4)]
    looks_right(visit, f"follow-ups-{scheme}")

    page.reload()  # axe leaves empty style attributes, which htmx would copy
    for tag in tags[1:3]:
        page.get_by_label(f"Choose {tag}").check()
    expect(page.get_by_text("2 chosen")).to_be_visible()
    day = visit.installation.apple.world.today + timedelta(days=9)
    page.get_by_label("Snooze until").fill(f"{day:%Y-%m-%d}")
    page.get_by_label("Note (optional)").fill("After the budget meeting.")
    page.get_by_role("button", name="Snooze").click()
    expect(page.get_by_text("2 devices are snoozed.")).to_be_visible()
    expect(rows).to_have_count(2)
    for tag in tags[1:3]:
        expect(page.get_by_role("link", name=tag, exact=True)).to_have_count(0)
    looks_right(visit, f"follow-ups-snoozed-{scheme}")

    page.get_by_role("link", name=tags[0], exact=True).click()
    expect(page.get_by_text("It waits for somebody to decide.")).to_be_visible()
    page.get_by_role("button", name="Will not renew").click()
    expect(page.get_by_text("1 device will not be renewed")).to_be_visible()
    expect(page.get_by_text("Expiring AppleCare: will not renew")).to_be_visible()
    looks_right(visit, f"follow-up-of-device-{scheme}")
    page.get_by_role("button", name="Wait again").click()
    expect(page.get_by_text("1 device waits again.")).to_be_visible()

    visit.open(WAITING)
    expect(rows).to_have_count(2)
    page.get_by_label("Choose all on this page").check()
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_text("2 devices are acknowledged")).to_be_visible()
    expect(page.get_by_text("Nothing fits")).to_be_visible()
    visit.open("/")
    expect(page.get_by_role("link", name="AppleCare expiring soon")).to_have_count(0)

    visit.open("/reports/mdm/applecare-expiring/")
    page.get_by_label("Ends within days").fill("3650")  # the list is exchanged, and its boxes with it
    page.wait_for_url("**days=3650**")
    expect(rows).to_have_count(50)
    everything = page.get_by_label(re.compile(r"All \d+ that fit the filter"))
    expect(everything).to_have_count(0)
    page.get_by_label(re.compile("Choose (?!all)")).first.check()
    everything.check()
    looks_right(visit, f"follow-ups-all-{scheme}")
    page.get_by_role("button", name="Will not renew").click()
    expect(page.get_by_text(re.compile(r"\d{2,} devices will not be renewed"))).to_be_visible()
    assert visit.complaints == []
