"""The staged test against the simulated Apple, over HTTP."""

import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from pytest_django import Settings

from appleschool_sim.faults import Fault
from appleschool_sim.kinds import Kind
from appleschool_sim.testing import RunningSimulator, running_simulator
from homeroom.applesync import checks
from homeroom.applesync.checks import Report, Stage
from homeroom.applesync.models import Connection
from tests.applesync import keys

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def shared_apple() -> Iterator[RunningSimulator]:
    with running_simulator(devices=12) as simulator:
        yield simulator


@pytest.fixture
def apple(shared_apple: RunningSimulator, settings: Settings) -> Iterator[RunningSimulator]:
    settings.CONFIGURATION = settings.CONFIGURATION.model_copy(
        update={"apple_api_url": shared_apple.api_url, "apple_token_url": shared_apple.token_url}
    )
    yield shared_apple
    shared_apple.control.clear_faults()
    shared_apple.control.run_real_clock()


def draft(apple: RunningSimulator, **values: Any) -> Connection:
    given = apple.credentials
    good = {"name": "District", "client_id": given.client_id, "key_id": given.key_id}
    return Connection(**good | {"private_key": given.private_key} | values)


def failed_stage(report: Report) -> Stage | None:
    """Where the test stopped; what comes before must have passed and what comes after must not have run."""
    outcomes = [result.ok for result in report.results]
    if False not in outcomes:
        assert outcomes == [True] * len(Stage)
        return None
    stop = outcomes.index(False)
    assert outcomes == [True] * stop + [False] + [None] * (len(Stage) - stop - 1)
    failed = report.failed
    assert failed is not None
    assert failed.detail
    assert failed.fix
    return failed.stage


def words(report: Report) -> str:
    return " ".join(f"{result.detail} {result.fix}" for result in report.results)


def test_it_passes_every_stage_with_good_credentials(apple: RunningSimulator) -> None:
    report = checks.check(draft(apple))
    assert report.ok
    assert failed_stage(report) is None


@pytest.mark.parametrize(
    ("pem", "stage", "said"),
    [
        ("", Stage.KEY, "empty"),
        (keys.public(), Stage.KEY, "public key"),
        (keys.encrypted(), Stage.KEY, "passphrase"),
        (keys.truncated(), Stage.KEY, "cut off"),
        (keys.without_begin(), Stage.KEY, "BEGIN"),
        (keys.certificate(), Stage.KEY, "certificate"),
        (keys.content_token(), Stage.KEY, "token"),
        (keys.rsa_key(), Stage.CURVE, "RSA"),
        (keys.p384(), Stage.CURVE, "P-256"),
    ],
    ids=["empty", "public", "encrypted", "truncated", "no-begin", "certificate", "token", "rsa", "p384"],
)
def test_it_says_what_is_given_in_place_of_the_key_and_asks_nobody(
    apple: RunningSimulator, pem: str, stage: Stage, said: str
) -> None:
    report = checks.check(draft(apple, private_key=pem))
    assert failed_stage(report) == stage
    assert said in words(report)
    assert keys.body(pem) == "" or keys.body(pem) not in words(report)


def test_it_offers_client_id_key_id_and_revocation_where_apple_does_not_say_what_is_wrong(
    apple: RunningSimulator,
) -> None:
    wrong = [
        {"client_id": f"SCHOOLAPI.{uuid4()}"},
        {"key_id": str(uuid4())},
        {"private_key": keys.p256()},
    ]
    for values in wrong:
        report = checks.check(draft(apple, **values))
        assert failed_stage(report) == Stage.TOKEN
        for cause in ("Client ID", "Key ID", "Revoked key"):
            assert cause in words(report)


def test_it_names_a_revoked_key_first_where_the_connection_has_worked_before(apple: RunningSimulator) -> None:
    connection = draft(apple)
    connection.save()
    connection.runs.create(state="succeeded")
    apple.control.revoke_key()
    try:
        report = checks.check(connection)
    finally:
        apple.control.restore_key()
    assert failed_stage(report) == Stage.TOKEN
    assert "1. It worked before, so the key has probably been revoked" in words(report)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"client_id": ""}, "The Client ID is empty"),
        ({"key_id": ""}, "The Key ID is empty"),
        ({"client_id": f"BUSINESSAPI.{uuid4()}"}, "belongs to an account of Apple Business"),
        ({"client_id": "1234567"}, "does not look like one of Apple's"),
        ({"key_id": "ABC123DEFG"}, "The Key ID does not look like one of Apple's"),
    ],
    ids=["no-client-id", "no-key-id", "other-kind", "odd-client-id", "odd-key-id"],
)
def test_it_names_the_mistake_where_it_shows(
    apple: RunningSimulator, values: dict[str, str], said: str
) -> None:
    report = checks.check(draft(apple, **values))
    assert failed_stage(report) == Stage.TOKEN
    assert said in words(report)


def test_it_suspects_a_team_id_that_is_not_the_client_id(apple: RunningSimulator) -> None:
    report = checks.check(draft(apple, team_id="A1B2C3D4E5"))
    assert failed_stage(report) == Stage.TOKEN
    assert "1. Team ID: empty it here" in words(report)


@pytest.mark.parametrize(
    ("turn", "said"), [(-2, "ahead of Apple's by 2 hours"), (2, "behind Apple's by 2 hours")]
)
def test_it_finds_that_the_clock_is_two_hours_off(apple: RunningSimulator, turn: int, said: str) -> None:
    apple.control.advance_clock(timedelta(hours=turn))
    report = checks.check(draft(apple))
    assert failed_stage(report) == Stage.CLOCK
    assert said in words(report)


