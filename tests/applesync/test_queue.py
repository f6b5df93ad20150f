"""The coverage queue: who is asked for on which night. Checks are written as a sync would; nobody is asked."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain
from math import ceil, inf, isqrt

import pytest
import time_machine
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from homeroom.accounts.policy import COMMAND_LINE_VIEWER
from homeroom.applesync.models import AppleDevice, Connection, SyncRun
from homeroom.applesync.pipeline import queue
from homeroom.applesync.pipeline.queue import ASKED_AGAIN, COVERAGE_DAYS, coverage_day, midnight
from homeroom.applesync.queries.coverage import coverage_outlook
from homeroom.incidents.models import Incident
from homeroom.incidents.verbs.statuses import default_status
from homeroom.insurance.models import CoverageCheck, CoverageSummary
from homeroom.inventory.models import Device
from homeroom.rows import refresh_statistics, write_rows
from tests.applesync.account import make_connection
from tests.builders import make_site, make_status

pytestmark = pytest.mark.django_db

FIRST_NIGHT = date(2026, 3, 1)
TWO_O_CLOCK = timedelta(hours=2)


def configure(settings: Settings, *, cycle: int = 14, cap: int = 0) -> None:
    settings.CONFIGURATION = settings.CONFIGURATION.model_copy(
        update={"coverage_max_age_days": cycle, "coverage_daily_budget": cap}
    )


def enroll(connection: Connection, count: int, *, on: date, prefix: str = "C02X") -> list[int]:
    """Devices that Apple lists since a day and that are in the inventory; the ids of the inventory's."""
    site, status = make_site(), make_status()
    serials = [f"{prefix}{number:08}" for number in range(count)]
    Device.objects.bulk_create(Device(serial_number=serial, site=site, status=status) for serial in serials)
    ids = dict(Device.objects.filter(serial_number__startswith=prefix).values_list("serial_number", "pk"))
    write_rows(
        AppleDevice,
        [
            {
                "connection_id": connection.pk,
                "serial_number": serial,
                "device_id": ids[serial],
                "coverage_day": coverage_day(serial),
                "attributes": {},
                "content_hash": b"",
                "first_seen_at": midnight(on),
            }
            for serial in serials
        ],
    )
    refresh_statistics(Device, AppleDevice)
    return list(ids.values())


def night(connection: Connection, day: date, *, most: int | None = None) -> list[int]:
    """Whom a sync at two o'clock asks for; every one of them answers."""
    run = SyncRun(connection=connection, started_at=midnight(day) + TWO_O_CLOCK)
    asked = [target.device_id for chunk in queue.chunks(run, day) for target in chunk][:most]
    at = midnight(day) + TWO_O_CLOCK + timedelta(minutes=1)
    write_rows(
        CoverageCheck,
        [{"device_id": device_id, "attempted_at": at, "succeeded_at": at} for device_id in asked],
        unique=("device",),
        update=("attempted_at", "succeeded_at", "failure"),
    )
    return asked


def nights(connection: Connection, count: int, *, off: Collection[int] = ()) -> list[list[int]]:
    """So many nights one after the other, the worker being off in some of them."""
    return [
        [] if number in off else night(connection, FIRST_NIGHT + timedelta(days=number))
        for number in range(count)
    ]


def report(device_id: int, at: datetime, *, closed: bool = False) -> Incident:
    incident = Incident.objects.create(
        device_id=device_id, summary="Cracked", status=default_status(is_open=not closed)
    )
    Incident.objects.filter(pk=incident.pk).update(opened_at=at, closed_at=at if closed else None)
    return incident


def longest_gap(asked: list[list[int]]) -> int:
    """The most nights between two checks of a device, or since its last one."""
    last: dict[int, int] = {}
    longest = 0
    for number, ids in enumerate(asked):
        for device_id in ids:
            longest = max(longest, number - last.get(device_id, number))
            last[device_id] = number
    return max(longest, len(asked) - 1 - min(last.values()))


