"""The daily digest: one mail a day at seven on the recipient's clock, of all that was told until then."""

from datetime import UTC, date, datetime, timedelta
from threading import Event
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from homeroom.accounts.models import User
from homeroom.notifications.kinds import Delivery
from homeroom.notifications.models import Mail, Preference
from homeroom.notifications.rules import DIGEST_AT, last_digest_moment
from homeroom.notifications.verbs import assemble_due_digests, notify, send_due_mail
from tests.builders import make_user
from tests.mail import MailServer, html_of, text_of, use_mail_server
from tests.notifications.kinds import BROKEN, MENDED

CHICAGO = "America/Chicago"
ZONES = [
    "UTC",
    CHICAGO,
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Casablanca",
    "America/Havana",
]


@pytest.fixture
def reader(db: None, mail_server: MailServer, settings: Settings) -> User:
    use_mail_server(settings, mail_server.url, base_url="https://homeroom.district.test")
    settings.TIME_ZONE = CHICAGO
    return make_user()


def tell(fact: str, name: str = "Pipe") -> None:
    notify(MENDED, fact=fact, context={"name": name, "at": timezone.now()}, path="/devices/7/")


def work() -> None:
    while assemble_due_digests(timezone.now()) or send_due_mail(Event()):
        pass


def at(*when: int, zone: str = CHICAGO) -> Any:
    return time_machine.travel(datetime(*when, tzinfo=ZoneInfo(zone)), tick=False)


def test_what_happened_comes_in_one_mail_at_seven(reader: User, mail_server: MailServer) -> None:
    Preference.objects.create(user=reader, kind=BROKEN.key, delivery=Delivery.DIGEST)
    with at(2026, 7, 1, 9):
        tell("1", "Pipe <1>")
        tell("2", "Pipe 2")
        notify(BROKEN, fact="1", context={"name": "Tap", "at": timezone.now()})
    with at(2026, 7, 2, 6, 59):
        work()
        assert mail_server.messages == []
    with at(2026, 7, 2, 7):
        work()
        work()
    (message,) = mail_server.messages
    assert message["Subject"].strip() == "Homeroom: 3 pieces of news, 07/02/2026"
    text, html = text_of(message), html_of(message)
    assert text.index("Something broke") < text.index("Broken: Tap") < text.index("Something was mended")
    assert "* Broken: Pipe <1>\n  07/01/2026 9 a.m.\n  https://homeroom.district.test/devices/7/" in text
    assert "Broken: Pipe &lt;1&gt;</a>" in html
    with at(2026, 7, 3, 7):
        work()
    assert len(mail_server.messages) == 1  # no news, no mail


def test_a_late_worker_sends_one_digest_and_what_came_after_seven_waits_for_the_next(
    reader: User, mail_server: MailServer
) -> None:
    with at(2026, 7, 1, 9):
        tell("1")
    with at(2026, 7, 4, 8):
        tell("2")
    with at(2026, 7, 4, 12):
        work()
        tell("3")
        work()
    assert [mail.digest_day for mail in Mail.objects.all()] == [date(2026, 7, 4)]
    with at(2026, 7, 5, 7):
        work()
    first, second = mail_server.messages
    assert "1 piece of news" in first["Subject"]
    assert "2 pieces of news" in second["Subject"]


def test_each_reads_it_at_seven_of_their_own_clock(reader: User, mail_server: MailServer) -> None:
    traveller = make_user(time_zone="Asia/Tokyo")
    with at(2026, 7, 1, 9):
        tell("1")
    with at(2026, 7, 2, 7, zone="Asia/Tokyo"):
        work()
        assert [message["To"] for message in mail_server.messages] == [traveller.email]
    with at(2026, 7, 2, 7):
        work()
    assert [message["To"] for message in mail_server.messages] == [traveller.email, reader.email]


@pytest.mark.parametrize("changes", [(2026, 3, 8), (2026, 11, 1)])
def test_a_day_on_which_clocks_change_has_one_digest_at_seven(
    reader: User, mail_server: MailServer, changes: tuple[int, int, int]
) -> None:
    day = datetime(*changes, tzinfo=ZoneInfo(CHICAGO))
    sent: list[datetime] = []
    moment = (day - timedelta(days=2)).astimezone(UTC)
    for hour in range(4 * 24):
        with time_machine.travel(moment + timedelta(hours=hour), tick=False):
            tell(str(hour))
            before = len(mail_server.messages)
            work()
            if len(mail_server.messages) > before:
                sent.append(timezone.localtime(timezone=ZoneInfo(CHICAGO)))
    assert [(when.hour, when.minute) for when in sent] == [(7, 0)] * 4
    assert len({when.date() for when in sent}) == 4


def test_who_moves_to_another_time_zone_has_no_second_digest_that_day(
    reader: User, mail_server: MailServer
) -> None:
    with at(2026, 7, 1, 9):
        tell("1")
    with at(2026, 7, 2, 7):
        work()
        tell("2")
    User.objects.update(time_zone="Pacific/Honolulu")
    with at(2026, 7, 2, 7, zone="Pacific/Honolulu"):
        work()
    assert len(mail_server.messages) == 1
    with at(2026, 7, 3, 7, zone="Pacific/Honolulu"):
        work()
    assert len(mail_server.messages) == 2


def test_what_is_no_longer_wanted_is_left_out_of_the_digest(reader: User, mail_server: MailServer) -> None:
    Preference.objects.create(user=reader, kind=BROKEN.key, delivery=Delivery.DIGEST)
    with at(2026, 7, 1, 9):
        tell("1")
        notify(BROKEN, fact="1", context={"name": "Tap", "at": timezone.now()})
    Preference.objects.update(delivery=Delivery.OFF)
    with at(2026, 7, 2, 7):
        work()
    (message,) = mail_server.messages
    assert "1 piece of news" in message["Subject"]
    assert "Tap" not in text_of(message)


def test_who_left_gets_no_digest(reader: User, mail_server: MailServer) -> None:
    with at(2026, 7, 1, 9):
        tell("1")
    User.objects.update(is_active=False)
    with at(2026, 7, 2, 7):
        work()
    assert mail_server.messages == []
    assert Mail.objects.get().state == Mail.State.DROPPED


MINUTES = st.integers(0, 40 * 365 * 24 * 60).map(
    lambda m: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(minutes=m)
)


@given(now=MINUTES, zone=st.sampled_from(ZONES))
def test_the_last_moment_is_seven_oclock_and_the_last_one(now: datetime, zone: str) -> None:
    moment = last_digest_moment(now, ZoneInfo(zone))
    clock = moment.astimezone(ZoneInfo(zone))
    assert moment <= now
    assert (clock.hour, clock.minute) == (DIGEST_AT.hour, 0)
    assert now - moment < timedelta(hours=26) or zone == "Pacific/Apia"  # which once left out a whole day


@given(now=MINUTES, zone=st.sampled_from(ZONES), later=st.integers(0, 3 * 24 * 60))
def test_the_last_moment_never_goes_back_and_is_one_a_day(now: datetime, zone: str, later: int) -> None:
    info = ZoneInfo(zone)
    first = last_digest_moment(now, info)
    second = last_digest_moment(now + timedelta(minutes=later), info)
    assert first <= second
    assert first == second or first.astimezone(info).date() < second.astimezone(info).date()
