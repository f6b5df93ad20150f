"""A whole installation of its own (pages and worker), a simulated Apple, and a real browser."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from appleschool_sim.testing import RunningSimulator, running_simulator
from tests.mail import MailServer

PASSWORD = "correct horse battery"
BROWSER_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Installation:
    """`homeroom serve` in a folder of its own, asking the given simulated Apple, mailing through the given server."""

    def __init__(self, folder: Path, apple: RunningSimulator, mail: MailServer) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"http://localhost:{self.port}"
        self.apple = apple
        self.mail = mail
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "homeroom.config.settings",
            "HOMEROOM_DATA_DIR": str(folder),
            "HOMEROOM_DATABASE_URL": "",
            "HOMEROOM_BASE_URL": self.address,
            "HOMEROOM_EMAIL_URL": mail.url,
            "HOMEROOM_APPLE_API_URL": apple.api_url,
            "HOMEROOM_APPLE_TOKEN_URL": apple.token_url,
            "HOMEROOM_APPLE_MAX_RATE": "60",
        }

    def run(self, *arguments: str, stdin: str = "") -> str:
        done = self.attempt(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def attempt(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "homeroom", *arguments],
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )

    def start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "homeroom", "serve", "--port", str(self.port)], env=self.environment
        )
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                urlopen(f"{self.address}/account/login/", timeout=5).close()
            except URLError:
                time.sleep(0.2)
            else:
                return process
        process.kill()
        pytest.fail("the pages do not answer")


@pytest.fixture
def installation(tmp_path: Path, mail_server: MailServer) -> Iterator[Installation]:
    with running_simulator(devices=240, seed=9) as apple:
        made = Installation(tmp_path / "data", apple, mail_server)
        made.run("init")
        made.run(
            "createadmin",
            "--email",
            "ada@district.test",
            "--name",
            "Ada Admin",
            "--password-stdin",
            stdin=PASSWORD,
        )
        process = made.start()
        try:
            yield made
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        pytest.fail("journeys need chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=executable, args=BROWSER_OPTIONS)
        yield started
        started.close()


class Visit:
    """One person at one screen. What the browser complains of is kept in `complaints`."""

    def __init__(self, page: Page, installation: Installation) -> None:
        self.page = page
        self.installation = installation
        self.complaints: list[str] = []
        page.on("console", lambda message: self._heard(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _heard(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(text)

    def open(self, path: str) -> None:
        answer = self.page.goto(f"{self.installation.address}{path}")
        assert answer is not None
        assert answer.ok, (path, answer.status)

    def sign_in(self, email: str = "ada@district.test") -> None:
        self.open("/")
        self.page.get_by_label("Email").fill(email)
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(f"{self.installation.address}/")

    def fits(self) -> bool:
        """Whether nothing sticks out to the right of the screen."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))

    def picture(self, name: str) -> None:
        """Keep a screenshot under test-results/, for people to look at."""
        width = self.page.viewport_size["width"] if self.page.viewport_size else 0
        self.page.screenshot(path=f"test-results/{name}-{width}.png", full_page=True)


@pytest.fixture(params=[(390, 844), (1440, 900)], ids=["phone", "desktop"])
def visit(request: pytest.FixtureRequest, browser: Browser, installation: Installation) -> Iterator[Visit]:
    width, height = request.param
    context = browser.new_context(viewport={"width": width, "height": height}, locale="en-US")
    yield Visit(context.new_page(), installation)
    context.close()
