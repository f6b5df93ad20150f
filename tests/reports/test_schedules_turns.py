"""Reports on a schedule: each turn once, to each recipient their rows, by a mail that is told once."""

import csv
import io
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from threading import Event
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
import time_machine
from django.db import connections as databases
from django.utils import timezone
from pytest_django import Settings

from homeroom.accounts.models import User
from homeroom.accounts.policy import Role
from homeroom.audit.models import Entry
from homeroom.notifications.kinds import Delivery
from homeroom.notifications.models import Fact, Mail, Preference, Telling
from homeroom.notifications.verbs import assemble_due_digests, send_due_mail
from homeroom.reports.models import ReportDelivery, ReportFile, ReportSchedule, ReportTurn
from homeroom.reports.verbs import delivering
from homeroom.reports.verbs import schedules as verbs
from homeroom.reports.verbs.delivering import KEPT, take_due_report_turns, tell_finished_reports
from homeroom.reports.verbs.files import MOST_UNDER_WAY, delete_file, order_file
from homeroom.reports.verbs.making import forget_old_files, make_due_file
from homeroom.schedules.schedule import Schedule
from homeroom.web.errors import Refused
from tests.builders import make_site, make_user
from tests.mail import MailServer, files_of, html_of, text_of, use_mail_server
from tests.reports.schedules import EXPIRING, expiring, make_schedule, report_named, states, work

pytestmark = pytest.mark.django_db(transaction=True)
CHICAGO = ZoneInfo("America/Chicago")
THURSDAY = datetime(2026, 3, 5, 12, tzinfo=CHICAGO)
MONDAY = datetime(2026, 3, 9, 7, tzinfo=CHICAGO)
"""Seven o'clock of the district, the day after its clocks went forward."""
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
State = ReportDelivery.State


@pytest.fixture(autouse=True)
def clock(settings: Settings, tmp_path: Path) -> Iterator[Any]:
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.TIME_ZONE = "America/Chicago"
    with timezone.override(CHICAGO), time_machine.travel(THURSDAY, tick=False) as moving:
        yield moving


@pytest.fixture
def server(mail_server: MailServer, settings: Settings) -> MailServer:
    use_mail_server(settings, mail_server.url, base_url="https://homeroom.district.test")
    return mail_server


