"""Mail about syncs: once when they begin to fail, once when they work again, once while one waits for a decision."""

from pathlib import Path
from threading import Event

import pytest
from django.db import transaction
from pytest_django import Settings

from appleschool_sim.testing import RunningSimulator
from homeroom.accounts.policy import Role
from homeroom.applesync.models import Connection, SyncRun
from homeroom.applesync.notifications import tell_how_it_ended
from homeroom.applesync.pipeline.running import work_on
from homeroom.applesync.verbs.runs import begin_accepted, begin_sync, request_sync
from homeroom.audit.actors import COMMAND_LINE
from homeroom.notifications.models import Mail
from homeroom.notifications.verbs import send_due_mail
from tests.applesync.districts import connect, environment, homeroom, listed, stock, sync, use_apple
from tests.applesync.test_change_sets import lose
from tests.builders import make_user
from tests.mail import MailServer, html_of, text_of, use_mail_server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def connection(settings: Settings, apple: RunningSimulator, mail_server: MailServer) -> Connection:
    use_apple(settings, apple)
    use_mail_server(settings, mail_server.url, base_url="https://homeroom.district.test")
    stock(listed(apple)[:30])
    make_user()
    make_user(Role.TECHNICIAN)
    return connect(apple, name="Lakeside & Co")


def received(mail_server: MailServer) -> list[str]:
    while send_due_mail(Event()):
        pass
    return [str(message["Subject"]).strip() for message in mail_server.messages]


FAILED, AGAIN = "The sync of “Lakeside & Co” failed", "Syncs of “Lakeside & Co” work again"


def test_failures_are_told_once_and_once_when_it_works_again(
    connection: Connection, apple: RunningSimulator, mail_server: MailServer
) -> None:
    assert sync(connection).state == SyncRun.State.SUCCEEDED
    assert received(mail_server) == []
    apple.control.revoke_key()
    first = sync(connection)
    sync(connection)
    assert received(mail_server) == [FAILED]
    (message,) = mail_server.messages
    for text in (text_of(message), html_of(message)):
        assert first.error in text.replace("&#x27;", "'")
        assert f"https://homeroom.district.test/syncs/{first.pk}/" in text
        assert "goes on from where this one stopped" in text
    apple.control.restore_key()
    sync(connection)
    sync(connection)
    assert received(mail_server) == [FAILED, AGAIN]
    assert "Devices listed by Apple: 300." in text_of(mail_server.messages[1])
    apple.control.revoke_key()
    sync(connection)
    assert received(mail_server) == [FAILED, AGAIN, FAILED]


def test_a_preview_tells_nothing(
    connection: Connection, apple: RunningSimulator, mail_server: MailServer
) -> None:
    apple.control.revoke_key()
    assert work_on(begin_sync(connection, actor=COMMAND_LINE, preview=True)).state == SyncRun.State.FAILED
    apple.control.restore_key()
    work_on(begin_sync(connection, actor=COMMAND_LINE, preview=True))
    assert received(mail_server) == []


def test_each_connection_is_told_by_itself(
    connection: Connection, apple: RunningSimulator, mail_server: MailServer
) -> None:
    other = connect(apple, name="Other")
    apple.control.revoke_key()
    sync(connection)
    sync(other)
    assert received(mail_server) == [FAILED, "The sync of “Other” failed"]


def test_a_held_sync_is_told_once_with_what_it_would_do(
    connection: Connection, apple: RunningSimulator, mail_server: MailServer
) -> None:
    sync(connection)
    lost = lose(apple, 0.4)
    held = sync(connection)
    sync(connection)
    assert received(mail_server) == [f"Sync {held.pk} of “Lakeside & Co” waits for your decision"]
    assert f"something of {len(lost)} of 300 devices" in text_of(mail_server.messages[0])
    newest = SyncRun.objects.latest("pk")
    work_on(begin_accepted(newest, actor=COMMAND_LINE))
    assert len(received(mail_server)) == 1


@pytest.mark.django_db
def test_telling_the_same_end_again_writes_no_second_mail(connection: Connection) -> None:
    run = SyncRun.objects.create(connection=connection, state=SyncRun.State.FAILED, error="Apple is away.")
    for _time in range(2):
        with transaction.atomic():
            tell_how_it_ended(run)
    assert Mail.objects.count() == 1


def test_one_round_of_a_worker_syncs_and_sends_what_the_sync_told(
    connection: Connection, apple: RunningSimulator, mail_server: MailServer, tmp_path: Path
) -> None:
    apple.control.revoke_key()
    request_sync(connection, actor=COMMAND_LINE)
    surroundings = environment(apple, tmp_path, HOMEROOM_EMAIL_URL=mail_server.url)
    for _time in range(2):
        with homeroom("worker", "--once", environment=surroundings) as process:
            _out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    assert [str(message["Subject"]).strip() for message in mail_server.messages] == [FAILED]
