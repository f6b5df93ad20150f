"""Every page of each role, reached by its links: as wide as the screen, accessible, in light and dark, no complaint."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from http.client import METHOD_NOT_ALLOWED
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import Resolver404, resolve
from playwright.sync_api import Browser, Page

from homeroom.accounts.policy import GRANTS, Permission, Role
from tests.inventory.files import write_csv
from tests.test_walk import PAGES, permission_of

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900)]
PHONE, DESK = 390, 1440
Look = tuple[int, Literal["light", "dark"]]
LOOKS: dict[Role, Sequence[Look]] = {
    Role.ADMINISTRATOR: [(PHONE, "light"), (PHONE, "dark"), (DESK, "light"), (DESK, "dark")],
    Role.TECHNICIAN: [(PHONE, "light"), (DESK, "dark")],
    Role.VIEWER: [(PHONE, "light"), (DESK, "dark")],
}
"""Widths and themes. The administrator sees every page; the others' have fewer buttons."""
STARTS = ("/", "/devices/?held=nobody", "/devices/", "/devices/?coverage=covered")
MOST_OF_A_KIND = 8
MOST_DEVICES = 30
"""Enough that some are with somebody and some with nobody."""
EMAILS = {
    Role.ADMINISTRATOR: "admin@demo.example",
    Role.TECHNICIAN: "tech@demo.example",
    Role.VIEWER: "viewer@demo.example",
}
FILES = {
    "incidents/<int:number>/attachments/<int:pk>/",
    "incidents/<int:number>/attachments/<int:pk>/thumbnail/",
    "reports/files/<int:pk>/content/",
}
NOT_LINKED = FILES | {
    # The parts that a page renews by itself.
    "syncs/<int:pk>/live/",
    "imports/<int:pk>/progress/",
    "incidents/<int:number>/before-sending/",
    "at-apple/shipments/<int:number>/units/",
    "reports/mdm/<slug:name>/left-out/",
    "insurance/follow-ups/all/",
    "reports/files/<int:pk>/",
    # What a young demo has none of; the journeys of shipments, replacements and reports look at these.
    "at-apple/shipments/<int:number>/ship/",
    "at-apple/shipments/<int:number>/packing-list/",
    "replacements-to-review/<int:pk>/",
    "replacements/<int:pk>/",
    "replacements/<int:pk>/receive/",
    "reports/views/<int:pk>/",
    "reports/schedules/<int:pk>/",
    "reports/schedules/<int:pk>/edit/",
}


