"""Deciding on the report's page and on a device's profile, and what dashboard, report and files say of it."""

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from homeroom.accounts.policy import HOMEROOM_VIEWER, Role
from homeroom.audit.actors import COMMAND_LINE
from homeroom.audit.models import Entry
from homeroom.insurance import queries, verbs
from homeroom.insurance.models import CoverageSummary, FollowUp
from homeroom.insurance.queries import today
from homeroom.inventory.models import Device, Site
from homeroom.inventory.verbs.devices import delete_device
from homeroom.web.counts import MOST_COUNTED
from tests.builders import make_site, make_user
from tests.insurance.ends import covered_until, ending_in, many_ending
from tests.insurance.test_follow_ups import state

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
REPORT = "/reports/mdm/applecare-expiring/"
DECIDE = "/insurance/follow-ups/"
ALL = "/insurance/follow-ups/all/"
REPORT_QUERIES = 9


def client_of(role: Role, *sites: Site) -> Client:
    client = Client()
    client.force_login(make_user(role, sites=sites))
    return client


def ticked(device: Device) -> str:
    """What a row's box sends of the device as it is now."""
    ends = CoverageSummary.objects.values_list("applecare_until", flat=True).get(device=device)
    return f"{device.pk} {ends}"


def decide(client: Client, *devices: Device | str, query: str = "", **given: str) -> tuple[Any, list[str]]:
    """The page that answers, and the sentences on it. A device is ticked as it is now, unless its box is given."""
    boxes = [device if isinstance(device, str) else ticked(device) for device in devices]
    values = {"device": boxes, "query": query, "next": f"{REPORT}?{query}"}
    answer = client.post(DECIDE, values | given, follow=True)
    return answer, [str(message) for message in answer.context["messages"]]


def box(client: Client, page: HttpResponse) -> str:
    """The box for all that fit, as the page fetches it once a device is ticked."""
    found = re.search(rf'hx-get="({ALL}.*?)"', page.content.decode())
    assert found is not None
    return client.get(unescape(found[1])).content.decode()


def all_of(client: Client, page: HttpResponse) -> str:
    """What the box for all that fit sends."""
    found = re.search(r'name="all" value="(.*?)"', box(client, page))
    assert found is not None
    return found[1]


def tags(client: Client, **query: str) -> set[str]:
    """The report's rows, by its file."""
    answer = client.get(REPORT, query | {"format": "csv"})
    return {row["asset_tag"] for row in csv.DictReader(io.StringIO(answer.getvalue().decode()))}


def card(client: Client) -> tuple[int, str] | None:
    """What the dashboard says of expiring AppleCare, and where it leads."""
    waiting = client.get("/").context["waiting"]
    return next(
        (
            (each.number.counted, each.url)
            for _card, each in waiting
            if each.title == "AppleCare expiring soon"
        ),
        None,
    )


def test_ticked_devices_are_decided_about_and_leave_the_waiting_list(as_technician: Client):
    first, second, third = ending_in(5), ending_in(10), ending_in(15)
    day = str(today() + 3 * DAY)
    query = "days=30&follow_up=waiting"
    answer, told = decide(
        as_technician, first, second, query=query, decision="snoozed", until=day, note="Asked the school."
    )
    assert told == ["2 devices are snoozed."]
    assert answer.redirect_chain == [(f"{REPORT}?{query}", 302)]
    assert [state(device) for device in (first, second, third)] == ["snoozed", "snoozed", "waiting"]
    assert tags(as_technician, days="30", follow_up="waiting") == {third.asset_tag}
    assert tags(as_technician, follow_up="snoozed") == {first.asset_tag, second.asset_tag}
    row = FollowUp.objects.get(device=first)
    assert row.note == "Asked the school."
    assert Entry.objects.get(action="coverage.snoozed").actor_id.startswith("user:")


