"""Mail about replacements: told once, in the transaction that makes it true, with all that one needs to know."""

from threading import Event

import pytest
from django.db import transaction
from pytest_django import Settings

from homeroom.accounts.policy import Role
from homeroom.applesync.models import SyncRun
from homeroom.applesync.notifications import tell_what_is_to_review
from homeroom.applesync.verbs.replacements import apply_replacement, undo_replacement
from homeroom.audit.actors import COMMAND_LINE, HOMEROOM
from homeroom.notifications.models import Fact, Mail
from homeroom.notifications.verbs import send_due_mail
from homeroom.web.errors import Refused
from tests.applesync.repairs import connected, make_at_apple, make_candidate, suggest
from tests.builders import make_site, make_user
from tests.mail import MailServer, html_of, text_of, use_mail_server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def posted(settings: Settings, mail_server: MailServer) -> MailServer:
    use_mail_server(settings, mail_server.url, base_url="https://homeroom.district.test")
    return mail_server


def send() -> None:
    while send_due_mail(Event()):
        pass


def test_administrators_are_told_of_an_applied_replacement(posted):
    make_user(email="ada@district.test")
    make_user(Role.TECHNICIAN)
    connection = connected()
    incident = make_at_apple(
        connection, serial_number="OLD1", asset_tag="T<1>", site=make_site(name="Birch & Oak")
    )
    applied = apply_replacement(suggest(make_candidate("NEW1", connection), incident), actor=HOMEROOM)

    send()

    (message,) = posted.messages
    assert message["To"] == "ada@district.test"
    assert str(message["Subject"]) == f"T<1> is replaced by NEW1 (incident #{incident.number})"
    text, html = text_of(message), html_of(message)
    for words in (
        "OLD1",
        "NEW1",
        "RNEW1",
        f"#{incident.number}",
        "Cracked screen",
        applied.get_absolute_url(),
    ):
        assert words in text, words
        assert words in html, words
    assert "Birch & Oak" in text
    assert "Birch &amp; Oak" in html
    assert "T<1>" not in html


def test_it_is_told_once_for_each_time_it_is_applied():
    make_user()
    connection = connected()
    pairing = suggest(make_candidate("NEW1", connection), make_at_apple(connection))
    apply_replacement(pairing, actor=HOMEROOM)
    with pytest.raises(Refused):
        apply_replacement(pairing, actor=HOMEROOM)
    assert Mail.objects.count() == 1
    undo_replacement(pairing, reason="Wrong", actor=COMMAND_LINE)
    apply_replacement(pairing, actor=COMMAND_LINE)
    assert Mail.objects.count() == 2


def test_what_is_not_applied_in_the_end_is_not_told():
    make_user()
    connection = connected()
    pairing = suggest(make_candidate("NEW1", connection), make_at_apple(connection))
    with transaction.atomic():
        apply_replacement(pairing, actor=HOMEROOM)
        transaction.set_rollback(True)
    assert not Fact.objects.exists()


def test_a_run_that_made_suggestions_tells_of_them_once(posted):
    make_user()
    connection = connected(name="North")
    run = SyncRun.objects.create(connection=connection)
    incidents = [make_at_apple(connection, serial_number=f"OLD{number:02}") for number in range(12)]
    for number, incident in enumerate(incidents):
        candidate = make_candidate(f"NEW{number:02}", connection)
        suggest(candidate, incident, run=run)
        suggest(candidate, incidents[number - 1], run=run, rank=1)
    for _ in range(2):
        with transaction.atomic():
            tell_what_is_to_review(run)

    send()

    (message,) = posted.messages
    assert str(message["Subject"]) == "12 replacements to review"
    for text in (text_of(message), html_of(message)):
        assert "NEW00, probably for OLD00" in text
        assert "and 2 more" in text
        assert "https://homeroom.district.test/replacements-to-review/" in text


def test_a_run_without_new_suggestions_is_no_news():
    make_user()
    connection = connected()
    run = SyncRun.objects.create(connection=connection)
    suggest(make_candidate("NEW1", connection), make_at_apple(connection))
    with transaction.atomic():
        tell_what_is_to_review(run)
    assert not Fact.objects.exists()
