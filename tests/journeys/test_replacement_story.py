"""The whole story of a replacement as three people live it: a technician, an administrator, and Apple."""

import csv
import json
import re
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from appleschool_sim.actions import Replace
from tests.incidents.pictures import photo
from tests.journeys.conftest import PASSWORD, Visit
from tests.journeys.test_first_sync import looks_right
from tests.journeys.test_incident import scan
from tests.journeys.test_simulator_page import with_plan
from tests.mail import html_of, text_of

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]
TECHNICIAN = "tess@district.test"


@pytest.fixture
def technician(browser: Browser, visit: Visit) -> Iterator[Visit]:
    """At a screen of the same size as the administrator's."""
    context = browser.new_context(viewport=visit.page.viewport_size, locale="en-US")
    yield Visit(context.new_page(), visit.installation)
    context.close()


def test_from_a_cracked_screen_to_the_students_hands(visit: Visit, technician: Visit, tmp_path: Path) -> None:
    apple = visit.installation.apple
    original, *others = with_plan(apple.world, apple.world.today)[:30]
    set_up(visit, tmp_path, [original, *others])
    visit.sign_in()
    makes_an_account(visit)
    technician.sign_in(TECHNICIAN)

    number = opens_an_incident(technician, tmp_path)
    sends_it_to_apple(technician, number)
    new = apple.control.replace(Replace(serial=original))
    syncs(visit)
    reads_the_mail(visit, original, new, number)
    sees_what_became_of_it(technician, number)
    receives_the_new_one(technician, new, number)
    history_tells_it(visit, original, new, number)

    assert visit.complaints == []
    assert technician.complaints == []


def set_up(visit: Visit, folder: Path, serials: list[str]) -> None:
    """A district that has synced; Sam has the first of these devices."""
    run, account = visit.installation.run, visit.installation.apple.credentials
    people, devices = folder / "people.csv", folder / "devices.csv"
    people.write_text("external_id,name,site\nS1,Sam Student,North School\n")
    with devices.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["asset_tag", "serial_number", "site", "person", "funding_source"])
        for place, serial in enumerate(serials):
            rows.writerow([f"A{place:04}", serial, "North School", "" if place else "S1", "Title I"])
    run("import", "people", str(people), "--create-sites")
    run("import", "devices", str(devices))
    run(
        *("apple", "configure", "--name", "North", "--client-id", account.client_id),
        *("--key-id", account.key_id, "--private-key", str(account.private_key_path)),
    )
    run("apple", "sync")


def makes_an_account(visit: Visit) -> None:
    page = visit.page
    visit.open("/account/users/")
    page.get_by_role("link", name="Add a user").click()
    page.get_by_label("Name").fill("Tess Technician")
    page.get_by_label("Email").fill(TECHNICIAN)
    page.get_by_label("Role").select_option(label="Technician")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text(TECHNICIAN)).to_be_visible()


def opens_an_incident(technician: Visit, folder: Path) -> int:
    """Its number."""
    page = technician.page
    picture = folder / "IMG_0001.jpg"
    picture.write_bytes(photo(1200, 800))
    technician.open("/incidents/")
    page.get_by_role("link", name="New incident").first.click()
    expect(page.get_by_label("Which device?")).to_be_focused()
    scan(page, "A0000")
    expect(page.get_by_text("do not bill the family")).to_be_visible()
    page.get_by_text("Screen", exact=True).click()
    page.get_by_label("Summary").fill("Cracked screen")
    page.get_by_label("Choose photos or files").set_input_files(picture)
    page.get_by_role("button", name="Open the incident").click()
    expect(page.get_by_text("is open.")).to_be_visible()
    expect(page.get_by_role("link", name="Sam Student").first).to_be_visible()
    return int(page.url.rstrip("/").rsplit("/", 1)[1])


def sends_it_to_apple(technician: Visit, number: int) -> None:
    """The preflight asks Apple, and what it tells is overridden with a reason."""
    page = technician.page
    page.get_by_role("link", name="Send to Apple").click()
    expect(page.get_by_text("What Apple says")).to_be_visible(timeout=30_000)
    expect(page.locator("#before-sending")).to_contain_text("Sam Student has no loaner")
    looks_right(technician, "story-preflight")
    page.get_by_label("Apple repair number").fill("G123456789")
    page.get_by_label("Reason").fill("Sam gets a loaner tomorrow.")
    page.get_by_role("button", name="Sent for AppleCare Repair").click()
    expect(page).to_have_url(re.compile(rf"/incidents/{number}/$"))
    expect(page.get_by_text("Sent for AppleCare Repair").first).to_be_visible()
    technician.open("/at-apple/")
    expect(page.get_by_text("1 unit away")).to_be_visible()


