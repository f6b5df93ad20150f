"""Workers that are killed, and workers that race: everybody has got each mail, twice only where nobody could know."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.db import transaction

from homeroom.applesync.notifications import SYNC_FAILED
from homeroom.notifications.models import Mail
from homeroom.notifications.verbs import notify
from tests.builders import make_user
from tests.mail import MailServer
from tests.processes import environment, eventually, homeroom

pytestmark = pytest.mark.django_db(transaction=True)
CONTEXT = {
    "connection": "District",
    "error": "Apple is away.",
    "fix": "",
    "finished_at": None,
    "next_run_at": None,
}


@pytest.fixture
def surroundings(mail_server: MailServer, tmp_path: Path) -> dict[str, str]:
    return environment(tmp_path, HOMEROOM_EMAIL_URL=mail_server.url)


def told_to(count: int) -> list[str]:
    """Addresses of administrators who have a mail in the outbox."""
    people = [make_user() for _number in range(count)]
    with transaction.atomic():
        notify(SYNC_FAILED, fact="connection:1/since:0", context=CONTEXT)
    return [user.email for user in people]


def work_once(surroundings: dict[str, str]) -> None:
    with homeroom("worker", "--once", environment=surroundings) as process:
        _out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err


def killed_with_content_sent(mail_server: MailServer, surroundings: dict[str, str], *, taken: bool) -> None:
    """A worker that has given the server all of a mail dies before it hears what became of it."""
    mail_server.hang(taken=taken)
    with homeroom("worker", environment=surroundings) as process:
        assert mail_server.content_came.wait(30)
        process.kill()
        process.wait()
    mail_server.hang(taken=False)
    mail_server.go_on()


def test_killed_between_the_fact_and_the_sending_it_is_sent_by_the_next(
    mail_server: MailServer, surroundings: dict[str, str]
) -> None:
    mail_server.stop()
    addresses = told_to(3)
    with homeroom("worker", environment=surroundings) as process:
        assert eventually(lambda: Mail.objects.filter(attempts=1, state=Mail.State.QUEUED).exists())
        process.kill()
    mail_server.start()
    Mail.objects.update(due_at=Mail.objects.latest("queued_at").queued_at)
    work_once(surroundings)
    work_once(surroundings)
    assert sorted(str(message["To"]) for message in mail_server.messages) == sorted(addresses)


def test_killed_before_the_server_has_taken_it_nobody_gets_it_twice(
    mail_server: MailServer, surroundings: dict[str, str]
) -> None:
    addresses = told_to(3)
    killed_with_content_sent(mail_server, surroundings, taken=False)
    work_once(surroundings)
    assert sorted(str(message["To"]) for message in mail_server.messages) == sorted(addresses)
    assert set(Mail.objects.values_list("state", flat=True)) == {Mail.State.SENT}


def test_killed_after_the_server_has_taken_it_that_one_comes_twice_with_the_same_message_id(
    mail_server: MailServer, surroundings: dict[str, str]
) -> None:
    addresses = told_to(3)
    killed_with_content_sent(mail_server, surroundings, taken=True)
    assert len(mail_server.messages) == 1
    work_once(surroundings)
    received = [(str(message["To"]), message["Message-ID"]) for message in mail_server.messages]
    assert len(received) == 4
    assert received[0] in received[1:]
    assert sorted(address for address, _id in set(received)) == sorted(addresses)


def test_two_workers_at_once_send_each_mail_once(
    mail_server: MailServer, surroundings: dict[str, str]
) -> None:
    addresses = told_to(60)
    workers = [
        subprocess.Popen([sys.executable, "-m", "homeroom", "worker", "--once"], env=surroundings)
        for _number in range(2)
    ]
    assert [worker.wait(timeout=120) for worker in workers] == [0, 0]
    assert sorted(str(message["To"]) for message in mail_server.messages) == sorted(addresses)


def test_a_worker_that_is_asked_to_end_finishes_the_mail_in_hand(
    mail_server: MailServer, surroundings: dict[str, str]
) -> None:
    told_to(2)
    mail_server.hang()
    with homeroom("worker", environment=surroundings) as process:
        assert mail_server.content_came.wait(30)
        process.terminate()
        mail_server.go_on()
        process.wait(timeout=30)
    assert process.returncode == 0
    assert sorted(Mail.objects.values_list("state", flat=True)) in (
        [Mail.State.QUEUED, Mail.State.SENT],
        [Mail.State.SENT, Mail.State.SENT],
    )
    assert len(mail_server.messages) == Mail.objects.filter(state=Mail.State.SENT).count()