class Demo:
    """`homeroom demo` as a person starts it, with something of everything."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        without = {name: value for name, value in os.environ.items() if not name.startswith("HOMEROOM_")}
        environment = without | {
            "DJANGO_SETTINGS_MODULE": "homeroom.config.settings",
            "HOMEROOM_DATA_DIR": str(folder),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "homeroom", "demo", "--devices", "60", "--port", str(port)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.address = f"http://localhost:{port}"
        told = []
        for line in self.process.stdout or ():
            told.append(line)
            if line.strip().startswith("http") and str(port) in line:
                break
        found = re.search(r"with the password  (\S+)", "".join(told))
        assert found, "".join(told)
        self.password = found[1]

    def stop(self) -> None:
        with self.process:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(timeout=60)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    started = Demo(tmp_path_factory.mktemp("demo"))
    yield started
    started.stop()


class Walk:
    """Follows every link. Of pages of one kind the first is looked at; some more only lead on."""

    def __init__(self, page: Page, demo: Demo, looks: Sequence[Look]) -> None:
        self.page = page
        self.demo = demo
        self.looks = looks
        self.seen: Counter[str] = Counter()
        self.troubles: list[tuple[object, ...]] = []
        page.on("console", lambda message: self._heard(message.type, message.text))
        page.on("pageerror", lambda error: self._heard("error", str(error)))

    def _heard(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.troubles.append((self.page.url, text))

    def open(self, path: str) -> bool:
        answer = self.page.goto(f"{self.demo.address}{path}")
        return answer is not None and answer.ok

    def sign_in(self, role: Role) -> None:
        self.open("/")
        self.page.get_by_label("Email").fill(EMAILS[role])
        self.page.get_by_label("Password", exact=True).fill(self.demo.password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(f"{self.demo.address}/")

    def upload(self, file: Path) -> None:
        self.open("/imports/")
        self.page.locator("input[type=file]").set_input_files(file)
        self.page.get_by_role("button", name="Upload").click()
        self.page.wait_for_url(re.compile(r"/columns/$"))
        self.seen[str(_route(self.page.url))] += 1
        self._look(self.page.url)
        self.page.get_by_role("button", name="Check the file").click()
        self.page.wait_for_url(re.compile(r"/imports/[0-9]+/$"))

    def add_a_status(self) -> None:
        self.open("/settings/incident-statuses/")
        self.page.get_by_label("Name").fill("Waiting for parts")
        self.page.get_by_role("button", name="Add").click()
        self.page.get_by_role("link", name="Edit Waiting for parts").wait_for()

    def everywhere(self) -> None:
        waiting, known = deque([*STARTS]), set(STARTS)
        while waiting:
            path = waiting.popleft()
            route = _route(path)
            most = MOST_DEVICES if route == "devices/<int:pk>/" else MOST_OF_A_KIND
            if route is None or self.seen[route] == most:
                continue
            self.seen[route] += 1
            if not self.open(path):
                self.troubles.append((path, "does not answer"))
                continue
            links = [link for link in self._links() if link not in known]
            known.update(links)
            waiting.extend(links)
            if self.seen[route] == 1:
                self._look(path)

    def _links(self) -> list[str]:
        found = self.page.eval_on_selector_all(
            "a[href]", "all => all.filter(a => a.origin === location.origin).map(a => a.href)"
        )
        return [urlsplit(link).path for link in found if "format=" not in link]

    def _look(self, path: str) -> None:
        for width, scheme in self.looks:
            self.page.set_viewport_size({"width": width, "height": 900})
            self.page.emulate_media(color_scheme=scheme)
            if self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                self.troubles.append((path, width, "wider than the screen"))
            self.troubles += [
                (path, width, scheme, found["id"], found["nodes"][0]["html"][:160])
                for found in Axe().run(self.page).response["violations"]
            ]

    def is_no_page(self, route: str) -> bool:
        """Whether it answers only what a form sends."""
        path = re.sub(r"<[^>]+>", "1", route)
        return self.page.request.get(f"{self.demo.address}/{path}").status == METHOD_NOT_ALLOWED


def _route(path: str) -> str | None:
    """The kind of page; None for what is no page, such as a file."""
    try:
        route = str(resolve(urlsplit(path).path).route)
    except Resolver404:
        return None
    return None if route in FILES else route


@pytest.mark.parametrize(("role", "looks"), LOOKS.items())
def test_every_page_is_reached_and_fit_to_be_used(
    role: Role, looks: Sequence[Look], demo: Demo, browser: Browser, tmp_path: Path
) -> None:
    context = browser.new_context(locale="en-US", reduced_motion="reduce")
    walk = Walk(context.new_page(), demo, looks)
    walk.sign_in(role)
    if Permission.IMPORT in GRANTS[role]:
        walk.upload(write_csv(tmp_path / "new.csv", ("Serial", "Colour"), ("NEW1", "red")))
    if Permission.MANAGE_SETTINGS in GRANTS[role]:
        walk.add_a_status()
    walk.everywhere()
    assert walk.troubles == []
    routes = {route for route, pattern in PAGES if permission_of(pattern) in GRANTS[role]}
    unreached = routes - set(walk.seen) - NOT_LINKED
    assert [route for route in sorted(unreached) if not walk.is_no_page(route)] == []
    context.close()