def syncs(visit: Visit) -> None:
    page = visit.page
    visit.open("/settings/mdm/")
    page.get_by_role("link", name="North").first.click()
    page.get_by_role("button", name="Sync now").click()
    expect(page.get_by_text("Done", exact=True)).to_be_visible(timeout=60_000)
    expect(page.locator("#live")).to_contain_text(re.compile(r"applied / to review\s*1 / 0"))
    looks_right(visit, "story-sync")


def reads_the_mail(visit: Visit, original: str, new: str, number: int) -> None:
    """And follows its link."""
    message = only_mail(visit)
    assert message["To"] == "ada@district.test"
    for words in (original, new, f"#{number}", "Cracked screen"):
        assert words in text_of(message), words
        assert words in html_of(message), words
    link = next(line for line in text_of(message).splitlines() if line.startswith("http"))
    assert f'href="{link}"' in html_of(message)
    visit.page.goto(link)
    expect(visit.page.get_by_role("heading", name=new)).to_be_visible()
    expect(visit.page.get_by_text("Add it to the inventory, with its asset tag")).to_be_visible()
    looks_right(visit, "story-replacement")


def only_mail(visit: Visit) -> EmailMessage:
    messages, until = visit.installation.mail.messages, time.monotonic() + 30
    while not messages and time.monotonic() < until:
        time.sleep(0.1)
    (message,) = messages
    return message


def sees_what_became_of_it(technician: Visit, number: int) -> None:
    page = technician.page
    technician.open("/devices/?q=A0000")
    expect(page.get_by_text("Replaced by AppleCare").first).to_be_visible()
    expect(page.get_by_text("Nobody has this device.")).to_be_visible()
    looks_right(technician, "story-original")
    page.get_by_role("link", name=f"#{number} Cracked screen").click()
    expect(page.get_by_text("AppleCare Replacement Received").first).to_be_visible()
    looks_right(technician, "story-incident")


def receives_the_new_one(technician: Visit, new: str, number: int) -> None:
    """Scanned out of the box, with the letter that Apple's barcodes have in front."""
    page = technician.page
    technician.open("/replacements/scan/")
    expect(page.get_by_label("Serial number")).to_be_focused()
    scan(page, f"S{new}")
    expect(page.get_by_label("Asset tag")).to_be_focused()
    expect(page.get_by_label("Funding source")).to_have_value("Title I")
    expect(page.get_by_label("Assign it to Sam Student, who had the original")).to_be_checked()
    expect(page.get_by_label(f"Close incident #{number} as replaced")).to_be_checked()
    page.keyboard.type("N0000")
    looks_right(technician, "story-receive")
    page.get_by_role("button", name="Add to inventory").click()
    expect(page.get_by_text("N0000 is received: nothing is left to do.")).to_be_visible()
    technician.open("/devices/?q=N0000")
    expect(page.get_by_role("link", name="Sam Student").first).to_be_visible()
    expect(page.get_by_role("heading", name="AppleCare replacement")).to_be_visible()
    looks_right(technician, "story-new-device")
    technician.open(f"/incidents/{number}/")
    expect(page.get_by_text("Replaced", exact=True).first).to_be_visible()
    expect(page.get_by_role("button", name="Open again")).to_be_visible()
    technician.open("/at-apple/")
    expect(page.get_by_text("Nothing is at Apple")).to_be_visible()


def history_tells_it(visit: Visit, original: str, new: str, number: int) -> None:
    visit.open("/replacements/")
    expect(visit.page.get_by_text("1 pairing", exact=True)).to_be_visible()
    expect(visit.page.get_by_text(original).locator("visible=true").first).to_be_visible()
    expect(visit.page.get_by_text(new).locator("visible=true").first).to_be_visible()
    looks_right(visit, "story-history")
    (row,) = json.loads(visit.installation.run("report", "replacement-history", "--format", "json"))
    assert (row["original_serial"], row["replacement_serial"]) == (original, new)
    assert (row["incident"], row["state"]) == (number, "applied")
