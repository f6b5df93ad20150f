"""The pages about mail: what each person is told, and what administrators see of the outbox and do about it."""

from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from django.db.models import F
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from homeroom.accounts.models import User
from homeroom.audit.models import Entry
from homeroom.notifications.models import Mail, Preference
from homeroom.notifications.verbs import notify, send_due_mail
from tests.builders import make_user
from tests.mail import MailServer, text_of, use_mail_server
from tests.notifications.kinds import BROKEN, MENDED

pytestmark = pytest.mark.django_db
PAGE, OWN = "/settings/email/", "/account/notifications/"
State = Mail.State


def seen(client: Client, address: str = PAGE) -> str:
    return client.get(address).content.decode()


def tell(fact: str = "1") -> None:
    notify(BROKEN, fact=fact, context={"name": "Pipe"}, path="/devices/7/")


def test_each_role_chooses_among_what_it_may_know(
    as_administrator: Client, as_technician: Client, as_viewer: Client
) -> None:
    page = seen(as_administrator, OWN)
    assert "Something broke" in page
    assert "A sync waits for a decision" in page
    page = seen(as_technician, OWN)
    assert "Something broke" not in page
    assert "A sync failed" in page
    page = seen(as_viewer, OWN)
    assert "A sync failed" not in page
    assert "Something was mended" in page


def test_a_role_that_is_told_nothing_is_told_so(as_viewer: Client) -> None:
    from homeroom.notifications import kinds

    kept = dict(kinds._kinds)
    kinds._kinds.clear()
    try:
        assert "Nothing is told to your role" in seen(as_viewer, OWN)
    finally:
        kinds._kinds.clear()
        kinds._kinds.update(kept)


def choices(page_of: Client, **changes: str) -> dict[str, Any]:
    form = page_of.get(OWN).context["form"]
    return {name: field.initial for name, field in form.fields.items()} | changes


def test_a_choice_is_kept_and_what_was_not_changed_goes_on_by_default(
    as_administrator: Client, administrator: User
) -> None:
    form = choices(as_administrator, **{BROKEN.key: "off"})
    assert as_administrator.post(OWN, form).status_code == 302
    assert list(Preference.objects.values_list("kind", "delivery")) == [(BROKEN.key, "off")]
    tell()
    assert not Mail.objects.exists()
    entry = Entry.objects.get(action="user.notifications-chosen")
    assert (entry.before, entry.after) == ({BROKEN.key: "at-once"}, {BROKEN.key: "off"})
    as_administrator.post(OWN, form)
    assert Entry.objects.filter(action="user.notifications-chosen").count() == 1
    as_administrator.post(OWN, form | {BROKEN.key: "digest"})
    assert Preference.objects.get().delivery == "digest"


def test_what_is_no_choice_is_refused_and_what_is_left_out_stays(as_administrator: Client) -> None:
    answer = as_administrator.post(OWN, choices(as_administrator, **{BROKEN.key: "hourly"}))
    assert answer.status_code == 200
    assert as_administrator.post(OWN, {MENDED.key: "off"}).status_code == 302
    assert list(Preference.objects.values_list("kind", flat=True)) == [MENDED.key]


def test_a_crafted_choice_of_what_one_may_not_know_changes_nothing(
    as_technician: Client, technician: User
) -> None:
    as_technician.post(OWN, choices(as_technician, **{BROKEN.key: "at-once"}))
    assert not Preference.objects.exists()


def test_the_page_names_the_server_and_never_the_password(
    as_administrator: Client, settings: Settings
) -> None:
    use_mail_server(settings, "smtp+tls://homeroom:topsecret@mail.district.test", email_from="H <h@x.test>")
    page = seen(as_administrator)
    assert "mail.district.test:587, encrypted (STARTTLS)" in page
    assert "H &lt;h@x.test&gt;" in page
    assert "topsecret" not in page


def test_without_a_server_the_page_and_the_first_page_say_that_mail_waits(as_administrator: Client) -> None:
    assert "No mail server is configured" in seen(as_administrator)
    assert "Mail waits" not in seen(as_administrator, "/")
    tell()
    assert "Mail waits" in seen(as_administrator, "/")
    assert as_administrator.get(PAGE).context["standing"].waiting == 1
    assert "Send me a test mail" not in seen(as_administrator)
    answer = as_administrator.post("/settings/email/test/", follow=True)
    assert "Set HOMEROOM_EMAIL_URL and start Homeroom again" in answer.content.decode()


def work() -> None:
    while send_due_mail(Event()):
        pass