@pytest.mark.parametrize(
    ("decision", "expected", "sentence"),
    [
        (
            "acknowledged",
            "acknowledged",
            "1 device is acknowledged; it waits again at its next milestone, if it has one left.",
        ),
        ("will_not_renew", "will_not_renew", "1 device will not be renewed, and does not wait any more."),
        ("waiting", "waiting", "1 device waits again."),
    ],
)
def test_each_button_does_what_it_says(as_technician: Client, decision: str, expected: str, sentence: str):
    device = ending_in(20)
    if decision == "waiting":
        decide(as_technician, device, decision="will_not_renew")
    _answer, told = decide(as_technician, device, decision=decision, until=str(today() + 3 * DAY))
    assert told == [sentence], "the day is for snoozing alone"
    assert state(device) == expected


def test_the_page_has_boxes_and_buttons_for_who_may_decide(as_technician: Client, as_viewer: Client):
    device = ending_in(20)
    page = as_technician.get(REPORT, {"follow_up": "waiting"}).content.decode()
    assert f'name="device" value="{ticked(device)}" form="chosen"' in page
    for value in ("snoozed", "acknowledged", "will_not_renew", "waiting"):
        assert f'name="decision" value="{value}"' in page
    assert ALL not in page, "there is one page only"
    seen = as_viewer.get(REPORT).content.decode()
    assert device.asset_tag in seen
    assert 'name="decision"' not in seen
    assert as_viewer.post(DECIDE, {"device": device.pk, "decision": "acknowledged"}).status_code == 403
    assert as_viewer.post(f"/devices/{device.pk}/follow-up/").status_code == 403
    assert as_viewer.get(ALL).status_code == 403


def test_all_that_fit_the_filter_can_be_decided_about_at_once(as_technician: Client):
    north, south = make_site(), make_site()
    many_ending({pk: today() + 20 * DAY for pk in range(1, 121)}, north)
    many_ending({pk: today() + 20 * DAY for pk in range(201, 211)}, south)
    query = f"site={north.pk}&days=30"
    page = as_technician.get(f"{REPORT}?{query}")
    assert "All 120 that fit the filter" in box(as_technician, page)
    _answer, told = decide(
        as_technician, query=query, all=all_of(as_technician, page), decision="will_not_renew"
    )
    assert told == ["120 devices will not be renewed, and do not wait any more."]
    assert FollowUp.objects.filter(device__site=north).count() == 120
    assert not FollowUp.objects.filter(device__site=south).exists()
    assert Entry.objects.filter(action="coverage.will_not_renew").count() == 1


def one_leaves_and_another_comes():
    delete_device(Device.objects.get(pk=1), actor=COMMAND_LINE)
    many_ending({121: today() + 20 * DAY})


def one_is_extended():
    CoverageSummary.objects.filter(device=1).update(applecare_until=today() + 50 * DAY)


def one_is_decided_about_by_somebody_else():
    verbs.will_not_renew(Device.objects.filter(pk=1), actor=COMMAND_LINE)


@pytest.mark.parametrize(
    "change", [one_leaves_and_another_comes, one_is_extended, one_is_decided_about_by_somebody_else]
)
def test_all_is_what_the_page_showed_or_nothing(as_technician: Client, change: Callable[[], None]):
    many_ending({pk: today() + 20 * DAY for pk in range(1, 121)})
    mark = all_of(as_technician, as_technician.get(REPORT))
    change()
    _answer, told = decide(as_technician, all=mark, decision="acknowledged")
    assert told == ["The list has changed meanwhile. Look at it again, then decide."]
    assert not FollowUp.objects.filter(decision="acknowledged").exists()


def test_of_all_a_row_that_was_ticked_before_it_moved_is_left_as_it_is(as_technician: Client):
    many_ending({pk: today() + 20 * DAY for pk in range(1, 121)})
    box_of_one = ticked(Device.objects.get(pk=1))
    one_is_extended()
    mark = all_of(as_technician, as_technician.get(REPORT))
    _answer, told = decide(as_technician, box_of_one, all=mark, decision="acknowledged")
    assert told[0].startswith("119 devices are acknowledged")
    assert "by now. Look at it again, then decide." in told[1]


