"""`homeroom apple configure`, `homeroom apple test` and `homeroom rotate-key`, as a person types them."""

import json
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result
from django.db import connection as database
from pytest_django import Settings

from appleschool_sim.testing import RunningSimulator, running_simulator
from homeroom.applesync.models import Connection
from homeroom.config.cli import main
from tests.applesync import keys
from tests.applesync.account import CLIENT_ID, KEY_ID, make_connection, of_simulator, point_to

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with running_simulator(devices=5) as running:
        yield running


@pytest.fixture
def apple(simulator: RunningSimulator, settings: Settings) -> Iterator[RunningSimulator]:
    point_to(simulator, settings)
    yield simulator
    simulator.control.run_real_clock()


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return write_key(tmp_path, keys.p256())


def write_key(folder: Path, pem: str) -> Path:
    file = folder / "key.pem"
    file.write_text(pem)
    return file


def homeroom(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def configure(key_file: Path, *more: object, name: str = "District") -> Result:
    credentials = ("--client-id", CLIENT_ID, "--key-id", KEY_ID, "--private-key", key_file)
    return homeroom("apple", "configure", "--name", name, *credentials, *more)


def report_of(*arguments: object) -> tuple[int, dict[str, Any]]:
    result = homeroom("apple", "test", "--json", *arguments)
    return result.exit_code, json.loads(result.stdout)


def first_failure(report: dict[str, Any]) -> dict[str, Any]:
    return next(stage for stage in report["stages"] if stage["ok"] is False)


def test_it_creates_and_activates_with_both_options_on(key_file: Path) -> None:
    result = configure(key_file, "--json")
    assert result.exit_code == 0, result.output
    row = json.loads(result.stdout)
    assert row["name"] == "District"
    assert (row["kind"], row["team_id"], row["client_id"], row["key_id"]) == ("school", "", CLIENT_ID, KEY_ID)
    assert row["active"] is row["sync_coverage"] is row["process_replacements"] is True
    assert "private_key" not in row


def test_it_changes_only_what_is_named(key_file: Path) -> None:
    configure(key_file, "--no-sync-coverage", "--team-id", "T1")
    before = Connection.objects.get()
    result = homeroom("apple", "configure", "--name", "District", "--key-id", "other")
    assert result.exit_code == 0, result.output
    after = Connection.objects.get()
    assert after.key_id == "other"
    assert (after.team_id, after.client_id, after.private_key) == ("T1", CLIENT_ID, before.private_key)
    assert (after.sync_coverage, after.process_replacements) == (False, True)


def test_it_activates_a_deactivated_connection_again(key_file: Path) -> None:
    configure(key_file)
    Connection.objects.update(active=False)
    configure(key_file)
    assert Connection.objects.get().active


def test_a_new_connection_needs_its_credentials() -> None:
    result = homeroom("apple", "configure", "--name", "District")
    assert result.exit_code == 2
    assert "--client-id, --key-id, --private-key" in result.stderr
    assert not Connection.objects.exists()


def test_a_missing_key_file_is_wrong_use(tmp_path: Path) -> None:
    assert configure(tmp_path / "nowhere.pem").exit_code == 2


@pytest.mark.parametrize(
    ("pem", "said"),
    [
        (keys.public(), "public key"),
        (keys.rsa_key(), "RSA"),
        (keys.p384(), "P-256"),
        (keys.encrypted(), "passphrase"),
        (keys.truncated(), "cut off"),
        (keys.certificate(), "certificate"),
        ("", "empty"),
    ],
    ids=["public", "rsa", "p384", "encrypted", "truncated", "certificate", "empty"],
)
def test_it_refuses_an_unusable_key_with_a_sentence(tmp_path: Path, pem: str, said: str) -> None:
    result = configure(write_key(tmp_path, pem))
    assert result.exit_code == 1
    assert said in result.stderr
    assert "Traceback" not in result.output
    assert not Connection.objects.exists()


def test_the_test_passes_with_good_credentials(apple: RunningSimulator) -> None:
    make_connection(**of_simulator(apple))
    code, report = report_of()
    assert code == 0
    assert report["ok"] is True
    assert [stage["stage"] for stage in report["stages"]] == [
        "key",
        "curve",
        "clock",
        "token",
        "scope",
        "devices",
        "coverage",
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": f"SCHOOLAPI.{uuid4()}"},
        {"key_id": str(uuid4())},
        {"private_key": keys.p256()},
    ],
    ids=["client-id", "key-id", "another-accounts-key"],
)
def test_the_test_names_the_stage_and_the_fix(apple: RunningSimulator, wrong: dict[str, str]) -> None:
    make_connection(**of_simulator(apple) | wrong)
    code, report = report_of()
    assert code == 1
    assert report["ok"] is False
    failed = first_failure(report)
    assert failed["stage"] == "token"
    assert "Client ID" in failed["fix"]
    assert "Key ID" in failed["fix"]
    assert Connection.objects.get().problem == failed["detail"]


def test_the_test_names_a_clock_that_is_two_hours_off(apple: RunningSimulator) -> None:
    make_connection(**of_simulator(apple))
    apple.control.advance_clock(timedelta(hours=2))
    code, report = report_of()
    assert code == 1
    assert first_failure(report)["stage"] == "clock"
    assert "behind Apple's by 2 hours" in first_failure(report)["detail"]


def test_the_test_says_that_apple_is_unreachable(apple: RunningSimulator, settings: Settings) -> None:
    make_connection()
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        settings.CONFIGURATION = settings.CONFIGURATION.model_copy(
            update={"apple_api_url": f"{address}/v1", "apple_token_url": f"{address}/token"}
        )
        result = homeroom("apple", "test")
    assert result.exit_code == 1
    assert "FAILED  Apple can be reached" in result.stdout
    assert "can't be reached" in result.stderr
    assert "Traceback" not in result.output


def test_the_test_without_any_connection_fails_with_a_sentence() -> None:
    result = homeroom("apple", "test")
    assert result.exit_code == 1
    assert "homeroom apple configure" in result.stderr


def test_several_connections_have_to_be_told_apart(apple: RunningSimulator) -> None:
    make_connection(**of_simulator(apple))
    make_connection(name="Other")
    result = homeroom("apple", "test")
    assert result.exit_code == 2
    assert "--connection" in result.stderr
    code, _report = report_of("--connection", "District")
    assert code == 0
    assert homeroom("apple", "test", "--connection", "Nobody").exit_code == 2


def test_rotate_key_encrypts_with_the_first_key(settings: Settings) -> None:
    stored = make_connection().private_key
    old, new = settings.SECRET_KEY, "a newer key for tests, thirty-two characters"
    before = encrypted()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = new, [old]
    assert homeroom("rotate-key").exit_code == 0
    assert encrypted() != before
    settings.SECRET_KEY_FALLBACKS = []
    assert Connection.objects.get().private_key == stored


def test_rotate_key_changes_nothing_where_a_secret_can_not_be_read(settings: Settings) -> None:
    make_connection()
    before = encrypted()
    settings.SECRET_KEY = "quite another key for tests, long enough"
    result = homeroom("rotate-key")
    assert result.exit_code == 1
    assert "HOMEROOM_SECRET_KEYS" in result.stderr
    assert encrypted() == before


def encrypted() -> str:
    """What really stands in the database."""
    with database.cursor() as cursor:
        cursor.execute("SELECT private_key FROM applesync_connection")
        return str(cursor.fetchone()[0])
