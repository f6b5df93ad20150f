"""`homeroom coverage`: the same verbs as the pages."""

import json
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result

from homeroom.audit.models import Entry
from homeroom.config.commands.reports import report
from homeroom.insurance.commands import coverage
from homeroom.insurance.models import FollowUp
from homeroom.insurance.queries import today
from tests.builders import make_device
from tests.insurance.ends import ending_in
from tests.insurance.test_follow_ups import row, state

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(coverage, [str(argument) for argument in arguments])


def test_each_command_does_what_it_says_and_the_report_tells() -> None:
    first, second = ending_in(20), ending_in(30)
    result = run("acknowledge", first.serial_number, second.asset_tag, "--note", "Told the board.", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == {"decided": 2, "left_out": [], "more_left_out": 0, "not_found": []}
    assert row(first)["follow_up_note"] == "Told the board."
    assert Entry.objects.get().actor_id == "command-line"
    assert run("snooze", first.serial_number, "--until", today() + 5 * DAY).exit_code == 0
    assert run("will-not-renew", second.serial_number).stderr == "Decided about 1.\n"
    assert (state(first), state(second)) == ("snoozed", "will_not_renew")
    asked = ["applecare-expiring", "--filter", "follow_up=snoozed", "--format", "json"]
    (told,) = json.loads(CliRunner().invoke(report, asked).stdout)
    assert (told["serial_number"], told["follow_up_until"]) == (first.serial_number, str(today() + 5 * DAY))
    assert run("reopen", first.serial_number, second.serial_number).exit_code == 0
    assert (state(first), state(second)) == ("waiting", "waiting")


def test_what_is_not_found_or_left_out_is_named_and_the_rest_is_done() -> None:
    device, without = ending_in(20), make_device()
    result = run("acknowledge", "NOBODY", device.serial_number, without.serial_number, "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert (told["decided"], told["not_found"]) == (1, ["NOBODY"])
    assert [left["serial_number"] for left in told["left_out"]] == [without.serial_number]
    assert "NOBODY: not in the inventory." in result.stderr
    assert state(device) == "acknowledged"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("acknowledge",), 2, "SERIAL_OR_TAG"),
        (("snooze", "S1"), 2, "--until"),
        (("snooze", "S1", "--until", "soon"), 2, "--until"),
        (("snooze", "S1", "--until", "2020-01-01"), 1, "a day after today"),
        (("acknowledge", "S1", "--note", "x" * 301), 1, "at most 300"),
    ],
)
def test_wrong_use_is_said_and_nothing_is_done(arguments: Any, code: int, words: str) -> None:
    ending_in(20, serial_number="S1")
    result = run(*arguments)
    assert result.exit_code == code
    assert words in result.stderr
    assert not FollowUp.objects.exists()
