"""What can be done with connections."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import PrivateFormat
from pytest_django import Settings

from homeroom.applesync.models import Connection, SyncRun
from homeroom.applesync.verbs import connections as verbs
from homeroom.audit.actors import COMMAND_LINE
from homeroom.audit.models import Entry
from homeroom.incidents.models import IncidentStatus
from homeroom.inventory.models import DeviceStatus
from homeroom.web.errors import Refused
from tests.applesync import keys
from tests.applesync.account import CLIENT_ID, KEY_ID, changes, make_connection

pytestmark = pytest.mark.django_db


def test_it_activates_with_both_options_on() -> None:
    connection = make_connection()
    assert connection.active
    assert connection.sync_coverage
    assert connection.process_replacements
    assert connection.state == Connection.State.ACTIVE


def test_activation_creates_the_system_statuses_once() -> None:
    make_connection()
    make_connection(name="Other district", client_id=CLIENT_ID.replace("7", "8"))
    for statuses in (DeviceStatus, IncidentStatus):
        keys_given = statuses.objects.filter(system_key__isnull=False).values_list("system_key", flat=True)
        assert len(keys_given) == len(set(keys_given)) > 0


def test_it_keeps_several_connections_apart() -> None:
    first, second = (
        make_connection(),
        make_connection(name="Business", kind=Connection.Kind.BUSINESS, client_id="BUSINESSAPI.1"),
    )
    verbs.update(second, verbs.Changes(sync_coverage=False), actor=COMMAND_LINE)
    first.refresh_from_db()
    assert first.sync_coverage


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"client_id": ""}, "client_id"),
        ({"client_id": "BUSINESSAPI.7b1f6a52-0c7e-4d0b-9f8c-2f2f0e6b7a11"}, "client_id"),
        ({"kind": Connection.Kind.BUSINESS}, "client_id"),
        ({"key_id": "  "}, "key_id"),
        ({"private_key": ""}, "private_key"),
        ({"private_key": None}, "private_key"),
        ({"private_key": keys.public()}, "private_key"),
        ({"private_key": keys.rsa_key()}, "private_key"),
        ({"private_key": keys.p384()}, "private_key"),
        ({"private_key": keys.encrypted()}, "private_key"),
        ({"private_key": keys.truncated()}, "private_key"),
        ({"private_key": keys.certificate()}, "private_key"),
    ],
)
def test_it_refuses_what_can_not_work_and_saves_nothing(values: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refusal:
        make_connection(**values)
    assert refusal.value.field == field
    assert not Connection.objects.exists()
    assert not Entry.objects.exists()
    assert not DeviceStatus.objects.filter(system_key__isnull=False).exists()


def test_it_refuses_a_second_connection_of_the_same_name() -> None:
    make_connection()
    with pytest.raises(Refused, match="already"):
        make_connection()


def test_it_keeps_the_key_where_no_new_one_is_given() -> None:
    connection = make_connection()
    before = Connection.objects.get().private_key
    verbs.update(connection, verbs.Changes(name="Renamed", key_id="other"), actor=COMMAND_LINE)
    after = Connection.objects.get()
    assert (after.name, after.key_id, after.private_key) == ("Renamed", "other", before)


def test_it_replaces_the_key_and_keeps_the_rest() -> None:
    connection = make_connection(sync_coverage=False)
    new = keys.p256()
    verbs.update(connection, verbs.Changes(private_key=new), actor=COMMAND_LINE)
    after = Connection.objects.get()
    assert keys.body(new) in keys.body(after.private_key)
    assert after.key_fingerprint != connection.key_fingerprint
    assert (after.client_id, after.key_id, after.sync_coverage) == (CLIENT_ID, KEY_ID, False)


def test_a_refused_change_leaves_everything_as_it_was() -> None:
    connection = make_connection()
    with pytest.raises(Refused):
        verbs.update(connection, verbs.Changes(name="New", private_key=keys.public()), actor=COMMAND_LINE)
    assert Connection.objects.get().name == "District"


def test_new_credentials_clear_the_problem_of_the_old() -> None:
    connection = make_connection()
    verbs.note_contact(connection, problem="Apple refuses the credentials.")
    verbs.update(connection, verbs.Changes(private_key=keys.p256()), actor=COMMAND_LINE)
    assert Connection.objects.get().problem == ""


def test_other_changes_leave_the_problem_standing() -> None:
    connection = make_connection()
    verbs.note_contact(connection, problem="Apple refuses the credentials.")
    verbs.update(connection, verbs.Changes(process_replacements=False), actor=COMMAND_LINE)
    assert Connection.objects.get().state == Connection.State.NEEDS_ATTENTION


def test_it_takes_a_key_as_older_tools_wrote_it() -> None:
    pem = keys.p256(form=PrivateFormat.TraditionalOpenSSL)
    make_connection(private_key=f"\r\n{pem}\r\n\r\n")
    assert keys.number(Connection.objects.get().private_key) == keys.number(pem)


def test_the_same_key_given_again_mends_one_that_can_not_be_decrypted(settings: Settings) -> None:
    pem = keys.p256()
    connection = make_connection(private_key=pem)
    settings.SECRET_KEY = "quite another key for tests, long enough"
    verbs.update(connection, verbs.Changes(private_key=pem), actor=COMMAND_LINE)
    assert keys.number(Connection.objects.get().private_key) == keys.number(pem)


def test_it_deactivates_asks_a_run_to_stop_and_keeps_what_was_learned() -> None:
    connection = make_connection()
    run = SyncRun.objects.create(connection=connection)
    connection.apple_devices.create(
        serial_number="A", attributes={}, content_hash=b"", first_seen_at=run.requested_at
    )
    verbs.deactivate(connection, actor=COMMAND_LINE)
    run.refresh_from_db()
    connection.refresh_from_db()
    assert connection.state == Connection.State.NOT_ACTIVE
    assert run.cancel_requested_at
    assert connection.apple_devices.count() == 1
    assert connection.private_key


def test_it_activates_again_with_the_credentials_it_has() -> None:
    connection = make_connection()
    verbs.deactivate(connection, actor=COMMAND_LINE)
    verbs.reactivate(connection, actor=COMMAND_LINE)
    assert Connection.objects.get().state == Connection.State.ACTIVE
    actions = (
        Entry.objects.order_by("pk").filter(action__startswith="connection.").values_list("action", flat=True)
    )
    assert list(actions) == ["connection.activated", "connection.deactivated", "connection.activated"]


def test_it_writes_what_changed_to_the_audit_trail_and_of_the_key_only_its_fingerprint() -> None:
    connection = make_connection()
    verbs.update(connection, verbs.Changes(private_key=keys.p256()), actor=COMMAND_LINE)
    entry = Entry.objects.get(action="connection.updated")
    assert list(entry.after) == ["key_fingerprint"]
    assert "PRIVATE KEY" not in str(Entry.objects.values())


def test_a_change_that_changes_nothing_leaves_no_trace() -> None:
    connection = make_connection()
    verbs.update(connection, verbs.Changes(name="District"), actor=COMMAND_LINE)
    assert not Entry.objects.filter(action="connection.updated").exists()


def test_it_reads_a_key_file_that_an_editor_saved_as_utf16() -> None:
    pem = keys.p256()
    assert verbs.pem_text(pem.encode("utf-16")) == pem
    assert verbs.pem_text(pem.encode("utf-8-sig")) == pem
    make_connection(private_key=verbs.pem_text(pem.replace("\n", "\r\n").encode("utf-16")))


def test_what_describes_changes_never_shows_the_key() -> None:
    given = changes()
    assert "PRIVATE" not in repr(given)