def test_thirty_nights_of_twenty_thousand_devices_cost_a_few_per_cent_each() -> None:
    connection = make_connection()
    devices = enroll(connection, 20_000, on=FIRST_NIGHT)
    write_rows(
        CoverageSummary,
        [
            {"device_id": device_id, "applecare_until": FIRST_NIGHT + timedelta(days=number % 1200)}
            for number, device_id in enumerate(devices)
        ],
    )

    asked = nights(connection, 30)

    assert len(asked[0]) == 20_000
    assert max(map(len, asked[1:])) <= 0.08 * 20_000
    assert min(map(len, asked[1:])) >= 0.05 * 20_000
    assert longest_gap(asked) <= 14
    assert all(max(Counter(ids).values()) == 1 for ids in asked)


def test_nothing_is_asked_twice_a_day() -> None:
    connection = make_connection()
    enroll(connection, 500, on=FIRST_NIGHT)
    night(connection, FIRST_NIGHT)
    assert night(connection, FIRST_NIGHT) == []
    assert night(connection, FIRST_NIGHT + timedelta(days=1))
    assert night(connection, FIRST_NIGHT + timedelta(days=1)) == []


def test_missed_nights_are_made_up_for_within_twice_the_budget_the_oldest_first() -> None:
    connection = make_connection()
    enroll(connection, 7_000, on=FIRST_NIGHT)

    asked = nights(connection, 50, off=range(16, 22))

    budget = 500 + 3 * isqrt(500) + 3
    assert max(map(len, asked[1:])) <= 2 * budget
    assert longest_gap(asked[30:]) <= 14
    first_back, second_back = set(asked[22]), set(asked[23])
    bucket_of_the_first_missed_night = set(asked[2])
    assert bucket_of_the_first_missed_night <= first_back
    assert not first_back & second_back


def test_a_shorter_cycle_is_reached_within_it_and_a_longer_one_costs_less(settings: Settings) -> None:
    connection = make_connection()
    enroll(connection, 5_600, on=FIRST_NIGHT)
    nights(connection, 15)

    configure(settings, cycle=7)
    shorter = [night(connection, FIRST_NIGHT + timedelta(days=number)) for number in range(15, 36)]
    configure(settings, cycle=28)
    longer = [night(connection, FIRST_NIGHT + timedelta(days=number)) for number in range(36, 92)]

    assert max(map(len, shorter)) <= 2 * (800 + 3 * isqrt(800) + 3)
    assert longest_gap(shorter[7:]) <= 7
    assert max(map(len, longer)) <= 200 + 3 * isqrt(200) + 3
    assert longest_gap(shorter + longer) <= 28


def test_devices_added_on_one_day_come_on_top_of_what_has_its_turn_and_are_even_from_then_on() -> None:
    connection = make_connection()
    enroll(connection, 2_800, on=FIRST_NIGHT)
    before = nights(connection, 16)
    new = set(enroll(connection, 2_800, on=FIRST_NIGHT + timedelta(days=16), prefix="FVFY"))

    that_night = night(connection, FIRST_NIGHT + timedelta(days=16))
    after = [night(connection, FIRST_NIGHT + timedelta(days=number)) for number in range(17, 40)]

    assert set(that_night[:2_800]) == new
    assert set(that_night[2_800:]) == set(before[2])
    assert max(map(len, after)) <= 400 + 3 * isqrt(400) + 3
    assert longest_gap([*before, that_night, *after]) <= 14


def test_a_configured_budget_is_kept_new_ones_first_and_the_rest_waits(settings: Settings) -> None:
    configure(settings, cap=300)
    connection = make_connection()
    enroll(connection, 1_000, on=FIRST_NIGHT)

    asked = nights(connection, 10)

    assert max(map(len, asked)) == 300
    assert len(set(chain(*asked[:4]))) == 1_000


def test_what_ends_soon_is_asked_for_once_at_each_milestone() -> None:
    connection = make_connection()
    enroll(connection, 200, on=FIRST_NIGHT)
    soon = enroll(connection, 1, on=FIRST_NIGHT, prefix="SOON")[0]
    ends = FIRST_NIGHT + timedelta(days=95)
    CoverageSummary.objects.create(device_id=soon, applecare_until=ends)

    asked = nights(connection, 100)

    for milestone in ASKED_AGAIN:
        number = (ends - timedelta(days=milestone) - FIRST_NIGHT).days
        assert soon in asked[number], milestone
    assert sum(soon in ids for ids in asked) <= 1 + len(ASKED_AGAIN) + ceil(100 / 14)


