"""An administrator connects Apple School Manager, in a real browser."""

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from appleschool_sim.testing import running_simulator
from tests.applesync import keys
from tests.applesync.account import make_connection, point_to

pytestmark = pytest.mark.journey

CHROMIUM = "/usr/bin/chromium"
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1440, "height": 900}


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_the_test_says_what_is_wrong_and_then_the_connection_is_activated(
    live_server: LiveServer, as_administrator: Client, settings: Settings, viewport: dict[str, int]
) -> None:
    session = as_administrator.cookies["sessionid"].value
    with running_simulator(devices=5) as apple, sync_playwright() as playwright:
        point_to(apple, settings)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(viewport=viewport, base_url=live_server.url)
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        page = context.new_page()
        refused = _what_the_browser_refuses(context)

        page.goto(reverse("applesync:mdm-settings"))
        page.get_by_role("main").get_by_role("link", name="Activate").click()
        page.get_by_label("Name").fill("Lakeside")
        page.get_by_label("Client ID").fill(apple.credentials.client_id)
        page.get_by_label("Key ID").fill(apple.credentials.key_id)
        page.get_by_label("Private key", exact=True).fill(keys.p256())
        page.get_by_role("button", name="Test configuration").click()
        expect(page.get_by_role("alert")).to_contain_text("Apple accepts the credentials")
        _fits(page)

        page.get_by_label("Private key", exact=True).fill("")
        page.get_by_label("Or the private key as a file").set_input_files(apple.credentials.private_key_path)
        page.get_by_role("button", name="Test configuration").click()
        expect(page.get_by_text("Everything works.")).to_be_visible()

        page.get_by_role("button", name="Activate").click()
        expect(page.get_by_role("heading", name="Lakeside")).to_be_visible()
        page.get_by_role("button", name="Test configuration").click()
        expect(page.get_by_text("Everything works.")).to_be_visible()
        _fits(page)
        assert refused == []
        browser.close()


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_a_schedule_is_chosen_with_only_the_fields_that_it_needs_in_sight(
    live_server: LiveServer, as_administrator: Client, viewport: dict[str, int]
) -> None:
    session = as_administrator.cookies["sessionid"].value
    connection = make_connection(name="Lakeside")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(viewport=viewport, base_url=live_server.url)
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        page = context.new_page()
        refused = _what_the_browser_refuses(context)
        page.goto(connection.get_absolute_url())
        expect(page.get_by_text("Every night at 2 a.m.")).to_be_visible()
        page.get_by_role("link", name="Edit").click()

        rhythm, at, hours, cron = (
            page.get_by_label(label) for label in ("Syncs", "Time", "How often", "Cron expression")
        )
        for chosen, in_sight in {"weekdays": at, "hours": hours, "cron": cron, "never": None}.items():
            rhythm.select_option(chosen)
            for field in (at, hours, cron):
                expect(field).to_be_visible(visible=field is in_sight)
        rhythm.select_option("hours")
        hours.select_option("12")
        _fits(page)
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Every 12 hours")).to_be_visible()
        _fits(page)
        assert refused == []
        browser.close()


def _what_the_browser_refuses(context: BrowserContext) -> list[str]:
    """Collects errors of the console: above all, what the content security policy forbids."""
    refused: list[str] = []
    context.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)
    return refused


def _fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
