"""An administrator has a report sent to a colleague every month, sends it now, and sees it told; she leaves it again."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import PASSWORD, Visit
from tests.journeys.test_first_sync import looks_right
from tests.journeys.test_statistics import sync
from tests.mail import text_of

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]
WITHOUT = "/reports/mdm/without-applecare/"


def test_an_administrator_has_a_report_sent_to_a_colleague(visit: Visit, tmp_path: Path) -> None:
    page, mail = visit.page, visit.installation.mail
    page.emulate_media(
        reduced_motion="reduce"
    )  # colours that are still turning dark are not yet to be judged
    visit.installation.run(
        "createadmin", "--email", "ben@district.test", "--name", "Ben", "--password-stdin", stdin=PASSWORD
    )
    sync(visit, tmp_path)
    visit.sign_in()
    visit.open("/reports/schedules/")
    expect(page.get_by_text("Nothing on a schedule")).to_be_visible()
    looks_right(visit, "schedules-empty")
    page.get_by_role("link", name="MDM Reports").last.click()

    visit.open(f"{WITHOUT}?sort=-asset_tag")
    page.get_by_role("link", name="Schedule").click()
    expect(page.get_by_role("heading", name="Schedule a report")).to_be_visible()
    fill_in(visit)
    expect(page.get_by_text("“For the board” is saved.")).to_be_visible()
    expect(page.get_by_text("On the last day of each month at 6:30 a.m.")).to_be_visible()
    expect(page.get_by_text("Its first turn is still to come.")).to_be_visible()
    looks_right(visit, "schedule-new-page")

    page.get_by_role("button", name="Send now").click()
    expect(page.get_by_text("It is being sent now.")).to_be_visible()
    # The page looks again by itself.
    expect(page.get_by_text("Mail: Sent")).to_have_count(2, timeout=30_000)
    looks_right(visit, "schedule-sent")
    told = [message for message in mail.messages if message["To"] == "ben@district.test"]
    assert [str(message["Subject"]).partition(":")[0] for message in told] == ["For the board"]
    (attached,) = told[0].iter_attachments()
    assert attached.get_filename() == f"without-applecare-{datetime.now(UTC):%Y-%m-%d}.xlsx"

    edit_and_pause(visit)
    page.context.clear_cookies()
    visit.sign_in("ben@district.test")
    leave(visit, text_of(told[0]))
    assert [
        told for told in visit.complaints if "422" not in told
    ] == []  # the form that was wrong on purpose


def fill_in(visit: Visit) -> None:
    page = visit.page
    page.get_by_label("Name", exact=True).fill("For the board")
    expect(page.get_by_label("Day of the week")).to_be_visible()
    looks_right(visit, "schedule-form")
    page.get_by_label("How often").select_option(label="Once a month")
    expect(page.get_by_label("Day of the week")).to_be_hidden()
    page.get_by_label("Day of the month").select_option(label="31: the last day")
    page.get_by_label("Time", exact=True).fill("")
    expect(page.get_by_label("Ada Admin (ada@district.test)")).to_be_checked()
    page.get_by_label("Ben (ben@district.test)").check()
    page.get_by_label("File", exact=True).select_option(label="Excel (XLSX)")
    page.get_by_role("button", name="Schedule", exact=True).click()
    expect(page.get_by_text("Choose a time.")).to_be_visible()
    looks_right(visit, "schedule-form-wrong")
    page.get_by_label("Time", exact=True).fill("06:30")
    page.emulate_media(color_scheme="dark")
    looks_right(visit, "schedule-form-dark")
    page.emulate_media(color_scheme="light")
    page.get_by_role("button", name="Schedule", exact=True).click()


def edit_and_pause(visit: Visit) -> None:
    page = visit.page
    page.get_by_role("link", name="Edit").click()
    looks_right(visit, "schedule-edit")
    page.get_by_label("How it comes").select_option(label="As a link: fetched after signing in")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("as a link")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused")).to_be_visible()
    page.get_by_role("link", name="Reports on a schedule").click()
    expect(page.get_by_text("2 mails")).to_be_visible()
    looks_right(visit, "schedules")
    page.emulate_media(color_scheme="dark")
    looks_right(visit, "schedules-dark")
    page.emulate_media(color_scheme="light")
    page.reload()


def leave(visit: Visit, mail: str) -> None:
    """By the way that the mail tells."""
    page = visit.page
    address = mail.partition("See it in Homeroom:\n")[2].split()[0]
    page.goto(address)
    expect(page.get_by_role("heading", name="For the board")).to_be_visible()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Leave").click()
    expect(page.get_by_text("You get “For the board” no longer.")).to_be_visible()
