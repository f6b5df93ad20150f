"""What ends is told once for each milestone, site by site, to those who see the site; what is decided is silent."""

import os
import signal
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from threading import Event
from typing import Any

import pytest
import time_machine
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from homeroom.accounts.models import User
from homeroom.accounts.policy import Role
from homeroom.audit.actors import COMMAND_LINE
from homeroom.config.worker import work_once
from homeroom.insurance import verbs
from homeroom.insurance.models import ToldMilestone
from homeroom.insurance.queries import today
from homeroom.insurance.verbs.milestones import COVERAGE_ENDING, tell_milestones
from homeroom.inventory.models import Device
from homeroom.inventory.verbs.devices import delete_device, update_device
from homeroom.notifications.kinds import Delivery
from homeroom.notifications.models import Fact, Mail, Preference
from homeroom.notifications.verbs import assemble_due_digests, send_due_mail
from tests.builders import make_site, make_status, make_user
from tests.insurance.ends import covered_until, ending_in, many_ending
from tests.insurance.test_follow_ups import these
from tests.mail import MailServer, html_of, text_of, use_mail_server

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
MORNING = datetime(2026, 12, 1, 6, 30, tzinfo=UTC)


def facts() -> list[Fact]:
    """What was told, the turns of days aside."""
    return list(Fact.objects.filter(kind=COVERAGE_ENDING.key).exclude(context={}).order_by("pk"))


def told() -> list[tuple[str, list[str]]]:
    """Sites with the devices that were named of each."""
    return [
        (fact.context["site"], [device["device"] for device in fact.context["devices"]]) for fact in facts()
    ]


def recipients(fact: Fact) -> set[User]:
    return {telling.recipient for telling in fact.tellings.select_related("recipient")}


def tell(day: int = 0) -> bool:
    """The turn of the day that is so many days later."""
    with time_machine.travel(MORNING + day * DAY, tick=False):
        return tell_milestones(now=MORNING + day * DAY)


@pytest.fixture(autouse=True)
def morning() -> Any:
    with time_machine.travel(MORNING, tick=False):
        yield


def test_each_site_is_told_to_those_who_see_it():
    north, south = make_site(name="North"), make_site(name="South")
    boss, everywhere = make_user(), make_user(Role.TECHNICIAN)
    northern = make_user(Role.TECHNICIAN, sites=(north,))
    make_user(Role.VIEWER)
    first, second = ending_in(20, site=north), ending_in(5, site=north)
    third = ending_in(90, site=south)
    ending_in(91, site=south)
    assert tell()
    assert told() == [("North", [second.asset_tag, first.asset_tag]), ("South", [third.asset_tag])]
    of_north, of_south = facts()
    assert recipients(of_north) == {boss, everywhere, northern}
    assert recipients(of_south) == {boss, everywhere}
    assert of_north.context["milestones"] == [{"days": 7, "count": 1}, {"days": 30, "count": 2}]
    assert not Mail.objects.exists(), "it waits for the digest, unless somebody chose otherwise"


def test_a_device_that_is_first_seen_late_is_told_once_and_not_for_what_is_past():
    device = ending_in(20)
    tell()
    assert list(ToldMilestone.objects.values_list("device", "ends", "milestone")) == [
        (device.pk, today() + 20 * DAY, 30)
    ]
    for day in range(1, 13):
        tell(day)
    assert len(facts()) == 1
    tell(13)
    assert [fact.context["days"] for fact in facts()] == [30, 7]


def test_the_day_begins_at_six_and_a_turn_that_was_missed_is_made_up_for():
    ending_in(20)
    night = datetime(2026, 12, 1, 5, 59, tzinfo=UTC)
    assert tell_milestones(now=night - DAY + timedelta(minutes=2))
    assert not tell_milestones(now=night)
    assert tell_milestones(now=night + timedelta(minutes=1))
    assert not tell_milestones(now=MORNING)
    assert tell_milestones(now=MORNING + 3 * DAY), "the worker stood still"
    assert len(facts()) == 1


@pytest.mark.parametrize(("zone", "tells"), [("America/Los_Angeles", 90), ("Pacific/Auckland", 60)])
def test_which_day_it_is_is_decided_by_the_district(settings: Any, zone: str, tells: int):
    settings.TIME_ZONE = zone
    moment = datetime(
        2026, 12, 1, 1, 30, tzinfo=UTC
    )  # still November in Los Angeles, half past two in Auckland
    with time_machine.travel(moment, tick=False):
        many_ending({1: date(2027, 1, 30)})
        tell_milestones(now=moment)
    assert list(ToldMilestone.objects.values_list("milestone", flat=True)) == [tells]


