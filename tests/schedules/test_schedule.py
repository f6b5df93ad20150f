"""What people choose, and when it comes: against an oracle that walks the district's clock minute by minute."""

from bisect import bisect_left
from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import accumulate, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeroom.schedules.schedule import HOURS, Schedule, Unreadable

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
ZONES = (
    "UTC",
    "America/New_York",
    "America/Chicago",
    "America/Phoenix",
    "America/St_Johns",
    "America/Havana",  # skips midnight
    "Europe/Berlin",
    "Africa/Cairo",
    "Australia/Lord_Howe",  # by half an hour
    "Pacific/Chatham",
    "Asia/Kathmandu",
)
NEW_YORK = ZoneInfo("America/New_York")


def turns(schedule: Schedule, zone: ZoneInfo, start: datetime, end: datetime) -> list[datetime]:
    found = []
    moment: datetime | None = start
    while (moment := schedule.next_after(moment, zone)) is not None and moment <= end:
        found.append(moment)
    return found


def turns_by_the_clock(
    comes: Callable[[datetime], bool], zone: ZoneInfo, start: datetime, end: datetime
) -> list[datetime]:
    """For each wanted time of the clock the first minute at which the clock shows it, or has jumped over it."""
    first = start.replace(second=0) - 2 * DAY
    minutes = [first + MINUTE * step for step in range(int((end - first) / MINUTE) + 1)]
    shown = [minute.astimezone(zone).replace(tzinfo=None) for minute in minutes]
    latest = list(accumulate(shown, max))
    wanted = (shown[0] + MINUTE * step for step in range(int((latest[-1] - shown[0]) / MINUTE) + 1))
    found = {minutes[bisect_left(latest, at)] for at in wanted if comes(at)}
    return sorted(at for at in found if start < at <= end)


@cache
def days_of_change(name: str, year: int) -> list[date]:
    """The days on which a zone's clock changes; New Year where it never does."""
    zone = ZoneInfo(name)
    noons = [datetime(year, 1, 1, 12, tzinfo=zone) + DAY * step for step in range(365)]
    return [after.date() for before, after in pairwise(noons) if before.utcoffset() != after.utcoffset()] or [
        date(year, 1, 1)
    ]