def test_more_than_the_page_counts_are_not_decided_about_in_one_request(as_technician: Client):
    many_ending({pk: today() + 20 * DAY for pk in range(1, MOST_COUNTED + 2)})
    assert ALL not in as_technician.get(REPORT).content.decode()
    assert 'name="all"' not in as_technician.get(ALL).content.decode()
    shown = queries.shown(queries.ending_some_day(HOMEROOM_VIEWER, today()), today(), most=MOST_COUNTED + 1)
    assert shown is not None
    _answer, told = decide(as_technician, all=shown.mark, decision="acknowledged")
    assert told == ["The list has changed meanwhile. Look at it again, then decide."]
    assert not FollowUp.objects.exists()


def test_the_box_is_of_the_filter_as_the_page_understood_it(as_technician: Client):
    site = make_site(name="North School")
    many_ending({pk: today() + 20 * DAY for pk in range(1, 121)}, site)
    assert "All 120 that fit" in box(as_technician, as_technician.get(REPORT, {"site": "North School"}))
    assert 'name="all"' in as_technician.get(ALL, {"days": "30"}).content.decode()
    assert 'name="all"' not in as_technician.get(ALL, {"days": "soon"}).content.decode()


def test_what_was_renewed_since_the_page_was_shown_is_left_as_it_is(as_technician: Client):
    renewed, ending = ending_in(20), ending_in(20)
    covered_until(renewed, today() + 800 * DAY)
    _answer, told = decide(as_technician, renewed, ending, query="days=90", decision="will_not_renew")
    assert told == [
        "1 device does not fit the filter any more, and was left as it is.",
        "1 device will not be renewed, and does not wait any more.",
    ]
    assert (state(renewed), state(ending)) == ("waiting", "will_not_renew")


@pytest.mark.parametrize("days", [10, 40])
def test_what_ends_on_another_day_than_the_page_showed_is_left_as_it_is(as_technician: Client, days: int):
    moved, ending = ending_in(20), ending_in(20)
    boxes = ticked(moved), ticked(ending)
    covered_until(moved, today() + days * DAY)
    _answer, told = decide(as_technician, *boxes, query="days=90", decision="will_not_renew")
    assert told[0] == "1 device will not be renewed, and does not wait any more."
    assert told[1].startswith(f"{moved}: AppleCare ends on ")
    assert told[1].endswith(" by now. Look at it again, then decide.")
    assert (state(moved), state(ending)) == ("waiting", "will_not_renew")
    assert Entry.objects.get(action="coverage.will_not_renew").object_id == str(ending.pk)


@pytest.mark.parametrize("end", ["", " ", " soon", " 2026-02-31", " 2026-12-31T00:00"])
def test_a_box_that_does_not_say_what_was_seen_decides_nothing(as_technician: Client, end: str):
    device = ending_in(20)
    _answer, told = decide(as_technician, f"{device.pk}{end}", decision="acknowledged")
    assert len(told) == 1
    assert "by now. Look at it again, then decide." in told[0]
    assert state(device) == "waiting"


def test_what_was_reopened_while_the_clock_was_ahead_waits(as_technician: Client):
    device = ending_in(20)
    verbs.acknowledge(Device.objects.filter(pk=device.pk), actor=COMMAND_LINE)
    with time_machine.travel(timezone.now() + 3 * DAY):
        verbs.reopen(Device.objects.filter(pk=device.pk), actor=COMMAND_LINE)
    assert tags(as_technician, follow_up="waiting") == {device.asset_tag}
    assert as_technician.get(REPORT).status_code == 200
    assert "It waits for somebody to decide." in as_technician.get(f"/devices/{device.pk}/").content.decode()


