"""A training session: one person makes things happen at the simulated Apple, and Homeroom copes."""

import csv
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from appleschool_sim.coverages import kind_of
from appleschool_sim.kinds import CoverageKind
from appleschool_sim.world import World
from tests.journeys.conftest import Visit
from tests.journeys.test_first_sync import looks_right

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]


class Trainer:
    """The one at the simulator's control page, in a tab of its own."""

    def __init__(self, page: Page, visit: Visit) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", lambda message: self._heard(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(visit.installation.apple.address)
        expect(page.get_by_role("heading", name="Simulated Apple School Manager")).to_be_visible()

    def _heard(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(text)

    def choose(self, serial: str) -> None:
        self.page.get_by_role("button", name="Empty the list").click()
        self.page.get_by_label("Serial number, or a part of it").fill(serial.lower())
        self.page.get_by_role("button", name=f"Choose {serial}").click()

    def press(self, button: str, *, said: str | re.Pattern[str]) -> None:
        self.page.get_by_role("button", name=button, exact=True).click()
        expect(self.page.locator("output", has_text=said)).to_be_visible()

    def looks_right(self, name: str) -> None:
        size = self.page.viewport_size
        assert size is not None
        self.page.screenshot(path=f"test-results/{name}-{size['width']}.png", full_page=True)
        assert self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
        violations = [(found["id"], found["nodes"][0]["html"][:200]) for found in self._axe()]
        assert violations == [], name

    def _axe(self) -> list[dict[str, list[dict[str, str]]]]:
        found: list[dict[str, list[dict[str, str]]]] = Axe().run(self.page).response["violations"]
        return found


@pytest.fixture
def trainer(visit: Visit) -> Iterator[Trainer]:
    page = visit.page.context.new_page()
    page.emulate_media(color_scheme="dark")
    yield Trainer(page, visit)
    page.close()


def with_plan(world: World, day: date) -> list[str]:
    kinds = {device.serial: kind_of(world.coverage_at(device.index), day) for device in world.devices()}
    return [serial for serial, kind in kinds.items() if kind is CoverageKind.PLAN]


def connect(visit: Visit, path: Path, serials: list[str]) -> None:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["Asset Tag", "Serial", "Location", "Model"])
        rows.writerows(
            [f"A{number:04}", serial, "North School", "iPad"] for number, serial in enumerate(serials)
        )
    account = visit.installation.apple.credentials
    run = visit.installation.run
    run("import", "devices", str(path), "--create-sites")
    run(
        *("apple", "configure", "--name", "North", "--client-id", account.client_id),
        *("--key-id", account.key_id, "--private-key", str(account.private_key_path)),
    )
    run("apple", "sync")


def test_a_person_causes_trouble_at_apple_and_homeroom_copes(
    visit: Visit, trainer: Trainer, tmp_path: Path
) -> None:
    world = visit.installation.apple.world
    old, cancelled, *_others = serials = with_plan(world, world.today)[:30]
    trainer.looks_right("simulator-page-first")
    connect(visit, tmp_path / "devices.csv", serials)
    visit.sign_in()

    ships_a_replacement(visit, trainer, old)
    cancels_a_coverage(visit, trainer, cancelled)
    revokes_the_key(visit, trainer)
    sets_a_limit(visit, trainer, serials[2])

    expect(trainer.page.locator("#happened li")).to_have_count(6)
    expect(trainer.page.locator("#requests")).to_contain_text(f"/v1/orgDevices/{serials[2]}")
    trainer.looks_right("simulator-page")
    assert trainer.complaints == []
    assert visit.complaints == []


def ships_a_replacement(visit: Visit, trainer: Trainer, old: str) -> None:
    trainer.page.get_by_role("button", name="With AppleCare").click()
    expect(trainer.page.locator("#found li")).to_have_count(10)
    trainer.choose(old)
    trainer.press("Ship replacements", said=re.compile(rf"Apple ships a replacement: .+ for {old}\."))
    trainer.page.get_by_role("button", name="Latest replacements").click()
    expect(trainer.page.locator("#found")).to_contain_text(f"replaces {old}")
    new = trainer.page.locator("#found .serial").inner_text()

    visit.installation.run("apple", "sync")
    visit.open(f"/devices/?q={old}")
    expect(visit.page.get_by_text("Released from the organization on")).to_be_visible()
    visit.open(f"/reconciliation/in-apple-not-in-inventory/?q={new}")
    expect(visit.page.get_by_text(new).locator("visible=true").first).to_be_visible()


def cancels_a_coverage(visit: Visit, trainer: Trainer, serial: str) -> None:
    trainer.choose(serial)
    trainer.press("Cancel the plans", said=f"The AppleCare plan of {serial} is cancelled as of today.")
    visit.open(f"/devices/?q={serial}")
    visit.page.get_by_role("button", name="Refresh this device now").click()
    expect(visit.page.get_by_text("its coverage has changed")).to_be_visible(timeout=20_000)
    expect(visit.page.get_by_text("Cancelled", exact=False).first).to_be_visible()
    looks_right(visit, "profile-cancelled")


def revokes_the_key(visit: Visit, trainer: Trainer) -> None:
    trainer.press("Revoke the key", said="The key is revoked")
    expect(trainer.page.locator("#state-key")).to_have_text("Revoked")
    visit.open("/settings/mdm/")
    visit.page.get_by_role("link", name="North").first.click()
    visit.page.get_by_role("button", name="Test configuration").click()
    expect(visit.page.locator("#report")).to_contain_text("the key has probably been revoked", timeout=30_000)
    trainer.press("Restore the key", said="The key is good again")
    visit.page.get_by_role("button", name="Test configuration").click()
    expect(visit.page.locator("#report")).not_to_contain_text("revoked", timeout=30_000)


def sets_a_limit(visit: Visit, trainer: Trainer, serial: str) -> None:
    page = trainer.page
    page.get_by_label("Requests a second").fill("0.01")
    trainer.press("Set the limit", said="1 request at once and 0.01 a second from then on")
    expect(page.locator("#state-limit")).to_have_text("0.01 a second, 1 at once")
    visit.open(f"/devices/?q={serial}")
    visit.page.get_by_role("button", name="Refresh this device now").click()
    expect(visit.page.locator("#refused")).to_contain_text("Apple asks to slow down", timeout=20_000)
    trainer.press("No limit", said="There is no limit of requests any more.")
