"""The list of devices tells the four states of AppleCare apart, and finds the devices of each."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from homeroom.accounts.models import ApiToken
from homeroom.accounts.verbs.tokens import create_token
from homeroom.audit.actors import COMMAND_LINE
from homeroom.insurance.models import Kind
from homeroom.insurance.queries import today
from homeroom.insurance.rules import FailedCheck
from homeroom.insurance.verbs import record_failed_checks
from tests.builders import make_device, make_user
from tests.insurance.records import answered, apple_coverage

pytestmark = pytest.mark.django_db

WORDS = {"covered": "Covered until", "ended": "Ended on", "none": "Checked: none", "unknown": "Not known"}


@pytest.fixture(autouse=True)
def district() -> None:
    """A device in each of the four states; the one without AppleCare has a warranty that counts for nothing."""
    answered(make_device(asset_tag="COVERED"), apple_coverage())
    ended = today() - timedelta(days=1)
    answered(make_device(asset_tag="ENDED"), apple_coverage("X2", ends=ended))
    answered(make_device(asset_tag="NONE"), apple_coverage("X3", kind=Kind.LIMITED_WARRANTY))
    unknown = make_device(asset_tag="UNKNOWN")
    record_failed_checks([FailedCheck(unknown.pk, datetime.now(UTC), "Apple failed to answer (503).")])


@pytest.fixture
def signed_in(client: Client) -> Client:
    client.force_login(make_user())
    return client


def shown(client: Client, **chosen: str) -> str:
    return client.get(reverse("inventory:devices"), chosen).content.decode()


def test_each_state_has_its_words(signed_in: Client) -> None:
    page = shown(signed_in)
    for words in WORDS.values():
        assert page.count(words) >= 1


@pytest.mark.parametrize("state", WORDS)
def test_the_devices_of_a_state_are_found(signed_in: Client, state: str) -> None:
    page = shown(signed_in, coverage=state)
    assert [tag for tag in ("COVERED", "ENDED", "NONE", "UNKNOWN") if f">{tag}</a>" in page] == [
        state.upper()
    ]


def test_a_crafted_state_finds_nothing_out(signed_in: Client) -> None:
    assert signed_in.get(reverse("inventory:devices"), {"coverage": "everything"}).status_code == 200


def test_the_list_sorts_by_the_end_of_cover(signed_in: Client) -> None:
    page = shown(signed_in, sort="-coverage")
    assert page.index(">COVERED</a>") < page.index(">ENDED</a>")
    page = shown(signed_in, sort="coverage")
    assert page.index(">ENDED</a>") < page.index(">COVERED</a>")


def test_a_download_keeps_the_filter(signed_in: Client) -> None:
    answer = signed_in.get(reverse("inventory:devices"), {"coverage": "ended", "format": "csv"})
    rows = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert len(rows) == 2
    assert rows[1].startswith("ENDED,")


def test_the_api_finds_them_too(client: Client) -> None:
    _token, secret = create_token(make_user(), name="t", scope=ApiToken.Scope.READ, actor=COMMAND_LINE)
    client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
    (found,) = client.get("/api/v1/devices", {"coverage": "none"}).json()["items"]
    assert (found["asset_tag"], found["coverage"]) == ("NONE", "none")
    assert client.get("/api/v1/devices", {"coverage": "some"}).status_code == 422
