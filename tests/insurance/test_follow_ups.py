"""Deciding about devices whose AppleCare ends: what stands, until when, and about which end."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from homeroom.accounts.policy import COMMAND_LINE_VIEWER, Role
from homeroom.audit.actors import COMMAND_LINE
from homeroom.audit.models import Entry
from homeroom.insurance import queries, verbs
from homeroom.insurance.models import FollowUp
from homeroom.insurance.queries import today
from homeroom.insurance.rules import MILESTONES, next_milestone
from homeroom.inventory.models import Device
from homeroom.inventory.timeline import timeline
from homeroom.inventory.verbs.devices import delete_device, update_device
from homeroom.web.errors import Refused
from tests.builders import make_device, make_site, make_status, make_user
from tests.insurance.ends import covered_until, ending_in, many_ending

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def these(*devices: Device) -> QuerySet[Device]:
    return Device.objects.filter(pk__in=[device.pk for device in devices])


def state(device: Device) -> str:
    return str(row(device)["follow_up"])


def row(device: Device) -> dict[str, Any]:
    names = ("follow_up", "follow_up_until", "decided_by", "follow_up_note")
    found = queries.ending_some_day(COMMAND_LINE_VIEWER, today()).filter(pk=device.pk)
    return queries.with_follow_up(found, today()).values(*names).get()


def states_ahead(device: Device, days: int) -> list[str]:
    """The state on each of so many days, today's first."""
    found = []
    for ahead in range(days):
        day = today() + ahead * DAY
        shown = queries.with_follow_up(queries.ending_some_day(COMMAND_LINE_VIEWER, day), day)
        found.append(str(shown.values_list("follow_up", flat=True).get(pk=device.pk)))
    return found


def test_what_nobody_decided_about_waits():
    assert row(ending_in(20)) == {
        "follow_up": "waiting",
        "follow_up_until": None,
        "decided_by": None,
        "follow_up_note": None,
    }


@pytest.mark.parametrize(
    ("left", "quiet"), [(91, 1), (90, 30), (61, 1), (60, 30), (31, 1), (30, 23), (8, 1), (20, 13)]
)
def test_acknowledged_it_waits_again_on_the_day_of_the_next_milestone(left: int, quiet: int):
    device = ending_in(left)
    outcome = verbs.acknowledge(these(device), actor=COMMAND_LINE, note=" Asked the board. ")
    assert outcome == verbs.Outcome(1)
    assert states_ahead(device, quiet + 1) == ["acknowledged"] * quiet + ["waiting"]
    assert row(device) == {
        "follow_up": "acknowledged",
        "follow_up_until": today() + quiet * DAY,
        "decided_by": "Command line",
        "follow_up_note": "Asked the board.",
    }


@pytest.mark.parametrize("left", [0, 1, 7])
def test_acknowledged_past_the_last_milestone_it_waits_no_more(left: int):
    device = ending_in(left)
    verbs.acknowledge(these(device), actor=COMMAND_LINE)
    assert states_ahead(device, left + 1) == ["acknowledged"] * (left + 1)
    assert row(device)["follow_up_until"] is None


def test_next_milestones_come_one_after_the_other():
    ends, day, seen = date(2027, 6, 30), date(2027, 1, 1), []
    while (reached := next_milestone(ends, day)) is not None:
        assert reached > day
        seen.append((ends - reached).days)
        day = reached
    assert tuple(seen) == MILESTONES


def test_snoozed_it_waits_again_from_that_day():
    device = ending_in(20)
    verbs.snooze(these(device), until=today() + 5 * DAY, actor=COMMAND_LINE)
    assert states_ahead(device, 7) == ["snoozed"] * 5 + ["waiting"] * 2


def test_what_will_not_be_renewed_never_waits_for_that_end():
    device = ending_in(20)
    verbs.will_not_renew(these(device), actor=COMMAND_LINE)
    assert states_ahead(device, 21) == ["will_not_renew"] * 21