def tags(message: EmailMessage) -> set[str]:
    """Of the devices in the CSV that the mail brings."""
    ((_type, content),) = files_of(message).values()
    return {row["asset_tag"] for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig")))}


class TestTurns:
    def test_it_comes_at_the_districts_hour_also_when_clocks_have_changed(
        self, administrator: User, server: MailServer, clock: Any
    ) -> None:
        schedule = make_schedule(administrator)
        assert schedule.next_turn_at == MONDAY
        clock.move_to(MONDAY - MINUTE)
        work()
        assert server.messages == []
        clock.move_to(MONDAY)
        work()
        work()
        assert len(server.messages) == 1
        schedule.refresh_from_db()
        assert schedule.next_turn_at == MONDAY + 7 * DAY
        clock.move_to(MONDAY + 7 * DAY)
        work()
        assert len(server.messages) == 2

    def test_once_a_month_on_the_31st_is_the_last_day_of_february(
        self, administrator: User, server: MailServer, clock: Any
    ) -> None:
        clock.move_to(datetime(2026, 2, 1, tzinfo=CHICAGO))
        make_schedule(administrator, turns="monthly 31 06:30")
        came = []
        for day in range(1, 60):
            clock.move_to(datetime(2026, 2, 1, 12, tzinfo=CHICAGO) + day * DAY)
            before = ReportTurn.objects.count()
            work()
            if ReportTurn.objects.count() > before:
                came.append(timezone.localdate().isoformat())
        assert came == ["2026-02-28", "2026-03-31"]

    def test_missed_turns_are_made_up_for_by_one(
        self, administrator: User, server: MailServer, clock: Any
    ) -> None:
        make_schedule(administrator, turns="daily 07:00")
        clock.move_to(MONDAY + 10 * DAY + MINUTE)
        work()
        assert len(server.messages) == 1
        clock.move_to(MONDAY + 11 * DAY)
        work()
        assert len(server.messages) == 2

    def test_of_workers_that_look_at_once_one_takes_each_turn_orders_each_file_and_tells_each_mail(
        self, administrator: User, server: MailServer, clock: Any
    ) -> None:
        others = [make_user(), make_user()]
        for number in range(4):
            make_schedule(administrator, administrator, *others, name=f"Report {number}")
        clock.move_to(MONDAY)
        for source in (take_due_report_turns, make_due_file, tell_finished_reports, send_due_mail):
            at_once(source)
        work()
        assert ReportTurn.objects.count() == 4
        assert ReportDelivery.objects.filter(state=State.TOLD).count() == 12
        assert Fact.objects.filter(kind="report-on-schedule").count() == 12
        assert len(server.messages) == 12
        # The four ask for the same: each recipient has it made once.
        assert ReportFile.objects.count() == 3
        assert Entry.objects.filter(action="report_file.ordered").count() == 3
        assert Entry.objects.filter(action="report_schedule.sent").count() == 4

    def test_paused_it_does_not_come_and_resumed_it_makes_up_for_nothing(
        self, administrator: User, server: MailServer, clock: Any
    ) -> None:
        schedule = make_schedule(administrator)
        verbs.pause(schedule, actor=administrator.actor)
        clock.move_to(MONDAY + DAY)
        work()
        schedule.refresh_from_db()
        assert schedule.next_turn_at is None
        verbs.resume(schedule, actor=administrator.actor)
        work()
        assert server.messages == []
        clock.move_to(MONDAY + 7 * DAY)
        work()
        assert len(server.messages) == 1
        told = Entry.objects.filter(action__startswith="report_schedule.").order_by("pk")
        assert [entry.action.partition(".")[2] for entry in told] == ["created", "paused", "resumed", "sent"]

    def test_other_turns_count_from_now_and_the_same_ones_go_on(
        self, administrator: User, server: MailServer, clock: Any
    ) -> None:
        schedule = make_schedule(administrator)
        clock.move_to(MONDAY + MINUTE)
        same = verbs.change_schedule(
            schedule, viewer=administrator.viewer(), turns=schedule.schedule, name="Other"
        )
        assert same.next_turn_at == MONDAY
        other = verbs.change_schedule(
            schedule, viewer=administrator.viewer(), turns=Schedule.parse("weekly monday 06:00")
        )
        assert other.next_turn_at == MONDAY + 7 * DAY - 60 * MINUTE
        work()
        assert server.messages == []

    def test_turns_are_forgotten_with_their_mail(
        self, administrator: User, server: MailServer, clock: Any
    ) -> None:
        schedule = make_schedule(administrator)
        clock.move_to(MONDAY)
        work()
        clock.move_to(MONDAY + KEPT + DAY)
        work()
        assert [turn.taken_at for turn in schedule.turns.all()] == [MONDAY + KEPT + DAY]


def at_once(source: Any) -> None:
    """Three workers that begin together, each until it finds nothing any more."""
    together, errors = threading.Barrier(3), []

    def look() -> None:
        try:
            together.wait(timeout=20)
            while source(Event()):
                pass
        except Exception as error:  # noqa: BLE001 - asserted below
            errors.append(error)
        finally:
            databases.close_all()

    workers = [threading.Thread(target=look) for _worker in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    assert errors == []


class TestMail:
    def test_it_says_what_it_is_and_brings_the_file(
        self, administrator: User, server: MailServer, clock: Any
    ) -> None:
        expiring(asset_tag="T1")
        expiring(asset_tag="T2")
        reader = make_user(Role.VIEWER, name="Ben")
        make_schedule(administrator, reader, query="days=60", name="For & <b>Ben</b>")
        clock.move_to(MONDAY)
        work()
        (message,) = server.messages
        assert message["To"] == reader.email
        assert message["Subject"] == "For & <b>Ben</b>: 2 rows"
        assert list(files_of(message)) == [f"{EXPIRING}-2026-03-09.csv"]
        assert tags(message) == {"T1", "T2"}
        text, html = text_of(message), html_of(message)
        file, schedule = ReportFile.objects.get(), ReportSchedule.objects.get()
        for said in (
            "AppleCare Expiring Soon",
            "Ends within days: 60",
            f"{EXPIRING}-2026-03-09.csv is attached.",
            f"https://homeroom.district.test/reports/files/{file.pk}/content/",
            f"https://homeroom.district.test/reports/schedules/{schedule.pk}/",
        ):
            assert said in text
            assert said in html
        assert f"{administrator} has it sent to you." in text
        assert "For &amp; &lt;b&gt;Ben&lt;/b&gt;" in html

    def test_as_excel(self, administrator: User, server: MailServer, clock: Any) -> None:
        expiring(asset_tag="T1")
        make_schedule(administrator, format="xlsx", query="columns=asset_tag")
        clock.move_to(MONDAY)
        work()
        ((_type, content),) = files_of(server.messages[0]).values()
        sheet = openpyxl.load_workbook(io.BytesIO(content)).active
        assert list(sheet.values) == [("asset_tag",), ("T1",)]
        assert "You have it sent to yourself." in text_of(server.messages[0])

    @pytest.mark.parametrize(
        ("attach", "most", "said"), [(False, 10, ""), (True, 0, "too large to be attached")]
    )
    def test_linked_or_too_large_it_can_be_fetched(
        self, settings: Settings, server: MailServer, clock: Any, attach: bool, most: int, said: str
    ) -> None:
        use_mail_server(settings, server.url, report_attachment_mb=most)
        expiring()
        make_schedule(make_user(), attach=attach)
        clock.move_to(MONDAY)
        work()
        (message,) = server.messages
        assert files_of(message) == {}
        assert f"/reports/files/{ReportFile.objects.get().pk}/content/" in text_of(message)
        assert said in text_of(message)
        assert "is attached" not in text_of(message)

    def test_mail_that_waited_longer_than_the_file_is_kept_leads_to_no_file(
        self, administrator: User, server: MailServer, clock: Any
    ) -> None:
        schedule = make_schedule(administrator)
        clock.move_to(MONDAY)
        server.stop()
        work()
        clock.move_to(MONDAY + 8 * DAY)
        forget_old_files(timezone.now())
        server.start()
        send_due_mail(Event())
        (message,) = server.messages
        for said in (text_of(message), html_of(message)):
            assert "the file was kept until March 16, 2026" in said
            assert "/reports/files/" not in said
            assert schedule.get_absolute_url() in said

    def test_without_rows_it_says_so_or_does_not_come(
        self, administrator: User, server: MailServer, clock: Any
    ) -> None:
        silent = make_schedule(administrator, name="Silent", only_with_rows=True)
        make_schedule(administrator, name="Telling")
        clock.move_to(MONDAY)
        work()
        (message,) = server.messages
        assert message["Subject"] == "Telling: 0 rows"
        assert "has no rows for you today" in text_of(message)
        assert states(silent) == {administrator.email: State.NO_ROWS}
        expiring()
        clock.move_to(MONDAY + 7 * DAY)
        work()
        assert {str(each["Subject"]) for each in server.messages[1:]} == {"Silent: 1 row", "Telling: 1 row"}

    def test_who_chose_a_digest_finds_it_there_and_who_chose_nothing_gets_nothing(
        self, administrator: User, server: MailServer, clock: Any
    ) -> None:
        digest, nothing = make_user(), make_user()
        for user, delivery in ((digest, Delivery.DIGEST), (nothing, Delivery.OFF)):
            Preference.objects.create(user=user, kind="report-on-schedule", delivery=delivery)
        schedule = make_schedule(administrator, digest, nothing)
        clock.move_to(MONDAY)
        work()
        assert states(schedule) == {digest.email: State.TOLD, nothing.email: State.DECLINED}
        assert Telling.objects.get().mail is None
        clock.move_to(MONDAY + DAY)
        assemble_due_digests(timezone.now())
        work()
        (message,) = server.messages
        assert message["To"] == digest.email
        assert "Every week: 0 rows" in text_of(message)


class TestRights:
    def test_each_gets_the_rows_that_they_may_see_as_their_sites_are_at_the_turn(
        self, administrator: User, server: MailServer, clock: Any
    ) -> None:
        north, south = make_site(), make_site()
        expiring(asset_tag="NORTH", site=north)
        expiring(asset_tag="SOUTH", site=south)
        of_north, moved = (make_user(Role.VIEWER, sites=(north,)) for _number in range(2))
        schedule = make_schedule(administrator, administrator, of_north, moved)
        moved.sites.set([south])
        clock.move_to(MONDAY)
        work()
        assert {str(message["To"]): tags(message) for message in server.messages} == {
            administrator.email: {"NORTH", "SOUTH"},
            of_north.email: {"NORTH"},
            moved.email: {"SOUTH"},
        }
        assert set(states(schedule).values()) == {State.TOLD}

    def test_who_may_not_see_it_or_sign_in_any_more_gets_nothing_and_the_others_theirs(
        self, administrator: User, server: MailServer, clock: Any
    ) -> None:
        demoted, left, stays = (make_user(Role.TECHNICIAN) for _number in range(3))
        schedule = make_schedule(administrator, demoted, left, stays, report="sync-problems")
        User.objects.filter(pk=demoted.pk).update(role=Role.VIEWER)
        User.objects.filter(pk=left.pk).update(is_active=False)
        clock.move_to(MONDAY)
        work()
        assert [message["To"] for message in server.messages] == [stays.email]
        assert states(schedule) == {
            demoted.email: State.REFUSED,
            left.email: State.REFUSED,
            stays.email: State.TOLD,
        }
        assert not ReportFile.objects.exclude(owner=stays).exists()
        notes = dict(ReportDelivery.objects.values_list("recipient__email", "note"))
        assert notes[demoted.email] == "May not see this report."
        assert notes[left.email] == "May no longer sign in."

    def test_what_asks_for_a_site_of_others_is_refused_to_whom_it_is_hidden(
        self, administrator: User, server: MailServer, clock: Any
    ) -> None:
        north = make_site(name="North")
        elsewhere = make_user(Role.VIEWER, sites=(make_site(),))
        schedule = make_schedule(administrator, elsewhere, administrator, query=f"site={north.pk}")
        clock.move_to(MONDAY)
        work()
        assert states(schedule) == {elsewhere.email: State.REFUSED, administrator.email: State.TOLD}
        assert "Site:" in ReportDelivery.objects.get(recipient=elsewhere).note
        assert len(server.messages) == 1

    def test_who_deletes_the_file_while_mail_waits_gets_none(
        self, administrator: User, server: MailServer, clock: Any
    ) -> None:
        schedule = make_schedule(administrator)
        clock.move_to(MONDAY)
        server.stop()
        work()
        delete_file(ReportFile.objects.get(), actor=administrator.actor)
        server.start()
        clock.move_to(MONDAY + DAY)
        send_due_mail(Event())
        assert server.messages == []
        assert Mail.objects.get().state == Mail.State.DROPPED
        assert states(schedule) == {administrator.email: State.DECLINED}

    def test_who_deletes_the_file_once_it_was_sent_was_told(
        self, administrator: User, server: MailServer, clock: Any
    ) -> None:
        schedule = make_schedule(administrator)
        clock.move_to(MONDAY)
        work()
        delete_file(ReportFile.objects.get(), actor=administrator.actor)
        assert states(schedule) == {administrator.email: State.TOLD}

    @pytest.mark.parametrize("loses", ["role", "account", "place"])
    def test_who_loses_the_right_while_mail_waits_gets_none(
        self, administrator: User, server: MailServer, clock: Any, loses: str
    ) -> None:
        user = make_user(Role.TECHNICIAN)
        schedule = make_schedule(administrator, user, report="sync-problems")
        clock.move_to(MONDAY)
        server.stop()
        work()
        match loses:
            case "role":
                User.objects.filter(pk=user.pk).update(role=Role.VIEWER)
            case "account":
                User.objects.filter(pk=user.pk).update(is_active=False)
            case "place":
                verbs.leave(schedule, user, actor=user.actor)
        server.start()
        clock.move_to(MONDAY + DAY)
        send_due_mail(Event())
        assert server.messages == []
        assert Mail.objects.get().state == Mail.State.DROPPED

    def test_whose_sites_change_while_mail_waits_gets_no_rows_of_the_former_ones(
        self, administrator: User, server: MailServer, clock: Any
    ) -> None:
        north, south = make_site(), make_site()
        expiring(asset_tag="NORTH", site=north)
        user = make_user(Role.VIEWER, sites=(north,))
        make_schedule(administrator, user)
        clock.move_to(MONDAY)
        server.stop()
        work()
        user.sites.set([south])
        server.start()
        clock.move_to(MONDAY + DAY)
        send_due_mail(Event())
        (message,) = server.messages
        assert files_of(message) == {}
        assert "is attached" not in text_of(message)

    def test_who_leaves_while_the_file_is_made_is_not_told(
        self, administrator: User, server: MailServer, clock: Any
    ) -> None:
        user = make_user()
        schedule = make_schedule(administrator, user, administrator)
        clock.move_to(MONDAY)
        take_due_report_turns(Event())
        verbs.leave(schedule, user, actor=user.actor)
        work()
        assert [message["To"] for message in server.messages] == [administrator.email]
        entry = Entry.objects.get(action="report_schedule.left")
        assert (entry.actor_id, entry.personal.before) == (user.actor.id, {"recipient": str(user)})

    def test_others_are_chosen_only_by_who_knows_the_accounts(self, technician: User) -> None:
        with pytest.raises(Refused, match="yourself only"):
            make_schedule(technician, technician, make_user())
        assert not ReportSchedule.objects.exists()
        assert make_schedule(technician).recipients.get() == technician

    def test_nobody_is_chosen_who_may_not_see_the_report(self, administrator: User) -> None:
        for user in (make_user(Role.VIEWER, name="Ben"), make_user(is_active=False, name="Ben")):
            with pytest.raises(Refused, match="Ben may not see this report"):
                make_schedule(administrator, user, report="sync-problems")

    def test_who_lost_the_right_may_stay_when_something_else_is_changed(self, administrator: User) -> None:
        demoted = make_user(Role.TECHNICIAN)
        schedule = make_schedule(administrator, administrator, demoted, report="sync-problems")
        User.objects.filter(pk=demoted.pk).update(role=Role.VIEWER)
        changed = verbs.change_schedule(
            schedule, viewer=administrator.viewer(), name="New", recipients=[administrator, demoted]
        )
        assert changed.recipients.count() == 2
        entry = Entry.objects.get(action="report_schedule.updated")
        assert (entry.before, entry.after) == ({"name": "Every week"}, {"name": "New"})


class TestFiles:
    def test_a_file_that_cannot_be_made_is_told_on_the_page_and_the_next_turn_tries_again(
        self, administrator: User, server: MailServer, clock: Any, settings: Settings
    ) -> None:
        schedule = make_schedule(administrator)
        good = settings.MEDIA_ROOT
        Path(settings.MEDIA_ROOT).write_text("no folder")
        clock.move_to(MONDAY)
        work()
        delivery = ReportDelivery.objects.get()
        assert delivery.state == State.FAILED
        assert "could not be written" in delivery.note
        assert server.messages == []
        Path(good).unlink()
        clock.move_to(MONDAY + 7 * DAY)
        work()
        assert states(schedule) == {administrator.email: State.TOLD}

    def test_what_can_not_be_told_to_one_recipient_is_told_to_the_others(
        self, administrator: User, server: MailServer, clock: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = make_user(Role.ADMINISTRATOR)
        schedule = make_schedule(administrator, administrator, other)
        tell = delivering.tell

        def tell_all_but_one(delivery: ReportDelivery) -> None:
            if delivery.recipient == administrator:
                raise ValueError(delivery)
            tell(delivery)

        monkeypatch.setattr(delivering, "tell", tell_all_but_one)
        clock.move_to(MONDAY)
        work()
        assert states(schedule) == {administrator.email: State.FAILED, other.email: State.TOLD}
        assert [message["To"] for message in server.messages] == [other.email]

    def test_who_deletes_the_file_before_it_is_sent_gets_no_mail_of_this_turn(
        self, administrator: User, server: MailServer, clock: Any
    ) -> None:
        schedule = make_schedule(administrator)
        clock.move_to(MONDAY)
        take_due_report_turns(Event())
        delete_file(ReportFile.objects.get(), actor=administrator.actor)
        work()
        assert server.messages == []
        assert states(schedule) == {administrator.email: State.DECLINED}
        assert "was deleted" in ReportDelivery.objects.get().note

    def test_a_file_that_was_swept_before_anybody_could_be_told_is_made_again(
        self, administrator: User, server: MailServer, clock: Any
    ) -> None:
        make_schedule(administrator)
        clock.move_to(MONDAY)
        take_due_report_turns(Event())
        make_due_file(Event())
        clock.move_to(MONDAY + 8 * DAY)
        forget_old_files(timezone.now())
        assert not ReportFile.objects.exists()
        verbs.pause(ReportSchedule.objects.get(), actor=administrator.actor)
        work()
        assert len(server.messages) == 1

    def test_whose_files_are_too_many_already_gets_theirs_after_them(
        self, administrator: User, server: MailServer, clock: Any
    ) -> None:
        for days in range(1, MOST_UNDER_WAY + 1):
            order_file(
                report_named(EXPIRING),
                f"days={days}",
                "csv",
                owner=administrator,
                viewer=administrator.viewer(),
            )
        make_schedule(administrator)
        clock.move_to(MONDAY)
        assert take_due_report_turns(Event())
        assert not take_due_report_turns(Event())
        assert ReportDelivery.objects.get().state == State.WAITING
        work()
        work()
        assert len(server.messages) == 1

    def test_a_report_that_is_gone_is_said_to_be(
        self, administrator: User, server: MailServer, clock: Any
    ) -> None:
        schedule = make_schedule(administrator)
        ReportSchedule.objects.update(report="no-longer")
        clock.move_to(MONDAY)
        work()
        assert states(schedule) == {administrator.email: State.REFUSED}
        assert "no such report" in ReportDelivery.objects.get().note


class TestSendingNow:
    def test_it_is_sent_at_once_and_the_next_turn_stays(
        self, administrator: User, server: MailServer, clock: Any
    ) -> None:
        schedule = make_schedule(administrator)
        verbs.send_now(schedule, viewer=administrator.viewer())
        with pytest.raises(Refused, match="being sent already"):
            verbs.send_now(schedule, viewer=administrator.viewer())
        work()
        assert len(server.messages) == 1
        schedule.refresh_from_db()
        assert schedule.next_turn_at == MONDAY
        assert schedule.turns.get().requested_by == str(administrator)
        verbs.send_now(schedule, viewer=administrator.viewer())
        work()
        assert len(server.messages) == 2

    def test_deleted_it_is_sent_no_more(self, administrator: User, server: MailServer, clock: Any) -> None:
        schedule = make_schedule(administrator)
        server.stop()
        verbs.send_now(schedule, viewer=administrator.viewer())
        work()
        verbs.delete_schedule(schedule, actor=administrator.actor)
        server.start()
        clock.move_to(MONDAY + DAY)
        work()
        assert server.messages == []
        assert Mail.objects.get().state == Mail.State.DROPPED


@pytest.mark.parametrize(
    ("turns", "said"),
    [
        ("every 6 hours", "Reports come daily, Monday to Friday"),
        ("never", "Reports come daily, Monday to Friday"),
        ("* * * * *", "once an hour at most"),
        ("*/5 7 * * 1", "once an hour at most"),
    ],
)
def test_what_would_come_too_often_or_never_is_refused(administrator: User, turns: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        make_schedule(administrator, turns=turns)


def test_a_query_that_the_report_does_not_understand_is_refused(administrator: User) -> None:
    with pytest.raises(Refused, match="is no filter of this report"):
        make_schedule(administrator, query="colour=red")
