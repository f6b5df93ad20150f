"""Reports on a schedule as people meet them: chosen on the report, listed, changed, paused, sent, left."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from homeroom.accounts.models import User
from homeroom.accounts.policy import Role
from homeroom.audit.models import Entry
from homeroom.reports.models import ReportSchedule
from homeroom.reports.verbs import schedules as verbs
from tests.builders import make_site, make_user
from tests.mail import MailServer, use_mail_server
from tests.reports.schedules import EXPIRING, expiring, make_schedule, work

pytestmark = pytest.mark.django_db
LIST, NEW = "/reports/schedules/", "/reports/schedules/new/"
MISSED = f"{LIST}?show=missed"
REPORT = f"/reports/mdm/{EXPIRING}/"


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text(client: Client, address: str) -> str:
    return client.get(address).content.decode()


def given(**changes: Any) -> dict[str, Any]:
    """A form as it is sent."""
    values = {
        "report": EXPIRING,
        "query": "days=60",
        "name": "Every week",
        "schedule_rhythm": "weekly",
        "schedule_weekday": "0",
        "schedule_day": "1",
        "schedule_at": "07:00",
        "schedule_cron": "",
        "format": "csv",
        "attach": "yes",
    }
    return values | changes


def test_the_button_carries_what_the_report_is_asked_for(as_administrator: Client) -> None:
    expiring()
    page = text(as_administrator, f"{REPORT}?days=60&sort=-asset_tag&page=1&q=")
    address = f"{NEW}?report={EXPIRING}&amp;query=days%3D60%26sort%3D-asset_tag"
    assert f'href="{address}"' in page
    form = as_administrator.get(address.replace("&amp;", "&"))
    assert form.context["query"] == "days=60&sort=-asset_tag"
    assert "Ends within days: 60" in form.content.decode()


def test_an_administrator_chooses_when_to_whom_and_how(as_administrator: Client, administrator: User) -> None:
    ben = make_user(Role.VIEWER, name="Ben")
    chosen = given(
        recipients=[administrator.pk, ben.pk],
        format="xlsx",
        attach="no",
        only_with_rows="on",
        schedule_rhythm="monthly",
        schedule_day="31",
    )
    answer = as_administrator.post(NEW, chosen)
    made = ReportSchedule.objects.get()
    assert answer["Location"] == made.get_absolute_url()
    assert (made.report, made.query, made.format, made.attach, made.only_with_rows, str(made.schedule)) == (
        EXPIRING,
        "days=60",
        "xlsx",
        False,
        True,
        "monthly 31 07:00",
    )
    assert set(made.recipients.all()) == {administrator, ben}
    page = text(as_administrator, made.get_absolute_url())
    for said in ("On the last day of each month at 7 a.m.", "Ben", "as a link", "Only when there are rows"):
        assert said in page
    entry = Entry.objects.get(action="report_schedule.created")
    assert entry.after["schedule"] == "monthly 31 07:00"
    assert "Ben" not in str(entry.after)
    assert "Ben" in entry.personal.after["recipients"]


def test_the_form_shows_again_what_was_chosen(as_administrator: Client, administrator: User) -> None:
    chosen = given(recipients=[administrator.pk], format="xlsx", attach="no", only_with_rows="on")
    as_administrator.post(NEW, chosen)
    made = ReportSchedule.objects.get()
    page = as_administrator.get(reverse("reports:schedule-edit", args=[made.pk]))
    shown = {field.name: field.value() for field in page.context["form"]}
    assert {name: shown[name] for name in ("name", "format", "attach", "only_with_rows", "recipients")} == {
        "name": "Every week",
        "format": "xlsx",
        "attach": "no",
        "only_with_rows": True,
        "recipients": [administrator.pk],
    }
    assert (shown["schedule_rhythm"], shown["schedule_weekday"]) == ("weekly", 0)


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"name": " "}, "name", "required"),
        ({"recipients": []}, "recipients", "Choose who gets it."),
        ({"recipients": ["0"]}, "recipients", "not one of the available choices"),
        ({"format": "json"}, "format", "valid choice"),
        ({"schedule_rhythm": "never"}, "schedule_rhythm", "valid choice"),
        ({"schedule_rhythm": "monthly", "schedule_day": "32"}, "schedule_day", "valid choice"),
        ({"schedule_at": ""}, "schedule_at", "Choose a time."),
        ({"schedule_rhythm": "cron", "schedule_cron": "* * * * *"}, "schedule_cron", "once an hour at most"),
    ],
)
def test_the_form_says_at_the_field_what_is_wrong(
    as_administrator: Client, administrator: User, changes: dict[str, Any], field: str, said: str
) -> None:
    answer = as_administrator.post(NEW, given(recipients=[administrator.pk]) | changes)
    assert answer.status_code == 422
    assert said in " ".join(answer.context["form"].errors[field])
    assert not ReportSchedule.objects.exists()


def test_what_the_chosen_rhythm_does_not_need_refuses_nothing(
    as_administrator: Client, administrator: User
) -> None:
    wrong = {"schedule_day": "32", "schedule_cron": "x" * 200, "schedule_hours": "5"}
    assert as_administrator.post(NEW, given(recipients=[administrator.pk]) | wrong).status_code == 302


def test_a_name_is_ones_own_once(as_administrator: Client, administrator: User) -> None:
    make_schedule(make_user())
    assert as_administrator.post(NEW, given(recipients=[administrator.pk])).status_code == 302
    again = as_administrator.post(NEW, given(recipients=[administrator.pk]))
    assert "You have a schedule of this name already." in again.content.decode()


def test_a_query_that_is_not_understood_leads_back_to_the_report(as_administrator: Client) -> None:
    answer = as_administrator.get(NEW, {"report": EXPIRING, "query": "colour=red"}, follow=True)
    assert answer.redirect_chain == [(REPORT, 302)]
    assert "is no filter of this report" in answer.content.decode()


def test_who_may_not_choose_others_has_it_sent_to_themselves(as_viewer: Client, viewer: User) -> None:
    other = make_user()
    form = as_viewer.get(NEW, {"report": EXPIRING, "query": ""}).content.decode()
    assert viewer.email in form
    assert other.email not in form
    as_viewer.post(NEW, given(recipients=[other.pk]))
    made = ReportSchedule.objects.get()
    assert list(made.recipients.all()) == [viewer]
    address = reverse("reports:schedule-edit", args=[made.pk])
    as_viewer.post(address, given(name="Mine", recipients=[other.pk]))
    made.refresh_from_db()
    assert (made.name, list(made.recipients.all())) == ("Mine", [viewer])


def test_a_report_that_somebody_may_not_see_they_cannot_schedule(as_viewer: Client) -> None:
    assert as_viewer.get(NEW, {"report": "sync-problems"}).status_code == 403
    assert as_viewer.post(NEW, given(report="sync-problems", query="")).status_code == 403
    assert as_viewer.get(NEW, {"report": "none"}).status_code == 404


def test_everybody_sees_their_own_and_what_they_receive_and_administrators_all(
    as_viewer: Client, viewer: User, as_technician: Client, technician: User, as_administrator: Client
) -> None:
    admin = make_user(name="Grace")
    ours = make_schedule(admin, admin, viewer, name="For a viewer")
    own = make_schedule(technician, name="Of a technician")
    for client, sees, changes in (
        (as_viewer, {ours}, set()),
        (as_technician, {own}, {own}),
        (as_administrator, {ours, own}, {ours, own}),
    ):
        page = text(client, LIST)
        for schedule in (ours, own):
            assert (schedule.name in page) == (schedule in sees)
            address = schedule.get_absolute_url()
            assert client.get(address).status_code == (200 if schedule in sees else 404)
            for action in ("edit/", "send/", "pause/", "resume/", "delete/"):
                if schedule not in changes:
                    assert client.post(address + action).status_code == 404
    page = text(as_viewer, ours.get_absolute_url())
    assert admin.email not in page
    assert "Edit" not in page
    assert ReportSchedule.objects.filter(active=True).count() == 2


def test_a_recipient_takes_themselves_off(as_viewer: Client, viewer: User) -> None:
    schedule = make_schedule(make_user(), viewer)
    assert "Leave" in text(as_viewer, schedule.get_absolute_url())
    answer = as_viewer.post(f"{schedule.get_absolute_url()}leave/", follow=True)
    assert "You get “Every week” no longer." in answer.content.decode()
    assert not schedule.recipients.exists()
    assert as_viewer.get(schedule.get_absolute_url()).status_code == 404
    owner = client_of(schedule.owner)
    assert "Nobody receives it." in text(owner, schedule.get_absolute_url())
    answer = owner.post(f"{schedule.get_absolute_url()}send/", follow=True)
    assert "Choose recipients first." in answer.content.decode()


def test_pause_resume_send_and_delete(as_administrator: Client, administrator: User) -> None:
    schedule = make_schedule(administrator)
    address = schedule.get_absolute_url()
    assert "Next:" in text(as_administrator, LIST)
    as_administrator.post(f"{address}pause/")
    for page in (LIST, address):
        assert "Paused" in text(as_administrator, page)
    as_administrator.post(f"{address}resume/")
    assert "Paused" not in text(as_administrator, address)
    assert "Its first turn is still to come." in text(as_administrator, address)
    as_administrator.post(f"{address}send/")
    page = text(as_administrator, address)
    assert "The file is being made" in page
    assert "every 2s" in page
    assert (
        "It is being sent already." in as_administrator.post(f"{address}send/", follow=True).content.decode()
    )
    work()
    page = text(as_administrator, address)
    assert "The file is being made" not in page
    assert "every 2s" not in page  # without a mail server nothing more comes of it soon
    as_administrator.post(f"{address}delete/")
    assert "Nothing on a schedule" in text(as_administrator, LIST)


def test_its_page_tells_what_became_of_each(
    settings: Settings, mail_server: MailServer, as_administrator: Client, administrator: User
) -> None:
    use_mail_server(settings, mail_server.url)
    expiring()
    demoted, gone = make_user(Role.TECHNICIAN), make_user()
    mail_server.refused_recipients[gone.email] = "550 No such user"
    schedule = make_schedule(administrator, administrator, demoted, gone)
    User.objects.filter(pk=demoted.pk).update(is_active=False)
    verbs.send_now(schedule, viewer=administrator.viewer())
    assert "every 2s" in text(as_administrator, schedule.get_absolute_url())
    work()
    page = text(as_administrator, schedule.get_absolute_url())
    assert "every 2s" not in page
    for said in (
        "Mail: Sent",
        "Mail: Failed",
        "550 No such user",
        "Gets nothing",
        "May no longer sign in.",
        "1 row",
        str(administrator),
    ):
        assert said in page
    assert "2 mails, 1 gets nothing" in text(as_administrator, LIST)
    file = reverse("reports:file-content", args=[administrator.report_files.get().pk])
    assert f'href="{file}"' in page
    assert b"asset_tag" in as_administrator.get(file).getvalue()


def waiting_of(client: Client) -> dict[str, int | None]:
    """What the first page says that waits, by title."""
    found = client.get("/").context["waiting"]
    return {each.title: each.number.counted if each.number else None for _card, each in found}


def missed(client: Client) -> int | None:
    """What the first page says of reports of which somebody got nothing; the list that it leads to has as many."""
    number = waiting_of(client).get("Reports not sent")
    assert len(client.get(MISSED).context["schedules"]) == (number or 0)
    return number


def test_of_which_somebody_got_nothing_waits_until_it_is_put_right(
    as_administrator: Client, as_viewer: Client, administrator: User, viewer: User
) -> None:
    gone = make_user(Role.TECHNICIAN)
    schedule = make_schedule(administrator, viewer, gone, name="Every Monday")
    make_schedule(viewer, name="Mine")
    User.objects.filter(pk=gone.pk).update(is_active=False)
    for each in ReportSchedule.objects.all():
        verbs.send_now(each, viewer=administrator.viewer())
    assert missed(as_administrator) is None  # they are being made
    work()
    assert missed(as_administrator) == 1
    page = text(as_administrator, MISSED)
    assert "Every Monday" in page
    assert "Mine" not in page
    assert missed(as_viewer) is None
    assert "nobody was left without theirs" in text(as_viewer, MISSED)

    verbs.pause(schedule, actor=administrator.actor)
    assert missed(as_administrator) is None
    verbs.resume(schedule, actor=administrator.actor)
    assert missed(as_administrator) == 1
    verbs.change_schedule(schedule, recipients=[viewer], viewer=administrator.viewer())
    assert missed(as_administrator) is None


def test_a_file_that_cannot_be_made_waits_for_its_owner_until_the_next_turn(
    as_viewer: Client, viewer: User, settings: Settings
) -> None:
    schedule = make_schedule(viewer)
    folder = Path(settings.MEDIA_ROOT)
    folder.write_text("no folder")
    verbs.send_now(schedule, viewer=viewer.viewer())
    work()
    assert missed(as_viewer) == 1
    assert "1 failed" in text(as_viewer, MISSED)
    folder.unlink()
    verbs.send_now(schedule, viewer=viewer.viewer())
    work()
    assert missed(as_viewer) is None


def test_mail_that_its_server_refuses_has_reached_nobody(
    as_viewer: Client, viewer: User, settings: Settings, mail_server: MailServer
) -> None:
    use_mail_server(settings, mail_server.url)
    mail_server.refused_recipients[viewer.email] = "550 No such user"
    schedule = make_schedule(viewer)
    verbs.send_now(schedule, viewer=viewer.viewer())
    work()
    assert missed(as_viewer) == 1
    mail_server.refused_recipients.clear()
    verbs.send_now(schedule, viewer=viewer.viewer())
    work()
    assert missed(as_viewer) is None


def test_who_may_not_choose_recipients_is_told_of_what_they_did_not_get(
    as_viewer: Client, as_administrator: Client, viewer: User, administrator: User
) -> None:
    schedule = make_schedule(administrator, viewer, make_user())
    ReportSchedule.objects.update(owner=viewer)
    User.objects.exclude(pk__in=[viewer.pk, administrator.pk]).update(is_active=False)
    verbs.send_now(schedule, viewer=administrator.viewer())
    work()
    assert missed(as_viewer) is None
    assert missed(as_administrator) == 1


def test_owners_and_reports_that_are_gone_are_said_to_be(as_administrator: Client) -> None:
    schedule = make_schedule(make_user(Role.TECHNICIAN, name="Ada"), report="sync-problems")
    User.objects.filter(name="Ada").update(is_active=False)
    assert "Ada may no longer sign in." in text(as_administrator, schedule.get_absolute_url())
    ReportSchedule.objects.update(report="no-longer")
    for address in (LIST, schedule.get_absolute_url(), f"{schedule.get_absolute_url()}edit/"):
        assert "no-longer" in text(as_administrator, address)
    assert "there is no such report any more" in text(as_administrator, schedule.get_absolute_url())


def test_without_a_mail_server_the_pages_say_so(as_administrator: Client, administrator: User) -> None:
    schedule = make_schedule(administrator)
    for address in (LIST, schedule.get_absolute_url(), f"{NEW}?report={EXPIRING}"):
        assert "No mail server is configured" in text(as_administrator, address)


def test_who_lost_a_report_sees_the_schedule_and_none_of_its_filters(viewer: User, as_viewer: Client) -> None:
    viewer.role = Role.TECHNICIAN
    viewer.save()
    north = make_site(name="North")
    schedule = make_schedule(viewer, report="sync-problems", query=f"site={north.pk}")
    User.objects.filter(pk=viewer.pk).update(role=Role.VIEWER)
    page = text(as_viewer, schedule.get_absolute_url())
    assert "You may not see this report" in page
    assert "North" not in page


@pytest.mark.parametrize("number", [1, 6])
def test_lists_ask_the_same_whatever_they_hold(
    number: int,
    as_administrator: Client,
    administrator: User,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    people = [make_user() for _number in range(number)]
    for each in range(number):
        schedule = make_schedule(administrator, *people, name=f"Report {each}")
    for _turn in range(number):
        verbs.send_now(schedule, viewer=administrator.viewer())
        work()
    as_administrator.get(LIST)
    with django_assert_num_queries(8):
        as_administrator.get(LIST)
    with django_assert_num_queries(10):
        as_administrator.get(schedule.get_absolute_url())
