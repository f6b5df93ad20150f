"""Workers that are killed wherever a report on a schedule happens to be: nobody's mail is lost, and none is told twice."""

from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from django.utils import timezone

from homeroom.notifications.models import Fact, Mail
from homeroom.reports.models import ReportDelivery, ReportFile, ReportSchedule, ReportTurn
from tests.builders import make_user
from tests.mail import MailServer
from tests.processes import environment, eventually, homeroom
from tests.reports.schedules import expiring, make_schedule

pytestmark = pytest.mark.django_db(transaction=True)
RECIPIENTS = 6
NAME = "Every day"
State = ReportDelivery.State
MOMENTS: dict[str, Callable[[], bool]] = {
    "the turn is taken": ReportTurn.objects.exists,
    "a file is ordered": ReportFile.objects.exists,
    "a file is made": lambda: ReportFile.objects.filter(state="ready").exists(),
    "somebody is told": lambda: ReportDelivery.objects.filter(state=State.TOLD).exists(),
    "a mail is sent": lambda: Mail.objects.filter(state=Mail.State.SENT).exists(),
}


@pytest.fixture
def surroundings(mail_server: MailServer, tmp_path: Path) -> dict[str, str]:
    return environment(tmp_path, HOMEROOM_EMAIL_URL=mail_server.url)


def due_schedule() -> list[str]:
    """Who is to get it."""
    people = [make_user() for _number in range(RECIPIENTS)]
    expiring()
    far_from_now = timezone.localtime() + timedelta(hours=12)
    make_schedule(people[0], *people, turns=f"daily {far_from_now:%H:%M}", name=NAME)
    ReportSchedule.objects.update(scheduled_since=timezone.now() - timedelta(days=3))
    return sorted(user.email for user in people)


def told(server: MailServer) -> list[EmailMessage]:
    """Whatever else is due at this hour."""
    return [message for message in server.messages if str(message["Subject"]).startswith(NAME)]


def work_once(surroundings: dict[str, str]) -> None:
    with homeroom("worker", "--once", environment=surroundings) as process:
        _out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_when(moment: str, mail_server: MailServer, surroundings: dict[str, str]) -> None:
    addresses = due_schedule()
    with homeroom("worker", environment=surroundings) as process:
        assert eventually(MOMENTS[moment])
        process.kill()
        process.wait()
    work_once(surroundings)
    work_once(surroundings)
    # The one that was on its way may come twice, as the same mail.
    received = {(str(message["To"]), str(message["Message-ID"])) for message in told(mail_server)}
    assert sorted(address for address, _id in received) == addresses
    assert ReportTurn.objects.count() == 1
    assert Fact.objects.filter(kind="report-on-schedule").count() == RECIPIENTS
    assert set(ReportDelivery.objects.values_list("state", flat=True)) == {State.TOLD}


def test_two_workers_tell_each_once(mail_server: MailServer, surroundings: dict[str, str]) -> None:
    addresses = due_schedule()
    with (
        homeroom("worker", environment=surroundings) as one,
        homeroom("worker", environment=surroundings) as other,
    ):
        assert eventually(lambda: Mail.objects.filter(state=Mail.State.SENT).count() == RECIPIENTS, within=60)
        for process in (one, other):
            process.terminate()
            process.wait(timeout=30)
    assert sorted(str(message["To"]) for message in told(mail_server)) == addresses
    assert ReportTurn.objects.count() == 1
