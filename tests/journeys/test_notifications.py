"""An administrator tries the mail server, hears of a sync that failed, and chooses what else to hear of."""

import time

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Visit
from tests.journeys.test_first_sync import looks_right
from tests.mail import text_of

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]


def subjects(visit: Visit, count: int) -> list[str]:
    """Of the mails received, once there are so many."""
    until = time.monotonic() + 30
    while len(visit.installation.mail.messages) < count and time.monotonic() < until:
        time.sleep(0.1)
    return [str(message["Subject"]).strip() for message in visit.installation.mail.messages]


def test_mail_is_tried_received_and_chosen(visit: Visit) -> None:
    page, installation = visit.page, visit.installation
    account = installation.apple.credentials
    visit.sign_in()

    page.goto(f"{installation.address}/settings/")
    page.get_by_role("link", name="Email").click()
    looks_right(visit, "email-nothing-yet")
    page.get_by_role("button", name="Send me a test mail").click()
    expect(page.get_by_text("has taken the test mail")).to_be_visible()
    assert subjects(visit, 1) == ["Homeroom can send mail"]

    connect = ("apple", "configure", "--name", "North", "--client-id", account.client_id)
    key = ("--key-id", account.key_id, "--private-key", str(account.private_key_path))
    installation.run(*connect, *key)
    installation.apple.control.revoke_key()
    asked = installation.attempt("apple", "sync")
    assert asked.returncode == 1
    assert subjects(visit, 2)[1:] == ["The sync of “North” failed"]
    link = next(
        line for line in text_of(installation.mail.messages[1]).splitlines() if line.startswith("http")
    )
    page.goto(link)
    expect(page.get_by_text("Apple refuses these credentials").first).to_be_visible()

    visit.open("/settings/email/")
    expect(page.get_by_role("link", name="A sync failed")).to_be_visible()
    looks_right(visit, "email")

    page.get_by_role("button", name="Your account").locator("visible=true").click()
    page.get_by_role("link", name="Notifications").locator("visible=true").click()
    looks_right(visit, "notifications")
    page.get_by_label("Syncs work again").select_option(label="Not at all")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_label("Syncs work again")).to_have_value("off")
