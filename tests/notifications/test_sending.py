"""Sending over a real SMTP server: each mail once, none lost, whatever the server does."""

from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest
import time_machine
from pytest_django import Settings

from homeroom.accounts.models import User
from homeroom.accounts.policy import Role
from homeroom.notifications.kinds import Delivery
from homeroom.notifications.models import Mail, Preference
from homeroom.notifications.rules import LONGEST_PAUSE, pause_after
from homeroom.notifications.verbs import notify, send_due_mail
from tests.builders import make_site, make_user
from tests.mail import MailServer, html_of, text_of, use_mail_server
from tests.notifications.kinds import BROKEN, MENDED

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
State = Mail.State


@pytest.fixture(autouse=True)
def at_noon() -> Any:
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture
def server(mail_server: MailServer, settings: Settings) -> MailServer:
    use_mail_server(settings, mail_server.url, base_url="https://homeroom.district.test")
    return mail_server


def tell(fact: str = "pipe:1", **values: Any) -> None:
    context = {"name": "Pipe & <b>hose</b>", "at": datetime(2026, 7, 1, 11, 30, tzinfo=UTC)}
    notify(BROKEN, fact=fact, context=context | values, path="/devices/7/")


def work() -> None:
    while send_due_mail(Event()):
        pass


def states() -> list[str]:
    return list(Mail.objects.order_by("pk").values_list("state", flat=True))


def test_each_gets_one_mail_with_text_and_html(server: MailServer) -> None:
    people = [make_user(), make_user()]
    tell()
    work()
    work()
    assert sorted(message["To"] for message in server.messages) == sorted(user.email for user in people)
    message = server.messages[0]
    assert message["Subject"] == "Broken: Pipe & <b>hose</b>"
    assert message["From"] == "homeroom@localhost"
    assert message["Message-ID"] == Mail.objects.get(recipient__email=message["To"]).message_id
    assert message["Auto-Submitted"] == "auto-generated"
    text, html = text_of(message), html_of(message)
    assert "Pipe & <b>hose</b> broke at 11:30." in text
    assert "https://homeroom.district.test/devices/7/" in text
    assert "https://homeroom.district.test/account/notifications/" in text
    assert "Pipe &amp; &lt;b&gt;hose&lt;/b&gt;" in html
    assert 'href="https://homeroom.district.test/devices/7/"' in html
    assert "<style" not in html
    assert 'class="button" style="' in html.replace("\n", " ") or "padding: 10px 18px" in html
    assert states() == [State.SENT, State.SENT]
    assert server.calls == 1  # one connection for both


def test_a_subject_stays_one_line_whatever_it_holds(server: MailServer, administrator: User) -> None:
    tell(name="one\r\nBcc: everybody@x.test\r\n" + "long " * 60)
    work()
    (message,) = server.messages
    assert message["Bcc"] is None
    assert message["Subject"].strip().startswith("Broken: one Bcc: everybody@x.test long")
    assert message["Subject"].endswith("…")


def test_times_are_those_of_the_recipients_clock(server: MailServer, settings: Settings) -> None:
    settings.TIME_ZONE = "America/Chicago"
    district, traveller = make_user(), make_user(time_zone="Asia/Tokyo")
    tell()
    work()
    assert "at 06:30." in text_of(server.to(district.email)[0])
    assert "at 20:30." in text_of(server.to(traveller.email)[0])


def test_without_a_mail_server_mail_waits_and_goes_out_once_there_is_one(
    mail_server: MailServer, settings: Settings, administrator: User, capsys: pytest.CaptureFixture[str]
) -> None:
    tell()
    work()
    assert states() == [State.QUEUED]
    assert capsys.readouterr().out == ""
    use_mail_server(settings, mail_server.url)
    work()
    assert len(mail_server.messages) == 1


def test_a_server_that_is_down_delays_mail_and_loses_none(server: MailServer, at_noon: Any) -> None:
    for _number in range(3):
        make_user()
    server.stop()
    tell()
    passed = timedelta()
    for attempt in range(1, 9):
        work()
        assert states() == [State.QUEUED] * 3
        assert Mail.objects.filter(attempts__gt=0).count() == 1  # one finds it out for all
        pause = pause_after(attempt)
        passed += pause
        at_noon.move_to(NOON + passed - timedelta(seconds=1))
        work()
        assert Mail.objects.get(attempts__gt=0).attempts == attempt  # nothing is tried before its time
        at_noon.move_to(NOON + passed)
    assert pause == LONGEST_PAUSE
    assert "refuses the connection" in Mail.objects.exclude(note="").get().note
    server.start()
    work()
    assert states() == [State.SENT] * 3
    assert len(server.messages) == 3
    assert set(Mail.objects.values_list("note", flat=True)) == {""}


def test_a_mail_that_is_put_off_is_sent_later_and_delays_no_other(server: MailServer, at_noon: Any) -> None:
    first, second = make_user(), make_user()
    server.answers_to_data = ["451 Greylisted, come back later"]
    tell()
    work()
    assert [message["To"] for message in server.messages] == [second.email]
    assert "451 Greylisted" in Mail.objects.get(recipient=first).note
    work()
    assert len(server.messages) == 1
    at_noon.shift(timedelta(seconds=31))
    work()
    assert [message["To"] for message in server.messages] == [second.email, first.email]