def test_it_says_that_apple_is_unreachable(apple: RunningSimulator, settings: Settings) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        settings.CONFIGURATION = settings.CONFIGURATION.model_copy(
            update={"apple_api_url": f"{address}/v1", "apple_token_url": f"{address}/token"}
        )
        report = checks.check(draft(apple))
    assert failed_stage(report) == Stage.CLOCK
    assert "can't be reached" in words(report)


def test_it_says_that_the_name_of_apples_server_can_not_be_resolved(
    apple: RunningSimulator, settings: Settings
) -> None:
    settings.CONFIGURATION = settings.CONFIGURATION.model_copy(
        update={"apple_token_url": "http://apple.invalid/token"}
    )
    report = checks.check(draft(apple))
    assert failed_stage(report) == Stage.CLOCK
    assert "resolved" in words(report)


def test_it_says_that_no_secure_connection_can_be_made(apple: RunningSimulator, settings: Settings) -> None:
    settings.CONFIGURATION = settings.CONFIGURATION.model_copy(
        update={"apple_token_url": apple.token_url.replace("http://", "https://")}
    )
    report = checks.check(draft(apple))
    assert failed_stage(report) == Stage.CLOCK
    assert "secure connection" in words(report)


def test_it_says_that_an_answer_is_not_apples(apple: RunningSimulator) -> None:
    apple.control.switch_on(Fault.BROKEN_JSON, kinds=["devices"])
    assert failed_stage(checks.check(draft(apple))) == Stage.DEVICES


def test_it_says_so_where_the_account_is_of_another_kind(apple: RunningSimulator, settings: Settings) -> None:
    with running_simulator(Kind.BUSINESS, devices=1) as business:
        settings.CONFIGURATION = settings.CONFIGURATION.model_copy(update={"apple_api_url": business.api_url})
        report = checks.check(draft(apple))
    assert failed_stage(report) == Stage.DEVICES
    assert "kind" in words(report)


def test_it_gives_up_after_its_deadline(apple: RunningSimulator) -> None:
    apple.control.switch_on(Fault.SLOW, seconds=5, kinds=["devices"])
    report = checks.check(draft(apple), deadline=0.5)
    assert failed_stage(report) == Stage.DEVICES
    assert "did not answer within" in words(report)


def test_it_says_that_the_account_may_not_read_devices(apple: RunningSimulator) -> None:
    apple.control.switch_on(Fault.FORBIDDEN, kinds=["devices"])
    report = checks.check(draft(apple))
    assert failed_stage(report) == Stage.DEVICES
    assert "role" in words(report)


def test_it_says_that_the_account_may_not_read_coverage(apple: RunningSimulator) -> None:
    apple.control.switch_on(Fault.FORBIDDEN, kinds=["coverage"])
    assert failed_stage(checks.check(draft(apple))) == Stage.COVERAGE


def test_it_says_that_apple_asks_to_slow_down(apple: RunningSimulator) -> None:
    apple.control.switch_on(Fault.TOKEN_THROTTLED, seconds=120)
    report = checks.check(draft(apple))
    assert failed_stage(report) == Stage.TOKEN
    assert "slow down" in words(report)


def test_it_counts_a_device_without_any_coverage_as_fine(apple: RunningSimulator) -> None:
    apple.control.switch_on(Fault.COVERAGE_NOT_FOUND)
    assert checks.check(draft(apple)).ok


def test_it_passes_an_account_that_has_no_devices_with_a_remark(settings: Settings) -> None:
    with running_simulator(devices=0) as empty:
        settings.CONFIGURATION = settings.CONFIGURATION.model_copy(
            update={"apple_api_url": empty.api_url, "apple_token_url": empty.token_url}
        )
        report = checks.check(draft(empty))
    assert report.ok
    assert "no devices yet" in words(report)


def test_it_tests_an_apple_business_account(settings: Settings) -> None:
    with running_simulator(Kind.BUSINESS, devices=3) as business:
        settings.CONFIGURATION = settings.CONFIGURATION.model_copy(
            update={"apple_api_url": business.api_url, "apple_token_url": business.token_url}
        )
        assert checks.check(draft(business, kind="business")).ok
        report = checks.check(draft(business))
    assert failed_stage(report) == Stage.TOKEN
    assert "belongs to an account of Apple Business" in words(report)


def test_it_keeps_on_a_saved_connection_what_needs_attention_until_all_is_well(
    apple: RunningSimulator,
) -> None:
    connection = draft(apple, key_id=str(uuid4()))
    connection.save()
    checks.check_saved(connection)
    connection.refresh_from_db()
    assert connection.state == Connection.State.NEEDS_ATTENTION
    connection.key_id = apple.credentials.key_id
    connection.save()
    checks.check_saved(connection)
    connection.refresh_from_db()
    assert connection.state == Connection.State.ACTIVE


def test_it_says_that_a_stored_key_was_encrypted_with_a_key_that_is_gone(
    apple: RunningSimulator, settings: Settings
) -> None:
    connection = draft(apple)
    connection.save()
    settings.SECRET_KEY = "another key for tests, thirty-two characters long"
    report = checks.check(Connection.objects.defer("private_key").get(pk=connection.pk))
    assert failed_stage(report) == Stage.KEY
    assert "HOMEROOM_SECRET_KEYS" in words(report)