def test_a_fleet_that_ends_on_one_day_stays_within_the_budget_and_starves_nobody() -> None:
    connection = make_connection()
    devices = enroll(connection, 5_600, on=FIRST_NIGHT)
    ends = FIRST_NIGHT + timedelta(days=110)
    write_rows(
        CoverageSummary, [{"device_id": pk, "applecare_until": ends} for pk in devices[: len(devices) // 2]]
    )

    asked = nights(connection, 40)

    assert max(map(len, asked[1:])) <= 400 + 3 * isqrt(400) + 3
    assert longest_gap(asked) <= 14


def test_what_changes_at_apple_is_asked_for_the_next_night_on_top_of_the_budget() -> None:
    connection = make_connection()
    enroll(connection, 2_800, on=FIRST_NIGHT)
    nights(connection, 16)
    day = FIRST_NIGHT + timedelta(days=16)
    ids = AppleDevice.objects.order_by("pk").values_list("pk", flat=True)[:1_200]
    AppleDevice.objects.filter(pk__in=list(ids)).update(updated_at=midnight(day))

    asked = night(connection, day)

    assert 1_100 <= len(asked) <= 1_250
    assert night(connection, day + timedelta(days=1))
    assert not queue.Queue(queue.Day(connection.pk, day), asked_since=None).changed.exists()


def test_a_failed_check_is_tried_again_the_next_night() -> None:
    connection = make_connection()
    devices = enroll(connection, 30, on=FIRST_NIGHT)
    night(connection, FIRST_NIGHT)
    CoverageCheck.objects.filter(pk=devices[0]).update(failure="Apple failed.")

    assert devices[0] in night(connection, FIRST_NIGHT + timedelta(days=1))


def test_a_device_in_an_open_incident_goes_ahead_even_of_new_ones() -> None:
    connection = make_connection()
    new = enroll(connection, 40, on=FIRST_NIGHT)
    report(new[-1], midnight(FIRST_NIGHT))
    report(new[-2], midnight(FIRST_NIGHT), closed=True)

    asked = night(connection, FIRST_NIGHT)

    assert asked[0] == new[-1]
    assert sorted(asked) == new


def test_an_incident_has_its_device_asked_for_once_more_the_next_night_and_then_by_turns() -> None:
    connection = make_connection()
    device = enroll(connection, 140, on=FIRST_NIGHT)[-1]
    nights(connection, 15)
    later = FIRST_NIGHT + timedelta(days=15)
    report(device, midnight(later) + timedelta(hours=1))

    asked = [night(connection, later + timedelta(days=number)) for number in range(14)]

    assert asked[0][0] == device
    turns = [number for number, ids in enumerate(asked) if device in ids]
    assert turns[0] == 0
    assert len(turns) == 2
    assert asked[turns[1]][0] == device


def test_within_a_configured_budget_incidents_have_the_first_turn(settings: Settings) -> None:
    configure(settings, cap=3)
    connection = make_connection()
    new = enroll(connection, 40, on=FIRST_NIGHT)
    for device in new[-2:]:
        report(device, midnight(FIRST_NIGHT))

    assert night(connection, FIRST_NIGHT) == [*new[-2:], new[0]]


def test_it_says_honestly_when_everything_will_have_been_checked(settings: Settings) -> None:
    configure(settings, cap=300)
    connection = make_connection()
    enroll(connection, 1_000, on=FIRST_NIGHT)
    with time_machine.travel(midnight(FIRST_NIGHT) + 2 * TWO_O_CLOCK, tick=False):
        before = coverage_outlook(COMMAND_LINE_VIEWER, connection)
        night(connection, FIRST_NIGHT)
        after = coverage_outlook(COMMAND_LINE_VIEWER, connection)
        assert (before and before.complete_on) == (after and after.complete_on) == date(2026, 3, 4)
        assert after is not None
        assert after.sentence == (
            "Coverage of all 1,000 devices will have been checked by March 4, 2026 at the present pace; so far 300."
        )
    nights(connection, 4)
    with time_machine.travel(midnight(FIRST_NIGHT + timedelta(days=4)), tick=False):
        complete = coverage_outlook(COMMAND_LINE_VIEWER, connection)
        assert complete is not None
        assert complete.complete_on is None
        assert "Each has its turn every 14 days." in complete.sentence
        configure(settings, cap=20)
        assert (
            "Each has its turn every 50 days."
            in (coverage_outlook(COMMAND_LINE_VIEWER, connection) or complete).sentence
        )


def test_the_pace_tells_when_a_first_sync_is_complete_and_what_waits_is_told(settings: Settings) -> None:
    connection = make_connection(name="Slow")
    enroll(connection, 5_000, on=FIRST_NIGHT)
    Connection.objects.update(pace=0.01)
    connection.refresh_from_db()
    with time_machine.travel(midnight(FIRST_NIGHT), tick=False):
        outlook = coverage_outlook(COMMAND_LINE_VIEWER, connection)
        assert outlook is not None
        assert outlook.complete_on == date(2026, 3, 6)
    night(connection, FIRST_NIGHT)
    later = FIRST_NIGHT + timedelta(days=14)
    with time_machine.travel(midnight(later), tick=False):
        outlook = coverage_outlook(COMMAND_LINE_VIEWER, connection)
        assert outlook is not None
        assert outlook.waiting == 4_000
        assert "4,000 checks are beyond today's budget" in outlook.sentence


def test_there_is_no_outlook_where_nothing_is_synced() -> None:
    connection = make_connection()
    assert coverage_outlook(COMMAND_LINE_VIEWER, connection) is None
    enroll(connection, 3, on=FIRST_NIGHT)
    assert coverage_outlook(COMMAND_LINE_VIEWER, connection) is not None
    connection.sync_coverage = False
    assert coverage_outlook(COMMAND_LINE_VIEWER, connection) is None


def test_the_day_of_a_serial_number_never_changes() -> None:
    assert [coverage_day(serial) for serial in ("C02XK1ZZJG5J", "DMPXK2ABPLJ7")] == [26711, 20416]


@dataclass(frozen=True)
class Given:
    """A device of the oracle's. Ages are in days before today."""

    day: int
    attempted: int | None
    succeeded: bool
    failed: bool
    until: int | None
    updated: int | None
    new: bool
    incident: int | None = None
    """When an incident was opened that is open; None: there is none, or it is closed."""


given_devices = st.lists(
    st.builds(
        Given,
        day=st.integers(0, COVERAGE_DAYS - 1),
        attempted=st.none() | st.integers(0, 25),
        succeeded=st.booleans(),
        failed=st.booleans(),
        until=st.none() | st.integers(-20, 100),
        updated=st.none() | st.integers(0, 25),
        new=st.booleans(),
        incident=st.none() | st.none() | st.integers(0, 25),
    ),
    max_size=45,
)


def expected(devices: list[Given], today: date, cycle: int, cap: int) -> list[int]:
    """The positions of the devices in the order of the queue, told without a database."""
    checked = [at for at, given in enumerate(devices) if given.attempted is not None]
    answered = [at for at in checked if devices[at].succeeded]
    asked_today = [at for at in checked if devices[at].attempted == 0]

    def age(at: int) -> int:
        return devices[at].attempted or 0

    def has_its_day(at: int) -> bool:
        days_ago = (today.toordinal() - devices[at].day) % cycle
        return age(at) > 0 and (devices[at].failed or age(at) > days_ago)

    def at_milestone(at: int) -> bool:
        until = devices[at].until
        passed = [] if until is None else [milestone - until for milestone in ASKED_AGAIN]
        return any(0 <= days_ago < min(age(at), cycle) for days_ago in passed)

    def has_changed(at: int) -> bool:
        updated = devices[at].updated
        return updated is not None and updated < age(at) and updated <= cycle

    share = ceil(len(devices) / cycle)
    budget = share + 3 * isqrt(share) + 3
    left = max(0, cap - len(asked_today)) if cap else inf
    usual = max(0, budget - sum(not devices[at].new for at in asked_today))
    never = [at for at, given in enumerate(devices) if given.attempted is None or not given.succeeded]

    def goes_ahead(at: int) -> bool:
        incident = devices[at].incident
        return incident is not None and (at in never or incident < age(at) or has_its_day(at))

    first = [at for at in sorted([*never, *answered]) if goes_ahead(at)][: int(min(left, len(devices)))]
    left -= len(first)
    never = [at for at in never if devices[at].incident is None][: int(min(left, len(devices)))]
    left -= len(never)
    due = [at for at in answered if has_its_day(at) and devices[at].incident is None]
    others = [at for at in answered if at not in first]
    ending = sorted(filter(at_milestone, others), key=lambda at: (devices[at].until, at))
    changed = sorted(filter(has_changed, others), key=lambda at: (-(devices[at].updated or 0), at))
    room = max(0, int(min(usual, left)) - len(due))
    early = list(dict.fromkeys([*ending[:room], *changed]))[: room if cap else None]
    must = sum(age(at) > cycle - 1 for at in checked)
    most = int(min(left - len(early), max(usual, must)))
    oldest = [at for at in sorted(due, key=lambda at: (-age(at), at)) if at not in early]
    return [*first, *never, *early, *oldest[: max(0, most)]]


def checked(days_ago: int, *, day: int = 0, until: int | None = None) -> Given:
    return Given(day, days_ago, succeeded=True, failed=False, until=until, updated=None, new=False)


@example(devices=[checked(20)] * 40, cycle=20, cap=0, size=7, days=0)
@example(devices=[checked(19)] * 40, cycle=20, cap=0, size=7, days=0)
@example(devices=[checked(5, day=day, until=-3) for day in range(14)], cycle=14, cap=0, size=7, days=0)
@given(
    devices=given_devices,
    cycle=st.integers(1, 20),
    cap=st.integers(0, 30),
    size=st.integers(1, 7),
    days=st.integers(0, 50),
)
@hypothesis_settings(max_examples=120, deadline=None)
def test_it_is_the_queue_that_one_would_make_by_hand(
    devices: list[Given], cycle: int, cap: int, size: int, days: int
) -> None:
    today = FIRST_NIGHT + timedelta(days=days)
    with pytest.MonkeyPatch.context() as patch:
        from django.conf import settings as configured

        changed = configured.CONFIGURATION.model_copy(
            update={"coverage_max_age_days": cycle, "coverage_daily_budget": cap}
        )
        patch.setattr(configured, "CONFIGURATION", changed)
        ids = _written(devices, today)
        run = SyncRun(connection=Connection.objects.get(), started_at=midnight(today) + 2 * TWO_O_CLOCK)
        found = [target.device_id for chunk in queue.chunks(run, today, size=size) for target in chunk]
        assert queue.count(run, today) == len(found)
    assert found == [ids[at] for at in expected(devices, today, cycle, cap)]


def _written(devices: list[Given], today: date) -> list[int]:
    """The same devices in the database; their ids."""
    Incident.objects.all().delete()
    Device.objects.all().delete()
    AppleDevice.objects.all().delete()
    connection = Connection.objects.first() or make_connection()
    ids = sorted(enroll(connection, len(devices), on=today))

    def at_two(days_ago: int) -> datetime:
        return midnight(today - timedelta(days=days_ago)) + TWO_O_CLOCK

    for pk, device in zip(ids, devices, strict=True):
        AppleDevice.objects.filter(device=pk).update(
            coverage_day=device.day,
            updated_at=None if device.updated is None else at_two(device.updated),
            first_seen_at=at_two(0 if device.new else 30),
        )
        if device.until is not None:
            CoverageSummary.objects.create(device_id=pk, applecare_until=today + timedelta(days=device.until))
        if device.incident is not None:
            report(pk, at_two(device.incident))
        elif device.new:
            report(pk, at_two(0), closed=True)
        if device.attempted is not None:
            at = at_two(device.attempted)
            CoverageCheck.objects.create(
                device_id=pk,
                attempted_at=at,
                succeeded_at=at if device.succeeded else None,
                failure="No." if device.failed else "",
            )
    return ids