def test_a_recipient_that_is_refused_for_good_is_kept_and_the_others_get_theirs(
    server: MailServer, at_noon: Any
) -> None:
    gone, there = make_user(), make_user()
    server.refused_recipients[gone.email] = "550 No such user here"
    tell()
    work()
    at_noon.shift(timedelta(days=1))
    work()
    assert [message["To"] for message in server.messages] == [there.email]
    mail = Mail.objects.get(recipient=gone)
    assert (mail.state, mail.attempts) == (State.FAILED, 1)
    assert "550 No such user here" in mail.note


def test_a_recipient_that_is_put_off_is_not_given_up(server: MailServer, at_noon: Any) -> None:
    user = make_user()
    server.refused_recipients[user.email] = "450 Mailbox busy"
    tell()
    work()
    assert states() == [State.QUEUED]
    server.refused_recipients.clear()
    at_noon.shift(timedelta(minutes=1))
    work()
    assert len(server.messages) == 1


@pytest.mark.parametrize("answer", ["550 Not yours to send from", "451 Not now", "530 Sign in first"])
def test_a_refused_sender_is_everybodys_trouble_and_fails_no_mail(server: MailServer, answer: str) -> None:
    make_user()
    make_user()
    server.refused_senders["homeroom@localhost"] = answer
    tell()
    work()
    assert states() == [State.QUEUED, State.QUEUED]
    assert Mail.objects.filter(attempts=1).count() == 1
    assert "homeroom@localhost" in Mail.objects.exclude(note="").get().note


def test_a_wrong_password_waits_for_the_right_one_and_is_told_nowhere(
    mail_server: MailServer, settings: Settings, administrator: User, at_noon: Any
) -> None:
    mail_server.stop()
    mail_server.users = {"homeroom": "right/one"}
    mail_server.start()
    place = f"127.0.0.1:{mail_server.port}"
    use_mail_server(settings, f"smtp://homeroom:wrong-one@{place}")
    tell()
    work()
    mail = Mail.objects.get()
    assert mail.state == State.QUEUED
    assert "user and password" in mail.note
    assert "wrong-one" not in mail.note
    use_mail_server(settings, f"smtp://homeroom:right%2Fone@{place}")
    at_noon.shift(timedelta(minutes=1))
    work()
    assert len(mail_server.messages) == 1


def test_a_server_without_the_encryption_that_is_asked_for_gets_nothing(
    mail_server: MailServer, settings: Settings, administrator: User
) -> None:
    use_mail_server(settings, mail_server.url.replace("smtp:", "smtp+tls:"))
    tell()
    work()
    assert states() == [State.QUEUED]
    assert mail_server.attempts == 0


def test_who_left_or_lost_the_role_or_turned_it_off_meanwhile_gets_nothing(server: MailServer) -> None:
    inactive, demoted, off, stays = (make_user() for _number in range(4))
    tell()
    User.objects.filter(pk=inactive.pk).update(is_active=False)
    User.objects.filter(pk=demoted.pk).update(role=Role.TECHNICIAN)
    Preference.objects.create(user=off, kind=BROKEN.key, delivery=Delivery.OFF)
    work()
    assert [message["To"] for message in server.messages] == [stays.email]
    dropped = Mail.objects.filter(state=State.DROPPED).exclude(note="")
    assert {mail.recipient for mail in dropped} == {inactive, demoted, off}


def test_who_was_moved_to_another_site_meanwhile_gets_nothing(server: MailServer) -> None:
    here, there = make_site(), make_site()
    user = make_user(Role.TECHNICIAN, sites=(here,))
    Preference.objects.create(user=user, kind=MENDED.key, delivery=Delivery.AT_ONCE)
    notify(MENDED, fact="pipe:1", context={"name": "Pipe"}, site_ids=[here.pk])
    user.sites.set([there])
    work()
    assert states() == [State.DROPPED]
    assert server.messages == []


def test_a_mail_that_cannot_be_written_stops_no_other(server: MailServer, administrator: User) -> None:
    tell("pipe:1", at={"no": "time"}, name="x")
    Mail.objects.update(queued_at=NOON)
    fact = Mail.objects.get().tellings.get().fact
    fact.context = {"at": {"$time": "not a time"}}
    fact.save()
    tell("pipe:2")
    work()
    assert states() == [State.FAILED, State.SENT]
    assert len(server.messages) == 1


def test_what_a_dead_process_left_behind_is_sent_and_what_a_living_one_holds_is_not(
    server: MailServer, administrator: User, at_noon: Any
) -> None:
    from dataclasses import asdict, replace

    from homeroom.processes import this_process

    tell()
    me = this_process()
    elsewhere = asdict(replace(me, host="another", boot_id="x"))
    lease = NOON + timedelta(minutes=10)
    Mail.objects.update(state=State.SENDING, process=asdict(me), lease_until=lease)
    work()
    Mail.objects.update(process=elsewhere)
    work()
    assert server.attempts == 0
    Mail.objects.update(process=asdict(replace(me, started="1")))
    work()
    assert len(server.messages) == 1
    tell("pipe:2")
    Mail.objects.filter(state=State.QUEUED).update(state=State.SENDING, process=elsewhere, lease_until=lease)
    at_noon.move_to(lease + timedelta(seconds=1))
    work()
    assert len(server.messages) == 2


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(0, 30), (1, 30), (2, 60), (5, 480), (6, 900), (10**6, 900)]
)
def test_pauses_grow_and_have_an_end(attempts: int, seconds: int) -> None:
    assert pause_after(attempts) == timedelta(seconds=seconds)