def test_what_is_left_out_is_named(as_technician: Client):
    soon, later = ending_in(5), ending_in(20)
    _answer, told = decide(as_technician, soon, later, decision="snoozed", until=str(today() + 10 * DAY))
    assert told[0] == "1 device is snoozed."
    assert told[1].startswith(f"{soon}: AppleCare ends before that day, on ")


def test_of_many_that_are_left_out_the_first_are_named(as_technician: Client):
    devices = [ending_in(5) for _number in range(13)]
    _answer, told = decide(as_technician, *devices, decision="snoozed", until=str(today() + 10 * DAY))
    assert len(told) == 11
    assert told[-1] == "3 more were left out."


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"decision": "snoozed"}, "Say until when to snooze."),
        ({"decision": "snoozed", "until": "soon"}, "Snooze until: Enter a valid date."),
        ({"decision": "snoozed", "until": "2020-01-01"}, "Snooze until a day after today."),
        ({"decision": "acknowledged", "note": "x" * 301}, "Note: Ensure this value has at most 300"),
        ({"decision": "sell"}, "decision: Select a valid choice."),
        ({}, "decision: This field is required."),
        (
            {"decision": "acknowledged", "query": "days=many"},
            "The filter of the page is not understood. Open the report again.",
        ),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_done(
    as_technician: Client, given: dict[str, str], sentence: str
):
    device = ending_in(20)
    _answer, told = decide(as_technician, device, **given)
    assert len(told) == 1
    assert told[0].startswith(sentence)
    assert not FollowUp.objects.exists()


@pytest.mark.parametrize("keys", [[], ["x"], ["9" * 40], ["-1"], [" 2026-12-31"]])
def test_without_a_ticked_device_it_says_so(as_technician: Client, keys: list[str]):
    answer = as_technician.post(DECIDE, {"device": keys, "decision": "acknowledged"}, follow=True)
    assert [str(message) for message in answer.context["messages"]] == ["Tick the devices first."]


def test_nobody_decides_about_devices_of_other_sites():
    north, south = make_site(), make_site()
    ours, theirs = ending_in(20, site=north), ending_in(20, site=south)
    client = client_of(Role.TECHNICIAN, north)
    _answer, told = decide(client, ours, theirs, decision="acknowledged")
    assert told[0] == "1 device does not fit the filter any more, and was left as it is."
    assert (state(ours), state(theirs)) == ("acknowledged", "waiting")
    assert client.post(f"/devices/{theirs.pk}/follow-up/", {"decision": "acknowledged"}).status_code == 404
    assert (
        not client.get(REPORT, {"follow_up": "acknowledged"}).content.decode().count(theirs.asset_tag or "")
    )


def test_nobody_is_sent_to_another_place_afterwards(as_technician: Client):
    device = ending_in(20)
    answer = as_technician.post(
        DECIDE, {"device": ticked(device), "decision": "acknowledged", "next": "https://elsewhere.example/"}
    )
    assert answer["Location"] == REPORT


def test_dashboard_report_file_and_api_count_the_same(as_technician: Client):
    waiting = {ending_in(0).asset_tag, ending_in(30).asset_tag}
    ending_in(31)
    ended = ending_in(3)
    covered_until(ended, today() - DAY)
    quiet = ending_in(10)
    decide(as_technician, quiet, decision="will_not_renew")
    found = card(as_technician)
    assert found is not None
    number, address = found
    assert number == 2
    assert address == f"{REPORT}?days=30&follow_up=waiting"
    assert as_technician.get(address).context["table"].paginator.count == number
    assert tags(as_technician, days="30", follow_up="waiting") == waiting
    decide(
        as_technician,
        *Device.objects.filter(asset_tag__in=waiting),
        query="days=30&follow_up=waiting",
        decision="acknowledged",
    )
    assert card(as_technician) is None, "nothing waits any more"
    assert tags(as_technician, days="30") == waiting | {quiet.asset_tag}, "the report has them all the same"


