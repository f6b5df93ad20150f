"""MDM Settings in the browser."""

import re
from collections.abc import Iterator

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from appleschool_sim.testing import RunningSimulator, running_simulator
from homeroom.applesync.models import Connection, SyncRun
from homeroom.applesync.verbs import connections as verbs
from homeroom.audit.actors import COMMAND_LINE
from homeroom.insurance.models import InsuranceRecord
from tests.applesync import keys
from tests.applesync.account import form_values, make_connection, of_simulator, point_to
from tests.applesync.mirrors import make_listed
from tests.builders import make_device
from tests.insurance.records import make_synced_record

ACTIVATE = reverse("applesync:activate")
TILE = reverse("applesync:mdm-settings")
TEST_NEW = reverse("applesync:test-new")


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with running_simulator(devices=5) as running:
        yield running


@pytest.fixture
def apple(simulator: RunningSimulator, settings: Settings) -> RunningSimulator:
    point_to(simulator, settings)
    return simulator


def text(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def test_the_tile_says_not_active_before_anything_is_set_up(as_administrator: Client) -> None:
    page = text(as_administrator, TILE)
    assert "Not active" in page
    assert ACTIVATE in page


def test_the_tile_says_active_and_when_it_last_synced(as_administrator: Client) -> None:
    connection = make_connection()
    assert "Never synced" in text(as_administrator, TILE)
    SyncRun.objects.create(connection=connection, state="succeeded", finished_at=timezone.now())
    page = text(as_administrator, TILE)
    assert "Active" in page
    assert "Last sync" in page


def test_the_tile_says_what_needs_attention(as_administrator: Client) -> None:
    verbs.note_contact(make_connection(), problem="Apple refuses the credentials.")
    page = text(as_administrator, TILE)
    assert "Needs attention" in page
    assert "Apple refuses the credentials." in page


def test_an_inactive_connection_beside_an_active_one_leaves_the_tile_active(as_administrator: Client) -> None:
    verbs.deactivate(make_connection(), actor=COMMAND_LINE)
    assert "Not active" in text(as_administrator, TILE)
    make_connection(name="Other")
    tile = as_administrator.get(TILE).context["tile"]
    assert tile.state == Connection.State.ACTIVE


def test_it_activates_with_a_pasted_key(as_administrator: Client) -> None:
    response = as_administrator.post(ACTIVATE, form_values(private_key=keys.p256()))
    connection = Connection.objects.get()
    assert response.headers["Location"] == connection.get_absolute_url()
    assert connection.active
    assert connection.team_id == ""


def test_it_activates_with_the_key_as_a_file(as_administrator: Client) -> None:
    pem = keys.p256()
    file = SimpleUploadedFile("key.pem", pem.encode())
    as_administrator.post(ACTIVATE, form_values(private_key_file=file))
    assert keys.body(Connection.objects.get().private_key) == keys.body(pem)


@pytest.mark.parametrize(
    ("pem", "said"),
    [
        (keys.public(), "public key"),
        (keys.rsa_key(), "RSA"),
        (keys.p384(), "P-256"),
        (keys.encrypted(), "passphrase"),
        (keys.truncated(), "cut off"),
        (keys.certificate(), "certificate"),
        (keys.without_begin(), "BEGIN"),
        (keys.content_token(), "token"),
    ],
    ids=["public", "rsa", "p384", "encrypted", "truncated", "certificate", "no-begin", "token"],
)
@pytest.mark.parametrize("as_file", [False, True], ids=["pasted", "as-file"])
def test_it_says_at_the_field_what_is_given_in_place_of_the_key(
    as_administrator: Client, pem: str, said: str, as_file: bool
) -> None:
    field = "private_key_file" if as_file else "private_key"
    value = SimpleUploadedFile("key.pem", pem.encode()) if as_file else pem
    response = as_administrator.post(ACTIVATE, form_values(**{field: value}))
    assert response.status_code == 422
    assert said in " ".join(response.context["form"].errors[field])
    assert not Connection.objects.exists()
    for line in pem.splitlines()[1:-1] or [pem]:
        assert line not in response.content.decode()


def test_empty_fields_are_named_and_nothing_is_saved(as_administrator: Client) -> None:
    empty = form_values(name="", client_id="", key_id="")
    response = as_administrator.post(ACTIVATE, empty)
    assert set(response.context["form"].errors) == {"name", "client_id", "key_id", "private_key"}
    assert not Connection.objects.exists()


def test_a_file_that_is_no_key_at_all_is_refused(as_administrator: Client) -> None:
    for content in (b"\x00\xff\xfe\x80" * 100, b"x" * 100_000, b""):
        file = SimpleUploadedFile("photo.jpg", content)
        response = as_administrator.post(ACTIVATE, form_values(private_key_file=file))
        assert response.status_code == 422
    assert not Connection.objects.exists()


def test_it_refuses_a_client_id_of_the_other_kind(as_administrator: Client) -> None:
    response = as_administrator.post(ACTIVATE, form_values(kind="business", private_key=keys.p256()))
    assert "belongs to an account of Apple School Manager" in str(
        response.context["form"].errors["client_id"]
    )


def test_a_key_that_was_right_has_to_be_given_again_after_another_mistake(as_administrator: Client) -> None:
    pem = keys.p256()
    response = as_administrator.post(ACTIVATE, form_values(name="", private_key=pem))
    page = response.content.decode()
    assert "give the private key again" in page
    assert pem.splitlines()[1] not in page


def test_editing_without_a_key_keeps_the_stored_one(as_administrator: Client) -> None:
    connection = make_connection()
    url = reverse("applesync:connection-edit", args=[connection.pk])
    assert connection.short_fingerprint in text(as_administrator, url)
    as_administrator.post(url, form_values(name="Renamed", process_replacements=""))
    after = Connection.objects.get()
    assert (after.name, after.private_key) == ("Renamed", connection.private_key)
    assert not after.process_replacements


def test_a_renamed_form_with_a_mistake_still_shows_the_stored_name_above(as_administrator: Client) -> None:
    url = reverse("applesync:connection-edit", args=[make_connection().pk])
    response = as_administrator.post(url, form_values(name="New", client_id=""))
    assert "Edit District" in response.content.decode()


def test_it_deactivates_and_activates_again(as_administrator: Client) -> None:
    connection = make_connection()
    as_administrator.post(reverse("applesync:deactivate", args=[connection.pk]))
    assert "does not sync" in text(as_administrator, connection.get_absolute_url())
    as_administrator.post(reverse("applesync:reactivate", args=[connection.pk]))
    assert Connection.objects.get().active


def test_it_tests_before_saving_and_keeps_nothing(as_administrator: Client, apple: RunningSimulator) -> None:
    page = as_administrator.post(TEST_NEW, form_values(**of_simulator(apple))).content.decode()
    assert "Everything works." in page
    assert not Connection.objects.exists()


def test_it_tests_with_a_key_given_as_a_file(as_administrator: Client, apple: RunningSimulator) -> None:
    values = of_simulator(apple)
    values["private_key_file"] = SimpleUploadedFile("key.pem", values.pop("private_key").encode())
    assert "Everything works." in as_administrator.post(TEST_NEW, form_values(**values)).content.decode()


def test_it_names_the_stage_that_failed_and_the_fix(
    as_administrator: Client, apple: RunningSimulator
) -> None:
    values = of_simulator(apple) | {"private_key": keys.p256()}
    page = as_administrator.post(TEST_NEW, form_values(**values)).content.decode()
    assert "The test stopped at: Apple accepts the credentials" in page
    assert "What to do:" in page
    page = as_administrator.post(TEST_NEW, form_values(**values | {"private_key": ""})).content.decode()
    assert "The test stopped at: The private key can be read" in page


def test_it_tests_changes_of_a_saved_connection_with_the_stored_key(
    as_administrator: Client, apple: RunningSimulator
) -> None:
    values = of_simulator(apple)
    connection = make_connection(**values | {"key_id": "forgotten"})
    url = reverse("applesync:test-edit", args=[connection.pk])
    given = form_values(**values | {"private_key": ""})
    assert "Everything works." in as_administrator.post(url, given).content.decode()
    assert Connection.objects.get().key_id == "forgotten"


def test_it_tests_a_saved_connection_and_clears_its_problem(
    as_administrator: Client, apple: RunningSimulator
) -> None:
    connection = make_connection(**of_simulator(apple))
    verbs.note_contact(connection, problem="Apple was unreachable.")
    page = as_administrator.post(reverse("applesync:test", args=[connection.pk])).content.decode()
    assert "Everything works." in page
    assert Connection.objects.get().state == Connection.State.ACTIVE


@pytest.mark.parametrize("role", ["as_technician", "as_viewer"])
def test_only_administrators_come_near_connections(role: str, request: pytest.FixtureRequest) -> None:
    client: Client = request.getfixturevalue(role)
    connection = make_connection()
    for name in ("mdm-settings", "activate", "test-new"):
        assert client.get(reverse(f"applesync:{name}")).status_code in {403, 405}
    for name in ("connection", "connection-edit"):
        assert client.get(reverse(f"applesync:{name}", args=[connection.pk])).status_code == 403
    for name in ("test", "test-edit", "deactivate", "reactivate", "connection-edit"):
        assert client.post(reverse(f"applesync:{name}", args=[connection.pk])).status_code == 403
    assert client.post(ACTIVATE, form_values(private_key=keys.p256())).status_code == 403
    assert Connection.objects.count() == 1


def test_nobody_signed_in_is_led_to_sign_in(client: Client, db: None) -> None:
    assert reverse("account_login") in client.get(TILE).headers["Location"]


@pytest.mark.parametrize("stopped", [{"active": False}, {"sync_coverage": False}])
def test_coverage_that_is_no_longer_synced_says_so(as_viewer: Client, stopped: dict[str, bool]) -> None:
    device, connection = make_device(), make_connection()
    make_listed(str(device.serial_number), connection, device=device)
    make_synced_record(device)
    InsuranceRecord.objects.create(device=device, provider="District", plan="By hand")
    pages = ("/insurance/", device.get_absolute_url())
    for page in pages:
        assert "no longer synced" not in as_viewer.get(page).content.decode()
    Connection.objects.update(**stopped)
    for page in pages:
        text = as_viewer.get(page).content.decode()
        assert len(re.findall(r">\s*no longer synced\s*<", text)) == 1
