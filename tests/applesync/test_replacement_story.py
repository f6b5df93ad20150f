"""A replacement from the cracked screen to the student's hands by command line alone: real processes, Apple and mail."""

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appleschool_sim.actions import Replace
from appleschool_sim.coverages import kind_of
from appleschool_sim.kinds import CoverageKind
from appleschool_sim.testing import RunningSimulator, running_simulator
from tests.applesync.districts import environment, homeroom
from tests.mail import MailServer, html_of, text_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]

ADDRESS = "https://homeroom.district.test"
PASSWORD = "correct horse battery"

# What architecture promises to scripts: these names, in this order.
DEVICE = [
    *("asset_tag", "serial_number", "name", "manufacturer", "model", "product_family", "site", "status"),
    *("person", "purchase_date", "cost", "purchase_order", "funding_source", "notes", "replaces_serial"),
    *("apple_model", "apple_capacity", "apple_color", "apple_os_version", "apple_order_number"),
    *("apple_verified", "coverage", "coverage_ends", "warranty", "warranty_ends"),
]
INCIDENT = [
    *("number", "serial_number", "asset_tag", "kind", "summary", "status", "opened_at", "sent_at"),
    *("closed_at", "repair_number", "outcome", "replacement_serial"),
]
REPLACEMENT = [
    *("original_serial", "replacement_serial", "order_number", "incident", "state", "detected_at"),
    *("applied_at", "decided_by", "evidence"),
]
RUN = [
    *("run", "state", "listed", "matched", "unmatched", "created", "updated", "unchanged"),
    *("coverage_checked", "coverage_failed", "insurance_created", "insurance_updated", "insurance_ended"),
    *("replacements_applied", "replacements_to_review", "requests", "throttled", "retries", "seconds"),
    "problems",
]
STAGE = ["stage", "ok", "detail", "fix"]


class CommandLine:
    """A shell on the server; nothing but `homeroom` is typed into it."""

    def __init__(self, surroundings: dict[str, str]) -> None:
        self.surroundings = surroundings

    def attempt(self, *words: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "homeroom", *map(str, words)],
            env=self.surroundings,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )

    def run(self, *words: object, stdin: str = "") -> str:
        done = self.attempt(*words, stdin=stdin)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    def told(self, *words: object) -> Any:
        """One JSON document, and nothing else on stdout."""
        return json.loads(self.run(*words))


@pytest.fixture
def apple() -> Iterator[RunningSimulator]:
    with running_simulator(devices=40, seed=9) as running:
        yield running


@pytest.fixture
def shell(apple: RunningSimulator, mail_server: MailServer, tmp_path: Path) -> CommandLine:
    mailing = {"HOMEROOM_EMAIL_URL": mail_server.url, "HOMEROOM_BASE_URL": ADDRESS}
    return CommandLine(environment(apple, tmp_path, **mailing))


def test_from_a_cracked_screen_to_the_students_hands(
    shell: CommandLine, apple: RunningSimulator, mail_server: MailServer, tmp_path: Path
) -> None:
    original = with_plan(apple)
    set_up(shell, apple, original, tmp_path)
    number = send(shell, original)
    new = apple.control.replace(Replace(serial=original))

    run = shell.told("apple", "sync", "--json")
    assert [name for name in run if name != "connection"] == RUN
    assert (run["state"], run["replacements_applied"], run["replacements_to_review"]) == ("succeeded", 1, 0)
    assert shell.told("apple", "sync", "--json")["replacements_applied"] == 0

    worker_dies_with_the_mail_in_hand(shell, mail_server)
    shell.run("worker", "--once")
    shell.run("worker", "--once")
    is_told(mail_server, original, new, number)

    is_replaced(shell, original, new, number)
    is_received(shell, new, number)
    history_tells_it(shell, original, new, number)


def with_plan(apple: RunningSimulator) -> str:
    """The first device that has AppleCare."""
    world = apple.world
    return next(
        device.serial
        for device in world.devices()
        if kind_of(world.coverage_at(device.index), world.today) is CoverageKind.PLAN
    )