@pytest.mark.parametrize("change", [DAY, -DAY, 365 * DAY])
def test_a_decision_is_about_one_end_and_lapses_with_it(change: timedelta):
    device = ending_in(20)
    ends = today() + 20 * DAY
    verbs.will_not_renew(these(device), actor=COMMAND_LINE, note="Too old.")
    covered_until(device, ends + change)
    assert row(device) == {
        "follow_up": "waiting",
        "follow_up_until": None,
        "decided_by": None,
        "follow_up_note": None,
    }, "as if nobody had decided"
    covered_until(device, ends)
    assert state(device) == "will_not_renew", "Apple took the change back"


def test_a_later_decision_replaces_an_earlier_one_and_can_be_taken_back():
    device = ending_in(20)
    verbs.will_not_renew(these(device), actor=COMMAND_LINE)
    verbs.snooze(these(device), until=today() + DAY, actor=COMMAND_LINE)
    assert state(device) == "snoozed"
    assert verbs.reopen(these(device), actor=COMMAND_LINE).decided == 1
    assert state(device) == "waiting"
    assert FollowUp.objects.count() == 1
    again = verbs.reopen(these(device), actor=COMMAND_LINE)
    assert again.decided == 0
    assert [left.why for left in again.left_out] == ["It waits already."]


@pytest.mark.parametrize("days", [0, -1, None])
def test_snoozing_needs_a_day_after_today(days: int | None):
    device = ending_in(20)
    until = None if days is None else today() + days * DAY
    with pytest.raises(Refused) as refusal:
        verbs.snooze(these(device), until=until, actor=COMMAND_LINE)
    assert refusal.value.field == "until"
    assert not FollowUp.objects.exists()


def test_nothing_is_snoozed_beyond_its_end_and_what_is_left_out_is_named():
    soon, later, exactly = ending_in(5), ending_in(20), ending_in(10)
    outcome = verbs.snooze(these(soon, later, exactly), until=today() + 10 * DAY, actor=COMMAND_LINE)
    assert outcome.decided == 2
    assert [(left.device, left.why[:27]) for left in outcome.left_out] == [
        (soon, "AppleCare ends before that ")
    ]
    assert [state(device) for device in (soon, later, exactly)] == ["waiting", "snoozed", "snoozed"]


def test_only_what_ends_is_decided_about():
    never_covered, ended = make_device(), make_device()
    covered_until(ended, today() - DAY)
    retired = ending_in(10)
    update_device(retired, status=make_status("Retired", kind="retired"), actor=COMMAND_LINE)
    other_make = make_device(manufacturer="HP", product_family="Chromebook")
    last_day = ending_in(0)
    outcome = verbs.acknowledge(
        these(never_covered, ended, retired, other_make, last_day), actor=COMMAND_LINE
    )
    assert outcome.decided == 1
    assert state(last_day) == "acknowledged"
    assert {left.device for left in outcome.left_out} == {never_covered, ended, retired, other_make}


def test_of_many_that_are_left_out_some_are_named_and_the_rest_counted():
    status, site = make_status(), make_site()
    Device.objects.bulk_create(Device(serial_number=f"X{n}", site=site, status=status) for n in range(1003))
    outcome = verbs.acknowledge(Device.objects.all(), actor=COMMAND_LINE)
    assert (outcome.decided, len(outcome.left_out), outcome.more_left_out) == (0, 1000, 3)
    assert not Entry.objects.exists(), "nothing was done"


def test_a_stale_page_decides_about_no_other_end_than_it_showed():
    device = ending_in(20)
    seen = today() + 20 * DAY
    covered_until(device, seen + 365 * DAY)
    outcome = verbs.will_not_renew(these(device), actor=COMMAND_LINE, ends={device.pk: seen})
    assert "by now" in outcome.left_out[0].why
    assert (outcome.decided, outcome.more_left_out, state(device)) == (0, 0, "waiting")
    outcome = verbs.reopen(these(device), actor=COMMAND_LINE, ends={device.pk: seen})
    assert "by now" in outcome.left_out[0].why, "it waits, but not for this end"
    verbs.will_not_renew(these(device), actor=COMMAND_LINE, ends={device.pk: seen + 365 * DAY})
    assert state(device) == "will_not_renew"


