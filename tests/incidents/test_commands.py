"""`homeroom incident`: the same verbs as the pages, and no way into a status of the integration."""

import json

import pytest
from click.testing import CliRunner, Result

from homeroom.audit.actors import COMMAND_LINE
from homeroom.config.commands.exports import export
from homeroom.incidents.commands import incident
from homeroom.incidents.models import Comment, Incident
from homeroom.incidents.verbs.incidents import open_incident
from homeroom.incidents.verbs.repairs import receive_replacement
from homeroom.incidents.verbs.statuses import ensure_system_statuses
from tests.builders import make_device, make_person
from tests.inventory.test_import_export_commands import run as run_command

pytestmark = pytest.mark.django_db
COLUMNS = [
    "number",
    "serial_number",
    "asset_tag",
    "kind",
    "summary",
    "status",
    "opened_at",
    "sent_at",
    "closed_at",
    "repair_number",
    "outcome",
    "replacement_serial",
]


@pytest.fixture(autouse=True)
def connected() -> None:
    ensure_system_statuses(actor=COMMAND_LINE)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(incident, [str(argument) for argument in arguments])


def row(*arguments: object) -> dict:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def cracked(**values) -> Incident:
    return open_incident(make_device(**values), summary="Cracked screen", actor=COMMAND_LINE)


def test_it_opens_an_incident_and_prints_its_row():
    make_device(serial_number="SER1", asset_tag="T1")
    opened = row(
        "open", "--device", "SER1", "--summary", "Cracked", "--kind", "screen", "--description", "Fell."
    )
    assert list(opened) == COLUMNS
    assert {name: opened[name] for name in ("serial_number", "kind", "status", "closed_at")} == {
        "serial_number": "SER1",
        "kind": "screen",
        "status": "New",
        "closed_at": None,
    }
    assert opened["opened_at"].endswith("Z")
    assert Incident.objects.get(pk=opened["number"]).description == "Fell."


def test_opening_tells_of_the_cover_and_of_another_open_incident():
    first = cracked(serial_number="SER1")
    result = run("open", "--device", "SER1", "--summary", "Again")
    assert f"Another incident of the device is open: {first} Cracked screen." in result.stderr
    assert "Whether it has AppleCare is not known" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["open", "--device", "NONE", "--summary", "x"], 1, "No device has"),
        (["open", "--device", "SER1", "--summary", " "], 1, "blank"),
        (["open", "--device", "SER1", "--summary", "x", "--kind", "magic"], 2, "magic"),
        (["set-status", "x", "New"], 2, "not the number"),
        (["set-status", "987654", "New"], 1, "There is no incident #987654"),
        (["show", "987654"], 1, "There is no incident"),
    ],
)
def test_what_is_wrong_is_told_with_its_exit_code(arguments, status, told):
    make_device(serial_number="SER1")
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (status, "")
    assert told in result.stderr


def test_a_status_is_set_by_its_name_and_a_closed_one_needs_an_outcome():
    found = cracked()
    assert row("set-status", found.number, "in progress")["status"] == "In progress"
    refused = run("set-status", found.number, "Closed")
    assert refused.exit_code == 1
    assert "outcome" in refused.stderr
    closed = row(
        "set-status", f"#{found.number}", "Closed", "--outcome", "repaired", "--reason", "Came back."
    )
    assert (closed["status"], closed["outcome"]) == ("Closed", "repaired")
    assert Comment.objects.get().text == "Came back."


def test_an_unknown_status_names_those_there_are():
    result = run("set-status", cracked().number, "Waiting")
    assert result.exit_code == 1
    assert "“In progress”" in result.stderr
    assert "Sent for" not in result.stderr


def test_sending_to_apple_needs_a_reason_where_something_speaks_against_it():
    found = cracked()
    result = run("set-status", found.number, "Sent for AppleCare Repair")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "There is no photo of the damage." in result.stderr
    assert "--reason" in result.stderr
    found.refresh_from_db()
    assert found.sent_at is None

    sent = row(
        "set-status",
        found.number,
        "Sent for AppleCare Repair",
        "--repair-number",
        "r77",
        "--reason",
        "Urgent.",
    )
    assert (sent["status"], sent["repair_number"]) == ("Sent for AppleCare Repair", "R77")
    assert sent["sent_at"]


@pytest.mark.parametrize("more", [[], ["--reason", "Please."], ["--outcome", "replaced"]])
def test_replacement_received_is_refused(more):
    found = cracked()
    result = run("set-status", found.number, "AppleCare Replacement Received", *more)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "replacement processing alone" in result.stderr
    found.refresh_from_db()
    assert str(found.status) == "New"


def test_replacement_received_may_be_left():
    found = cracked()
    run("set-status", found.number, "Sent for AppleCare Repair", "--reason", "Tested.")
    receive_replacement(found, actor=COMMAND_LINE)
    assert row("set-status", found.number, "Closed", "--outcome", "replaced")["outcome"] == "replaced"


def test_it_lists_what_was_asked_for():
    first, second, third = cracked(asset_tag="T1"), cracked(asset_tag="T2"), cracked(asset_tag="T3")
    run("set-status", second.number, "Sent for AppleCare Repair", "--reason", "Tested.")
    run("set-status", third.number, "Closed", "--outcome", "other")

    def numbers(*arguments: str) -> list[int]:
        return [found["number"] for found in row("list", *arguments)]

    assert numbers() == [first.number, second.number, third.number]
    assert numbers("--open") == [first.number, second.number]
    assert numbers("--at-apple") == [second.number]
    assert numbers("--overdue") == []
    assert numbers("--device", "T3") == [third.number]
    assert run("list", "--device", "NONE").exit_code == 1
    assert f"#{first.number}  T1" in run("list").stdout


def test_it_shows_an_incident_and_comments_on_it():
    found = cracked(asset_tag="T1")
    assert row("comment", found.number, "Ordered a part.")["number"] == found.number
    shown = run("show", found.number).stdout
    assert "T1" in shown
    assert "Ordered a part." in shown
    assert list(row("show", found.number)) == COLUMNS
    assert run("comment", found.number, " ").exit_code == 1


def test_the_export_has_the_same_columns():
    make_person()
    cracked(serial_number="SER1")
    lines = run_command(export, "incidents").stdout.splitlines()
    assert lines[0] == ",".join(COLUMNS)
    assert ",SER1," in lines[1]