def set_up(shell: CommandLine, apple: RunningSimulator, original: str, folder: Path) -> None:
    """An empty installation becomes a district that has synced."""
    shell.run("init")
    shell.run(
        *("createadmin", "--email", "ada@district.test", "--name", "Ada Admin", "--password-stdin"),
        stdin=PASSWORD,
    )
    people = write(
        folder / "people.csv", ["external_id", "name", "site"], [["S1", "Sam Student", "North School"]]
    )
    shell.run("import", "people", people, "--create-sites")
    serials = [device.serial for device in apple.world.devices()][:30]
    rows = [
        [f"A{place}", serial, "North School", "S1" if serial == original else ""]
        for place, serial in enumerate(dict.fromkeys([original, *serials]))
    ]
    devices = write(folder / "devices.csv", ["asset_tag", "serial_number", "site", "person"], rows)
    shell.run("import", "devices", devices)
    account = apple.credentials
    shell.run(
        *("apple", "configure", "--name", "North", "--client-id", account.client_id),
        *("--key-id", account.key_id, "--private-key", account.private_key_path),
    )
    tested = shell.told("apple", "test", "--json")
    assert tested["ok"] is True
    assert all(list(stage) == STAGE for stage in tested["stages"])
    first = shell.told("apple", "sync", "--json")
    assert (first["state"], first["matched"], first["replacements_applied"]) == ("succeeded", len(rows), 0)


def write(path: Path, header: list[str], rows: list[list[str]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def send(shell: CommandLine, original: str) -> int:
    """The incident's number, its device on the way to Apple."""
    opened = shell.told("incident", "open", "--device", original, "--summary", "Cracked screen", "--json")
    assert list(opened) == INCIDENT
    assert (opened["serial_number"], opened["sent_at"], opened["outcome"]) == (original, None, None)
    sending = ("incident", "set-status", opened["number"], "Sent for AppleCare Repair")

    stopped = shell.attempt(*sending, "--json")
    assert (stopped.returncode, stopped.stdout) == (1, "")
    assert "no photo" in stopped.stderr.lower()
    assert "--reason" in stopped.stderr

    sent = shell.told(*sending, "--repair-number", "G123456789", "--reason", "No photo needed.", "--json")
    assert list(sent) == INCIDENT
    assert (sent["status"], sent["repair_number"]) == ("Sent for AppleCare Repair", "G123456789")
    assert sent["sent_at"] is not None
    forged = shell.attempt("incident", "set-status", opened["number"], "AppleCare Replacement Received")
    assert forged.returncode == 1
    return int(opened["number"])


def worker_dies_with_the_mail_in_hand(shell: CommandLine, mail_server: MailServer) -> None:
    """`kill -9` before the server has said that it takes it."""
    mail_server.hang()
    with homeroom("worker", environment=shell.surroundings) as process:
        assert mail_server.content_came.wait(60)
        process.kill()
        process.wait()
    assert mail_server.messages == []
    mail_server.hang(taken=False)
    mail_server.go_on()


def is_told(mail_server: MailServer, original: str, new: str, number: int) -> None:
    (message,) = mail_server.messages
    assert message["To"] == "ada@district.test"
    for words in (original, new, f"#{number}", "Cracked screen", f"{ADDRESS}/replacements/"):
        assert words in text_of(message), words
        assert words in html_of(message), words


def is_replaced(shell: CommandLine, original: str, new: str, number: int) -> None:
    (row,) = shell.told("replacements", "list", "--json")
    assert list(row) == ["id", *REPLACEMENT]
    assert (row["original_serial"], row["replacement_serial"]) == (original, new)
    assert (row["state"], row["incident"]) == ("applied", number)
    devices = {row["serial_number"]: row for row in shell.told("export", "devices", "--format", "json")}
    assert new not in devices
    assert list(devices[original]) == DEVICE
    assert (devices[original]["status"], devices[original]["person"]) == ("Replaced by AppleCare", None)
    (incident,) = shell.told("export", "incidents", "--format", "json")
    assert list(incident) == INCIDENT
    assert incident["status"] == "AppleCare Replacement Received"
    assert (incident["replacement_serial"], incident["closed_at"]) == (new, None)


def is_received(shell: CommandLine, new: str, number: int) -> None:
    steps = ("--asset-tag", "N1", "--assign", "--close")
    device = shell.told("replacements", "receive", new, *steps, "--json")
    assert list(device) == DEVICE
    assert (device["serial_number"], device["asset_tag"]) == (new, "N1")
    assert (device["site"], device["person"]) == ("North School", "S1")
    assert device["apple_verified"] is True
    (incident,) = shell.told("incident", "list", "--json")
    assert (incident["number"], incident["outcome"]) == (number, "replaced")
    assert incident["closed_at"] is not None


def history_tells_it(shell: CommandLine, original: str, new: str, number: int) -> None:
    for words in (("report", "replacement-history"), ("export", "replacements")):
        (row,) = shell.told(*words, "--format", "json")
        assert list(row) == REPLACEMENT
        assert (row["original_serial"], row["replacement_serial"]) == (original, new)
        assert (row["state"], row["incident"]) == ("applied", number)
        assert row["evidence"]
    header, line = csv.reader(shell.run("report", "replacement-history", "--format", "csv").splitlines())
    assert header == REPLACEMENT
    assert line[:2] == [original, new]
    assert "Replaced by AppleCare" in shell.run("why", original)