def test_what_is_decided_is_silent_and_what_waits_again_is_told():
    acknowledged, snoozed, given_up, reopened = (ending_in(35) for _number in range(4))
    verbs.acknowledge(these(acknowledged), actor=COMMAND_LINE)
    verbs.snooze(these(snoozed), until=today() + 15 * DAY, actor=COMMAND_LINE)
    verbs.will_not_renew(these(given_up, reopened), actor=COMMAND_LINE)
    days = {}
    for day in range(36):
        if day == 10:
            with time_machine.travel(MORNING + day * DAY, tick=False):
                verbs.reopen(these(reopened), actor=COMMAND_LINE)
        before = set(ToldMilestone.objects.values_list("device", "milestone"))
        tell(day)
        for key in set(ToldMilestone.objects.values_list("device", "milestone")) - before:
            days[key] = day
    assert days == {
        (acknowledged.pk, 30): 5,
        (acknowledged.pk, 7): 28,
        (snoozed.pk, 30): 15,
        (snoozed.pk, 7): 28,
        (reopened.pk, 30): 10,
        (reopened.pk, 7): 28,
    }


def test_what_is_not_asked_about_is_not_told():
    lost = ending_in(20)
    update_device(lost, status=make_status("Lost", kind="lost"), actor=COMMAND_LINE)
    ending_in(20, manufacturer="HP", product_family="Chromebook")
    ended = ending_in(20)
    covered_until(ended, today() - DAY)
    assert tell()
    assert facts() == []


def test_a_hundred_and_twenty_days_tell_each_device_at_most_four_times():
    start = MORNING.date()
    north, south = make_site(name="North"), make_site(name="South")
    many_ending({pk: start + pk * DAY for pk in range(1, 131)}, north)
    many_ending({pk: start + (pk - 200) * DAY for pk in range(201, 301)}, south)
    renewed, times = Device.objects.get(pk=60), Counter[tuple[int, date]]()
    seen: dict[tuple[int, date, int], int] = {}
    mails_of_a_day: dict[int, int] = {}
    for day in range(121):
        if day == 40:
            with time_machine.travel(MORNING + day * DAY, tick=False):
                covered_until(renewed, start + 160 * DAY)
        before = len(facts())
        kept = set(ToldMilestone.objects.values_list("device", "ends", "milestone"))
        tell(day)
        mails_of_a_day[day] = len(facts()) - before
        for key in set(ToldMilestone.objects.values_list("device", "ends", "milestone")) - kept:
            assert key not in seen, "never twice for one milestone"
            seen[key] = day
            times[key[0], key[1]] += 1
    assert set(times.values()) <= {1, 2, 3, 4}
    assert times[127, start + 127 * DAY] == 4
    assert times[300, start + 100 * DAY] == 4
    assert times[5, start + 5 * DAY] == 1
    assert times[60, start + 60 * DAY] == 2, "60 days at once, 30 after a month"
    assert times[60, start + 160 * DAY] == 2, "renewed, it begins anew: 90 and 60"
    for (_device, ends, milestone), day in seen.items():
        assert (ends - start).days - day <= milestone
    assert mails_of_a_day[0] == 2
    assert max(mails_of_a_day.values()) == 2, "one a site, on no day more"
    assert sum(fact.context["count"] for fact in facts()) == len(seen)


def test_on_the_day_of_installation_five_thousand_are_one_mail_a_site():
    sites = [make_site(), make_site()]
    for number, site in enumerate(sites):
        first = 1 + number * 2500
        many_ending({pk: today() + (pk % 90) * DAY for pk in range(first, first + 2500)}, site)
    boss = make_user()
    Preference.objects.create(user=boss, kind=COVERAGE_ENDING.key, delivery=Delivery.AT_ONCE)
    tell()
    assert Mail.objects.count() == 2
    assert ToldMilestone.objects.count() == 5000
    for fact in facts():
        assert fact.context["count"] == 2500
        assert (len(fact.context["devices"]), fact.context["more"]) == (25, 2475)


def test_a_hundred_thousand_are_told_in_a_few_statements():
    many_ending({pk: today() + (pk % 90) * DAY for pk in range(1, 100_001)})
    make_user()
    with CaptureQueriesContext(connection) as statements:
        tell()
    assert ToldMilestone.objects.count() == 100_000
    assert len(statements) <= 100, "one for each two thousand, and some for the site"