def test_a_note_that_is_too_long_is_refused():
    device = ending_in(20)
    with pytest.raises(Refused) as refusal:
        verbs.acknowledge(these(device), actor=COMMAND_LINE, note="x" * 301)
    assert refusal.value.field == "note"


def test_one_device_has_an_entry_of_its_own():
    device = ending_in(20)
    actor = make_user(Role.TECHNICIAN, name="Terry").actor
    verbs.snooze(these(device), until=today() + 5 * DAY, actor=actor, note="After the budget.")
    entry = Entry.objects.get()
    assert (entry.action, entry.object_type, entry.object_id) == (
        "coverage.snoozed",
        "inventory.device",
        str(device.pk),
    )
    assert entry.after == {"until": str(today() + 5 * DAY), "note": "After the budget."}
    happening = timeline(device)[0]
    assert happening.sentence == "Expiring AppleCare snoozed"
    assert {change.name: change.after for change in happening.changes}["Note"] == "After the budget."


def test_many_have_one_entry_and_each_its_place_on_the_timeline():
    devices = [ending_in(20), ending_in(30)]
    verbs.will_not_renew(these(*devices), actor=COMMAND_LINE, note="Sold in summer.")
    entry = Entry.objects.get()
    assert entry.action == "coverage.will_not_renew"
    assert entry.object_label == "2 devices"
    assert entry.after["serial_numbers"] == [device.serial_number for device in devices]
    for device in devices:
        happening = timeline(device)[0]
        assert happening.sentence == "Expiring AppleCare: will not renew"
        assert happening.actor == "Command line"
        assert {change.name: change.after for change in happening.changes} == {"Note": "Sold in summer."}
    verbs.reopen(these(*devices), actor=COMMAND_LINE)
    assert [timeline(device)[0].sentence for device in devices] == ["Expiring AppleCare waits again"] * 2


def test_decisions_go_with_the_device():
    device = make_device()
    many_ending({10_000: today() + 3 * DAY})
    device = Device.objects.get(pk=10_000)
    verbs.acknowledge(these(device), actor=COMMAND_LINE)
    delete_device(device, actor=COMMAND_LINE)
    assert not FollowUp.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"decision": "snoozed", "until": None},
        {"decision": "will_not_renew", "until": date(2027, 1, 1)},
        {"decision": "snoozed", "until": date(2027, 2, 1)},
    ],
)
def test_the_database_keeps_no_decision_that_can_not_be(wrong: dict[str, Any]):
    values = {"ends": date(2027, 1, 15), "decided_by": "A", "decided_by_id": "a"}
    moment = datetime(2026, 12, 1, tzinfo=UTC)
    device = make_device()
    with pytest.raises(IntegrityError), transaction.atomic():
        FollowUp.objects.create(device=device, decided_at=moment, **values | wrong)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [("2026-12-10T22:59:59+00:00", "snoozed"), ("2026-12-10T23:00:01+00:00", "waiting")],
)
def test_days_begin_at_the_districts_midnight(settings: Any, moment: str, expected: str):
    settings.TIME_ZONE = "Europe/Berlin"
    with time_machine.travel("2026-12-01T12:00:00+00:00", tick=False):
        device = ending_in(25)
        verbs.snooze(these(device), until=date(2026, 12, 11), actor=COMMAND_LINE)
    with time_machine.travel(moment, tick=False):
        assert state(device) == expected


def test_a_hundred_thousand_are_decided_about_in_a_few_statements():
    many_ending({pk: today() + (pk % 90) * DAY for pk in range(1, 100_001)}, make_site())
    everything = queries.ending_some_day(COMMAND_LINE_VIEWER, today())
    with CaptureQueriesContext(
        connection,
    ) as told:
        outcome = verbs.acknowledge(everything, actor=COMMAND_LINE)
    assert outcome == verbs.Outcome(100_000)
    assert len(told) <= 50, "a few for each five thousand"
    assert Entry.objects.count() == 1
    with CaptureQueriesContext(connection) as told:
        outcome = verbs.reopen(everything, actor=COMMAND_LINE)
    assert outcome.decided == 100_000
    assert len(told) <= 50
