"""The private key goes in and never comes out: not in a page, a log, JSON, an error page or the database.

Each test lets the key pass through a part of the program, then searches all that came out of it.
"""

import base64
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.serializers import serialize
from django.db import connection as database
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from appleschool_sim.faults import Fault
from appleschool_sim.testing import RunningSimulator, running_simulator
from homeroom.accounts.models import User
from homeroom.applesync.encryption import SecretCannotBeRead
from homeroom.applesync.models import Connection
from homeroom.applesync.verbs import connections as verbs
from homeroom.audit.actors import COMMAND_LINE
from homeroom.config.cli import main
from tests.applesync import keys
from tests.applesync.account import form_values, make_connection, of_simulator, point_to

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with running_simulator(devices=5) as running:
        yield running


@pytest.fixture
def apple(simulator: RunningSimulator, settings: Settings) -> Iterator[RunningSimulator]:
    point_to(simulator, settings)
    yield simulator
    simulator.control.clear_faults()


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    for name in ("homeroom", "appleschool", "django", "django.db.backends", "django_structlog"):
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


def assert_absent(pem: str, *places: str) -> None:
    """No run of the key's text, wherever lines were broken, nor its number in hexadecimal or decimal."""
    secret = keys.number(pem)
    forms = [f"{secret:x}", str(secret), base64.b64encode(secret.to_bytes(32, "big")).decode().rstrip("=")]
    body = keys.body(pem)
    forms += [body[start : start + 24] for start in range(0, len(body) - 24, 8)]
    # The public half of the key follows its number in the text and is no secret, but has no business anywhere.
    for place in places:
        joined = "".join(place.split()).replace("\\n", "").replace("\\r", "")
        for form in forms:
            assert form not in joined
        assert "PRIVATEKEY-----" not in joined.replace('placeholder="-----BEGINPRIVATEKEY-----"', "")


def database_dump() -> str:
    """Every column of every row of every table."""
    rows: list[str] = []
    with database.cursor() as cursor:
        for table in database.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {database.ops.quote_name(table)}")
            rows += [repr(row) for row in cursor.fetchall()]
    return "\n".join(rows)


def test_the_search_would_find_a_key() -> None:
    pem = keys.p256()
    for place in (pem, pem.replace("\n", "\\r\\n"), json.dumps({"key": pem}), f"d={keys.number(pem)}"):
        with pytest.raises(AssertionError):
            assert_absent(pem, place)


@pytest.mark.parametrize("as_file", [False, True], ids=["pasted", "as-file"])
def test_no_page_and_no_log_line_of_the_way_through_the_browser_holds_the_key(
    as_administrator: Client,
    apple: RunningSimulator,
    everything_logged: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    as_file: bool,
) -> None:
    given = of_simulator(apple)
    pem = given["private_key"]

    def values(**changed: Any) -> dict[str, Any]:
        key = (
            {"private_key": "", "private_key_file": SimpleUploadedFile("key.pem", pem.encode())}
            if as_file
            else {"private_key": pem}
        )
        return form_values(**given | key | changed)

    pages = [
        as_administrator.post(reverse("applesync:test-new"), values()),
        as_administrator.post(reverse("applesync:test-new"), values(key_id="wrong")),
        as_administrator.post(reverse("applesync:activate"), values(name="")),
        as_administrator.post(reverse("applesync:activate"), values()),
    ]
    pk = Connection.objects.get().pk
    pages += [
        as_administrator.get(reverse("applesync:connection", args=[pk])),
        as_administrator.get(reverse("applesync:connection-edit", args=[pk])),
        as_administrator.post(reverse("applesync:test", args=[pk])),
        as_administrator.post(reverse("applesync:test-edit", args=[pk]), values(key_id="wrong")),
        as_administrator.post(reverse("applesync:connection-edit", args=[pk]), values(client_id="")),
        as_administrator.post(reverse("applesync:connection-edit", args=[pk]), values(name="New")),
        as_administrator.get(reverse("applesync:mdm-settings")),
        as_administrator.get(reverse("audit")),
    ]
    assert all(page.status_code in {200, 302, 422} for page in pages)
    output = capfd.readouterr()
    assert_absent(pem, everything_logged.text, output.out, output.err)
    for page in pages:
        assert_absent(pem, page.content.decode(), str(page.headers), str(page.cookies))