def test_a_file_tells_who_decided_what_and_until_when(as_technician: Client, technician: Any):
    device = ending_in(20)
    day = str(today() + 3 * DAY)
    decide(as_technician, device, decision="snoozed", until=day, note="=1+1")
    answer = as_technician.get(REPORT, {"format": "csv"})
    (row,) = csv.DictReader(io.StringIO(answer.getvalue().decode()))
    assert (row["follow_up"], row["follow_up_until"], row["decided_by"]) == ("snoozed", day, technician.name)
    assert row["follow_up_note"] == "'=1+1"


def test_sorting_by_the_decision_goes_both_ways(as_technician: Client):
    first, second = ending_in(20), ending_in(10)
    decide(as_technician, first, decision="acknowledged")
    for sort, expected in (("follow_up", [first, second]), ("-follow_up", [second, first])):
        page = as_technician.get(REPORT, {"sort": sort}).content.decode()
        places = [page.index(f">{device.asset_tag}<") for device in expected]
        assert places == sorted(places)


class TestProfile:
    def page(self, client: Client, device: Device) -> str:
        return client.get(f"/devices/{device.pk}/").content.decode()

    def post(self, client: Client, device: Device, **given: str) -> list[str]:
        answer = client.post(f"/devices/{device.pk}/follow-up/", given, follow=True)
        return [str(message) for message in answer.context["messages"]]

    def test_it_shows_the_decision_and_offers_the_buttons(self, as_technician: Client, as_viewer: Client):
        device = ending_in(20)
        ends = str(today() + 20 * DAY)
        page = self.page(as_technician, device)
        assert "It waits for somebody to decide." in page
        assert "Wait again" not in page
        assert self.post(as_technician, device, decision="acknowledged", ends=ends, note="Seen.") == [
            "1 device is acknowledged; it waits again at its next milestone, if it has one left."
        ]
        page = self.page(as_technician, device)
        assert "Seen." in page
        assert "It waits again from" in page
        assert "Wait again" in page
        assert "Expiring AppleCare acknowledged" in page, "on the timeline"
        seen = self.page(as_viewer, device)
        assert "Seen." in seen
        assert 'name="decision"' not in seen
        assert self.post(as_technician, device, decision="waiting", ends=ends) == ["1 device waits again."]
        assert state(device) == "waiting"

    def test_a_stale_profile_decides_nothing(self, as_technician: Client):
        device = ending_in(20)
        ends = str(today() + 20 * DAY)
        covered_until(device, today() + 300 * DAY)
        (told,) = self.post(as_technician, device, decision="will_not_renew", ends=ends)
        assert "by now. Look at it again, then decide." in told
        assert state(device) == "waiting"

    @pytest.mark.parametrize(("given", "begins"), [({}, "decision: "), ({"decision": "waiting"}, "ends: ")])
    def test_what_is_missing_is_said(self, as_technician: Client, given: dict[str, str], begins: str):
        (told,) = self.post(as_technician, ending_in(20), **given)
        assert told.startswith(begins)

    @pytest.mark.parametrize(("days", "shown"), [(90, True), (91, False)])
    def test_there_is_nothing_to_decide_long_before_the_end(
        self, as_technician: Client, days: int, shown: bool
    ):
        assert ('name="decision"' in self.page(as_technician, ending_in(days))) == shown


def test_the_report_takes_as_many_queries_for_many_as_for_one(
    as_technician: Client, django_assert_num_queries: Any
):
    many_ending({pk: today() + 20 * DAY for pk in range(1, 3)})
    as_technician.get(REPORT)
    with django_assert_num_queries(REPORT_QUERIES):
        as_technician.get(REPORT)
    for several_pages in (range(3, 60), range(60, 260)):
        many_ending({pk: today() + 20 * DAY for pk in several_pages})
        with django_assert_num_queries(REPORT_QUERIES):
            as_technician.get(REPORT)
