"""What the outbox forgets, and what it never does."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from homeroom.accounts.models import User
from homeroom.notifications.models import Fact, Mail, Telling
from homeroom.notifications.verbs import forget_old_mail, notify
from homeroom.notifications.verbs.keeping import KEPT, WAITS_FOR_A_SERVER
from tests.mail import use_mail_server
from tests.notifications.kinds import BROKEN, MENDED

pytestmark = pytest.mark.django_db
State = Mail.State
MINUTE = timedelta(minutes=1)


def tell() -> Mail:
    notify(BROKEN, fact="1", context={"name": "Pipe"}, path="/devices/7/")
    return Mail.objects.get()


def settled(state: str, administrator: User) -> None:
    tell()
    Mail.objects.update(state=state, settled_at=timezone.now())


@pytest.mark.parametrize("state", [State.SENT, State.FAILED, State.DROPPED])
def test_what_is_done_with_is_forgotten_after_its_time_but_never_told_again(
    administrator: User, state: str
) -> None:
    settled(state, administrator)
    assert forget_old_mail(timezone.now() + KEPT - MINUTE) == 0
    while forget_old_mail(timezone.now() + KEPT + MINUTE):
        pass
    assert not Mail.objects.exists()
    assert not Telling.objects.exists()
    fact = Fact.objects.get()
    assert (fact.context, fact.path) == (None, "")
    assert not notify(BROKEN, fact="1", context={})
    assert not Mail.objects.exists()


def test_what_waits_for_a_server_that_is_down_is_never_forgotten(
    administrator: User, settings: Settings
) -> None:
    use_mail_server(settings, "smtp://mail.district.test")
    tell()
    notify(MENDED, fact="1", context={"name": "Pipe"})  # waits for a digest
    assert forget_old_mail(timezone.now() + timedelta(days=3650)) == 0
    assert Fact.objects.filter(context=None).count() == 0


def test_where_no_server_was_ever_named_old_news_is_not_kept_for_one(administrator: User) -> None:
    tell()
    assert forget_old_mail(timezone.now() + WAITS_FOR_A_SERVER - MINUTE) == 0
    assert forget_old_mail(timezone.now() + WAITS_FOR_A_SERVER + MINUTE) == 1
    mail = Mail.objects.get()
    assert mail.state == State.DROPPED
    assert mail.note == "No mail server was configured for 14 days."


def test_much_is_forgotten_in_portions(administrator: User) -> None:
    at = timezone.now()
    Mail.objects.bulk_create(
        Mail(recipient=administrator, state=State.SENT, settled_at=at) for _number in range(700)
    )
    assert [forget_old_mail(at + KEPT + MINUTE) for _turn in range(3)] == [500, 200, 0]