def test_no_output_of_the_commands_holds_the_key(
    apple: RunningSimulator, everything_logged: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    given = of_simulator(apple)
    pem = given["private_key"]
    (tmp_path / "key.pem").write_text(pem)
    options = ["--client-id", given["client_id"], "--key-id", given["key_id"]]
    configure = ["apple", "configure", "--name", "District", "--private-key", str(tmp_path / "key.pem")]
    commands = [
        [*configure, *options, "--json"],
        [*configure, "--kind", "business"],
        ["apple", "test"],
        ["apple", "test", "--json"],
        ["rotate-key"],
    ]
    outputs = [CliRunner().invoke(main, arguments).output for arguments in commands]
    assert_absent(pem, everything_logged.text, *outputs)


def test_a_dump_of_the_database_does_not_hold_the_key(apple: RunningSimulator) -> None:
    given = of_simulator(apple)
    connection = make_connection(**given)
    verbs.update(connection, verbs.Changes(key_id="other"), actor=COMMAND_LINE)
    verbs.deactivate(connection, actor=COMMAND_LINE)
    dump = database_dump()
    assert given["client_id"] in dump
    assert_absent(given["private_key"], dump)


def test_a_replaced_key_leaves_no_trace_in_the_database() -> None:
    connection = make_connection()
    old, new = connection.private_key, keys.p256()
    verbs.update(connection, verbs.Changes(private_key=new), actor=COMMAND_LINE)
    dump = database_dump()
    assert_absent(old, dump)
    assert_absent(new, dump)


def test_a_key_that_is_refused_leaves_no_trace(
    as_administrator: Client, everything_logged: pytest.LogCaptureFixture
) -> None:
    pem = keys.p256()
    damaged = pem.replace("-----END PRIVATE KEY-----", "").strip()
    page = as_administrator.post(reverse("applesync:activate"), form_values(private_key=damaged))
    assert page.status_code == 422
    assert_absent(pem, page.content.decode(), everything_logged.text, database_dump())


@pytest.mark.parametrize("debug", [False, True], ids=["in-production", "with-debug-pages"])
def test_an_error_page_and_its_log_do_not_hold_the_key(
    as_administrator: Client,
    everything_logged: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    settings: Settings,
    debug: bool,
) -> None:
    settings.DEBUG = debug
    settings.ROOT_URLCONF = "tests.applesync.failing_urls"
    as_administrator.raise_request_exception = False
    pem = keys.p256()
    for key in ({"private_key": pem}, {"private_key_file": SimpleUploadedFile("key.pem", pem.encode())}):
        page = as_administrator.post("/fails/", form_values(**key))
        assert page.status_code == 500
        output = capfd.readouterr()
        assert_absent(pem, page.content.decode(), everything_logged.text, output.out, output.err)


def test_nothing_about_apples_answers_brings_the_key_into_a_report(
    apple: RunningSimulator, as_administrator: Client, everything_logged: pytest.LogCaptureFixture
) -> None:
    given = of_simulator(apple)
    for fault in (Fault.TOKEN_REFUSED, Fault.SERVER_ERROR, Fault.BROKEN_JSON, Fault.DROPPED, Fault.FORBIDDEN):
        apple.control.switch_on(fault, count=6)
        page = as_administrator.post(reverse("applesync:test-new"), form_values(**given))
        apple.control.clear_faults()
        assert "The test stopped at" in page.content.decode()
        assert_absent(given["private_key"], page.content.decode(), everything_logged.text)


def test_what_describes_a_connection_never_shows_the_key() -> None:
    pem = keys.p256()
    connection = make_connection(private_key=pem)
    assert_absent(pem, repr(connection), str(connection), repr(verbs.Changes(private_key=pem)))


def test_a_secret_that_can_not_be_decrypted_is_not_shown_either(settings: Settings) -> None:
    make_connection()
    settings.SECRET_KEY = "quite another key for tests, long enough"
    with pytest.raises(SecretCannotBeRead) as error:
        Connection.objects.get()
    assert "gAAAA" not in str(error.value)


def test_a_key_that_can_not_be_decrypted_blocks_no_page_and_is_replaced_in_the_form(
    client: Client, administrator: User, settings: Settings
) -> None:
    pk = make_connection().pk
    settings.SECRET_KEY = "quite another key for tests, long enough"
    client.force_login(administrator)
    edit = reverse("applesync:connection-edit", args=[pk])
    for url in (reverse("applesync:mdm-settings"), reverse("applesync:connection", args=[pk]), edit):
        assert client.get(url).status_code == 200
    for name in ("test", "test-edit"):
        page = client.post(reverse(f"applesync:{name}", args=[pk]), form_values())
        assert "HOMEROOM_SECRET_KEYS" in page.content.decode()
    assert client.post(edit, form_values(name="Renamed")).status_code == 302
    new = keys.p256()
    assert client.post(edit, form_values(private_key=new)).status_code == 302
    assert keys.number(Connection.objects.get().private_key) == keys.number(new)


def test_a_serialized_connection_lacks_its_key() -> None:
    pem = keys.p256()
    make_connection(private_key=pem)
    assert_absent(pem, serialize("json", Connection.objects.all()))