@cache
def ends_of_months(year: int) -> list[date]:
    return [date(year + month // 12, month % 12 + 1, 1) - DAY for month in range(1, 13)]


times = st.times().map(lambda at: at.replace(second=0, microsecond=0, fold=0)) | st.builds(
    time, st.integers(0, 3), st.sampled_from([0, 15, 30, 45])
)


@st.composite
def spans(draw: st.DrawFn) -> tuple[ZoneInfo, datetime, datetime]:
    """A few days around a change of the clock or the end of a month, at whatever second they begin."""
    name, year = draw(st.sampled_from(ZONES)), draw(st.integers(2018, 2036))
    day = draw(st.sampled_from(days_of_change(name, year)) | st.sampled_from(ends_of_months(year)))
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    start = midnight + timedelta(seconds=draw(st.integers(-2 * 86_400, 86_400)))
    return ZoneInfo(name), start, start + timedelta(hours=draw(st.integers(1, 72)))


@given(spans(), times)
@settings(max_examples=150, deadline=None)
def test_every_night_comes_exactly_once_whatever_the_clock_does(
    span: tuple[ZoneInfo, datetime, datetime], at: time
) -> None:
    expected = turns_by_the_clock(lambda clock: clock.time() == at, *span)
    assert turns(Schedule.nightly(at), *span) == expected
    assert turns(Schedule.daily(at), *span) == expected


@given(spans(), times)
@settings(max_examples=80, deadline=None)
def test_weekdays_leave_out_saturday_and_sunday(span: tuple[ZoneInfo, datetime, datetime], at: time) -> None:
    expected = turns_by_the_clock(lambda clock: clock.time() == at and clock.weekday() < 5, *span)
    assert turns(Schedule.weekdays(at), *span) == expected


@given(spans(), times, st.integers(0, 6))
@settings(max_examples=80, deadline=None)
def test_once_a_week_comes_on_that_day(
    span: tuple[ZoneInfo, datetime, datetime], at: time, weekday: int
) -> None:
    expected = turns_by_the_clock(lambda clock: clock.time() == at and clock.weekday() == weekday, *span)
    assert turns(Schedule.weekly(weekday, at), *span) == expected


@given(spans(), times, st.integers(1, 31) | st.integers(28, 31))
@settings(max_examples=150, deadline=None)
def test_once_a_month_comes_on_that_day_or_the_last_of_a_shorter_month(
    span: tuple[ZoneInfo, datetime, datetime], at: time, day: int
) -> None:
    expected = turns_by_the_clock(
        lambda clock: clock.time() == at and clock.day == min(day, monthrange(clock.year, clock.month)[1]),
        *span,
    )
    assert turns(Schedule.monthly(day, at), *span) == expected


@pytest.mark.parametrize(
    ("day", "of_february"), [(28, [28, 28]), (29, [28, 29]), (30, [28, 29]), (31, [28, 29])]
)
def test_each_month_of_a_year_has_one_turn(day: int, of_february: list[int]) -> None:
    for year, last in zip((2027, 2028), of_february, strict=True):
        start, end = datetime(year, 1, 1, tzinfo=NEW_YORK), datetime(year + 1, 1, 1, tzinfo=NEW_YORK)
        found = turns(Schedule.monthly(day, time(7)), NEW_YORK, start, end)
        days = [turn.astimezone(NEW_YORK) for turn in found]
        assert [turn.month for turn in days] == [*range(1, 13)]
        assert days[1].day == last
        assert {turn.hour for turn in days} == {7}


@given(spans(), st.sampled_from(HOURS))
@settings(max_examples=80, deadline=None)
def test_several_times_a_day_comes_once_for_each_of_those_hours(
    span: tuple[ZoneInfo, datetime, datetime], hours: int
) -> None:
    expected = turns_by_the_clock(lambda clock: clock.minute == 0 and clock.hour % hours == 0, *span)
    assert turns(Schedule.every(hours), *span) == expected


@given(spans(), st.integers(1, 59), st.integers(1, 23), st.sets(st.integers(1, 6), min_size=1))
@settings(max_examples=150, deadline=None)
def test_a_cron_expression_comes_once_for_each_time_that_it_names(
    span: tuple[ZoneInfo, datetime, datetime], minutes: int, hours: int, weekdays: set[int]
) -> None:
    days = ",".join(map(str, sorted(weekdays)))
    expected = turns_by_the_clock(
        lambda clock: (
            clock.minute % minutes == 0 and clock.hour % hours == 0 and clock.isoweekday() in weekdays
        ),
        *span,
    )
    assert turns(Schedule.by_cron(f"*/{minutes} */{hours} * * {days}"), *span) == expected


@pytest.mark.parametrize(
    ("day", "first"),
    [
        (date(2026, 3, 8), datetime(2026, 3, 8, 7, 0, tzinfo=UTC)),  # 02:30 does not exist: at the jump
        (date(2026, 11, 1), datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),  # 01:30 occurs twice: the first time
    ],
)
def test_a_time_that_is_skipped_or_doubled_comes_once(day: date, first: datetime) -> None:
    at = time(2, 30) if day.month == 3 else time(1, 30)
    start = datetime(day.year, day.month, day.day, 4, tzinfo=UTC)
    assert turns(Schedule.nightly(at), NEW_YORK, start, start + timedelta(hours=20)) == [first]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("nightly", "nightly 02:00"),
        (" Nightly  3:05 ", "nightly 03:05"),
        ("weekdays 23:59", "weekdays 23:59"),
        ("weekdays", "weekdays 02:00"),
        ("every 6 hours", "every 6 hours"),
        ("every 1 hours", "every hour"),
        ("Every hour", "every hour"),
        ("NEVER", "never"),
        ("daily 7:00", "daily 07:00"),
        ("Weekly  Monday 7:00", "weekly monday 07:00"),
        ("weekly sun", "weekly sunday 02:00"),
        ("monthly 31 06:30", "monthly 31 06:30"),
        ("monthly 01", "monthly 1 02:00"),
        ("30  2 * * MON-FRI", "30 2 * * MON-FRI"),
    ],
)
def test_it_reads_words_and_cron_expressions_and_keeps_them_in_one_spelling(typed: str, kept: str) -> None:
    assert str(Schedule.parse(typed)) == kept
    assert Schedule.parse(kept) == Schedule.parse(typed)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "nightly 02:00"),
        ("sometimes", "nightly 02:00"),
        ("* * * * * *", "five fields"),
        ("nightly 24:00", "no time of day"),
        ("every 5 hours", "divide a day evenly"),
        ("every 0 hours", "divide a day evenly"),
        ("weekly", "weekly monday 07:00"),
        ("weekly someday 07:00", "no day of the week"),
        ("weekly monday 24:00", "no time of day"),
        ("monthly 0 07:00", "no day of a month"),
        ("monthly 32", "no day of a month"),
        ("monthly 1 7", "monthly 1 07:00"),
        ("61 * * * *", "bad minute"),
        ("0 0 30 2 *", "bad day-of-month"),
        ("0 0 * 13 *", "bad month"),
        ("x" * 101, "not that long"),
    ],
)
def test_it_says_why_something_is_no_schedule(typed: str, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        Schedule.parse(typed)


schedules = st.one_of(
    st.builds(Schedule.nightly, times),
    st.builds(Schedule.daily, times),
    st.builds(Schedule.weekdays, times),
    st.builds(Schedule.weekly, st.integers(0, 6), times),
    st.builds(Schedule.monthly, st.integers(1, 31), times),
    st.builds(Schedule.every, st.sampled_from(HOURS)),
    st.just(Schedule.never()),
)


@given(schedules)
def test_every_schedule_is_read_again_from_its_text_and_can_be_said(schedule: Schedule) -> None:
    assert Schedule.parse(str(schedule)) == schedule
    assert schedule.in_words


@given(st.text(alphabet="0123456789*/,-#LW ²MON", max_size=30) | st.text(max_size=30))
def test_whatever_is_typed_is_a_schedule_or_refused_with_a_sentence(typed: str) -> None:
    try:
        schedule = Schedule.parse(typed)
    except Unreadable:
        return
    assert Schedule.parse(str(schedule)) == schedule
    assert schedule.in_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("daily 07:00", "Every day at 7 a.m."),
        ("weekly friday 16:30", "Every Friday at 4:30 p.m."),
        ("monthly 1 07:00", "On day 1 of each month at 7 a.m."),
        ("monthly 30 07:00", "On day 30 of each month, or else its last, at 7 a.m."),
        ("monthly 31 07:00", "On the last day of each month at 7 a.m."),
    ],
)
def test_people_read_it_in_words(text: str, words: str) -> None:
    assert Schedule.parse(text).in_words == words


def test_never_has_no_turn() -> None:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    assert Schedule.never().next_after(now, NEW_YORK) is None
