"""`homeroom mail`: the same as the page, for scripts."""

import json
from threading import Event

import pytest
from click.testing import CliRunner, Result
from pytest_django import Settings

from homeroom.accounts.models import User
from homeroom.audit.models import Entry
from homeroom.notifications.commands import mail
from homeroom.notifications.models import Mail
from homeroom.notifications.verbs import notify, send_due_mail
from tests.mail import MailServer, use_mail_server
from tests.notifications.kinds import BROKEN

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> Result:
    return CliRunner().invoke(mail, arguments)


def test_a_test_mail_goes_to_any_address(mail_server: MailServer, settings: Settings) -> None:
    use_mail_server(settings, mail_server.url)
    done = run("test", "--to", "principal@x.test")
    assert done.exit_code == 0, done.output
    assert mail_server.messages[0]["To"] == "principal@x.test"
    assert Entry.objects.get(action="mail.tested").actor_id == "command-line"


def test_a_test_that_fails_ends_with_1_and_says_why(mail_server: MailServer, settings: Settings) -> None:
    use_mail_server(settings, mail_server.url)
    mail_server.stop()
    done = run("test", "--to", "principal@x.test", "--json")
    assert done.exit_code == 1
    document = json.loads(done.stdout)
    assert document["ok"] is False
    assert "refuses the connection" in document["detail"]
    assert "HOMEROOM_EMAIL_URL" in document["fix"]
    assert "refuses the connection" in done.stderr


def test_no_server_is_exit_1_and_no_address_is_exit_2() -> None:
    done = run("test", "--to", "principal@x.test")
    assert done.exit_code == 1
    assert "No mail server is configured" in done.stderr
    assert run("test", "--to", "principal").exit_code == 2
    assert run("test").exit_code == 2


def test_status_tells_what_waits_and_what_failed_and_try_again_moves_it(
    mail_server: MailServer, settings: Settings, administrator: User
) -> None:
    assert run("status").exit_code == 0
    notify(BROKEN, fact="1", context={"name": "Pipe"})
    done = run("status", "--json")
    assert (done.exit_code, json.loads(done.stdout)["waiting"]) == (1, 1)
    use_mail_server(settings, mail_server.url)
    assert run("status").exit_code == 0  # it will be sent
    mail_server.refused_recipients[administrator.email] = "550 Unknown"
    send_due_mail(Event())
    done = run("status", "--json")
    assert (done.exit_code, json.loads(done.stdout)["failed"]) == (1, 1)
    mail_server.refused_recipients.clear()
    assert run("try-again").exit_code == 0
    send_due_mail(Event())
    assert Mail.objects.get().state == Mail.State.SENT
    done = run("status")
    assert done.exit_code == 0
    assert f"127.0.0.1:{mail_server.port}" in done.output