def test_each_day_costs_next_to_nothing_once_its_turn_is_taken(django_assert_num_queries: Any):
    tell()
    with django_assert_num_queries(1):
        tell()


def test_the_worker_takes_the_turn():
    ending_in(20)
    work_once()
    assert len(facts()) == 1
    work_once()
    assert len(facts()) == 1


def test_what_was_told_of_ends_that_are_past_is_forgotten_and_goes_with_the_device():
    many_ending({1: today() + 3 * DAY, 2: today() + 20 * DAY})
    tell()
    assert ToldMilestone.objects.count() == 2
    tell(4)
    assert list(ToldMilestone.objects.values_list("device", flat=True)) == [2]
    delete_device(Device.objects.get(pk=2), actor=COMMAND_LINE)
    assert not ToldMilestone.objects.exists()


def test_the_link_leads_to_those_who_wait_at_the_site(client: Client):
    site = make_site(name="North")
    here = ending_in(20, site=site)
    there = ending_in(20)
    tell()
    client.force_login(make_user(Role.TECHNICIAN))
    path = next(fact.path for fact in facts() if fact.context["site"] == "North")
    page = client.get(path).content.decode()
    assert here.asset_tag in page
    assert f">{there.asset_tag}<" not in page


class TestMail:
    @pytest.fixture
    def reader(self, mail_server: MailServer, settings: Any) -> User:
        use_mail_server(settings, mail_server.url, base_url="https://homeroom.district.test")
        return make_user()

    def test_the_digest_has_a_line_for_each_site(self, reader: User, mail_server: MailServer):
        north, south = make_site(name="North & West"), make_site(name="South")
        for site in (south, north, north):
            ending_in(20, site=site)
        tell()
        with time_machine.travel(MORNING + timedelta(hours=1), tick=False):
            assert assemble_due_digests(MORNING + timedelta(hours=1)) == 1
            assert send_due_mail(Event())
        (mail,) = mail_server.messages
        body = text_of(mail)
        first, second = (
            "North & West: AppleCare of 2 devices ends within 30 days",
            "South: AppleCare of 1 device ends within 30 days",
        )
        assert body.index(first) < body.index(second)

    def test_at_once_it_names_the_devices_the_most_urgent_first(self, reader: User, mail_server: MailServer):
        Preference.objects.create(user=reader, kind=COVERAGE_ENDING.key, delivery=Delivery.AT_ONCE)
        site = make_site(name="North")
        later, sooner = ending_in(20, site=site), ending_in(1, site=site)
        untagged = ending_in(25, site=site, asset_tag=None)
        tell()
        assert send_due_mail(Event())
        (mail,) = mail_server.messages
        assert mail["Subject"] == "North: AppleCare of 3 devices ends within 30 days"
        for body in (text_of(mail), html_of(mail)):
            assert body.index(str(sooner.asset_tag)) < body.index(str(later.asset_tag))
            assert "in 1 day" in body
            assert "Within 7 days: 1" in body
            assert "Within 30 days: 3" in body, "the one within 7 days is one of them"
            assert f"({sooner.serial_number})" in body
            assert f"({untagged.serial_number})" not in body, "its name is its serial number"
            assert f"site={site.pk}" in body
            assert "follow_up=waiting" in body


@pytest.mark.django_db(transaction=True)
def test_killed_before_any_statement_nothing_is_told_twice_or_lost():
    make_user()
    ends = today() + 20 * DAY
    many_ending({1: ends, 2: ends}, make_site())
    many_ending({3: ends}, make_site())
    killed = 0
    while not _dies_before_statement(killed + 1):
        killed += 1
        assert not facts()
        assert not ToldMilestone.objects.exists()
        assert not Fact.objects.exists(), "the day's turn is still to be had"
    assert killed > 10
    assert len(facts()) == 2
    assert ToldMilestone.objects.count() == 3
    assert all(fact.tellings.count() == 1 for fact in facts())
    assert not tell()


def _dies_before_statement(number: int) -> bool:
    """Tell in a process that is killed before its so manieth statement; True if it came to its end before that."""
    connections.close_all()
    if connection.vendor == "postgresql":
        connection.close_pool()  # two processes on one connection would talk across each other
    child = os.fork()
    if not child:
        left = [number]

        def die(execute: Any, *statement: Any) -> Any:
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            return execute(*statement)

        with connection.execute_wrapper(die):
            tell_milestones(now=MORNING)
        os._exit(0)
    _pid, status = os.waitpid(child, 0)
    return not os.WIFSIGNALED(status)