def test_a_refused_mail_is_seen_and_tried_again(
    as_administrator: Client, administrator: User, mail_server: MailServer, settings: Settings
) -> None:
    use_mail_server(settings, mail_server.url)
    mail_server.refused_recipients[administrator.email] = "550 <No such user>"
    tell()
    work()
    page = seen(as_administrator)
    assert "The mail server refuses the recipient: 550 &lt;No such user&gt;" in page
    assert "1 mail could not be sent." in seen(as_administrator, "/")
    mail = Mail.objects.get()
    address = f"/settings/email/{mail.pk}/try-again/"
    assert address in page
    assert "1 mail is tried again now" in as_administrator.post(address, follow=True).content.decode()
    assert Entry.objects.filter(action="mail.tried-again", object_id=str(mail.pk)).count() == 1
    mail_server.refused_recipients.clear()
    work()
    assert len(mail_server.messages) == 1
    assert "There is nothing to try again" in as_administrator.post(address, follow=True).content.decode()
    work()
    assert len(mail_server.messages) == 1


def test_the_first_page_tells_of_a_server_that_stays_down_and_not_of_one_pause(
    as_administrator: Client, mail_server: MailServer, settings: Settings
) -> None:
    use_mail_server(settings, mail_server.url)
    mail_server.stop()
    tell()
    work()
    assert "Mail waits" in seen(as_administrator)
    assert "Mail waits" not in seen(as_administrator, "/")
    Mail.objects.update(queued_at=F("queued_at") - timedelta(minutes=16))
    assert "refuses the connection" in seen(as_administrator, "/")


def test_everything_that_waits_for_the_server_is_tried_at_once_on_request(
    as_administrator: Client, mail_server: MailServer, settings: Settings
) -> None:
    make_user()
    use_mail_server(settings, mail_server.url)
    mail_server.stop()
    tell()
    work()
    mail_server.start()
    work()
    assert mail_server.messages == []
    assert "Try everything again now" in seen(as_administrator)
    as_administrator.post("/settings/email/try-again/")
    work()
    assert len(mail_server.messages) == 2
    assert "Try everything again now" not in seen(as_administrator)


@pytest.mark.parametrize(
    ("show", "shown"), [("waiting", 1), ("failed", 1), ("sent", 1), ("dropped", 0), ("nonsense", 3)]
)
def test_mail_is_listed_by_its_state(as_administrator: Client, show: str, shown: int) -> None:
    for state in (State.QUEUED, State.FAILED, State.SENT):
        Mail.objects.create(recipient=make_user(), state=state)
    table = as_administrator.get(PAGE, {"show": show}).context["table"]
    assert len(table.rows) == shown


def test_the_list_costs_the_same_however_long_it_is(
    as_administrator: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        tell(str(number))
    with django_assert_num_queries(11):
        as_administrator.get(PAGE)


def test_the_test_mail_comes_at_once_to_whoever_asks(
    as_administrator: Client, administrator: User, mail_server: MailServer, settings: Settings
) -> None:
    use_mail_server(settings, mail_server.url)
    answer = as_administrator.post("/settings/email/test/", follow=True)
    assert "has taken the test mail" in answer.content.decode()
    (message,) = mail_server.messages
    assert message["To"] == administrator.email
    assert "mail server&#x27;s" not in text_of(message)
    entry = Entry.objects.get(action="mail.tested")
    assert entry.after == {"accepted": True}
    assert entry.personal.after == {"address": administrator.email}


def test_what_is_wrong_with_the_server_is_one_sentence(
    as_administrator: Client, administrator: User, mail_server: MailServer, settings: Settings
) -> None:
    def outcome(url: str = mail_server.url) -> str:
        use_mail_server(settings, url)
        return as_administrator.post("/settings/email/test/", follow=True).content.decode()

    mail_server.refused_recipients[administrator.email] = "550 Unknown"
    assert "refuses the recipient: 550 Unknown" in outcome()
    mail_server.refused_recipients.clear()
    mail_server.refused_senders["homeroom@localhost"] = "553 Not yours"
    assert "refuses the sender homeroom@localhost: 553 Not yours" in outcome()
    mail_server.refused_senders.clear()
    assert "can&#x27;t do what is asked" in outcome(mail_server.url.replace("smtp:", "smtp+tls:"))
    assert "No encrypted connection" in outcome(mail_server.url.replace("smtp:", "smtp+ssl:"))
    assert "name can&#x27;t be found" in outcome("smtp://mail.invalid")
    mail_server.users = {"homeroom": "right"}
    place = mail_server.url.removeprefix("smtp://")
    assert "refuses user and password" in outcome(f"smtp://homeroom:wrong@{place}")
    mail_server.stop()
    assert "refuses the connection" in outcome()
    assert mail_server.messages == []


def test_only_administrators_have_the_page(as_technician: Client) -> None:
    assert as_technician.get(PAGE).status_code == 403
