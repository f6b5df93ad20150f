"""What Apple's answers come to, held against plain days and plain words."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from homeroom.insurance.models import Kind
from homeroom.insurance.rules import (
    AppleCoverage,
    CoverageAnswer,
    CoverageState,
    Period,
    StoredCoverage,
    Summary,
    coverage_state,
    period,
    plan_coverage_changes,
    summarise,
)
from tests.insurance.records import apple_coverage

FIRST = date(2026, 1, 1)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
days = st.integers(0, 40).map(lambda number: FIRST + timedelta(days=number))
maybe_days = st.none() | days
kinds = st.sampled_from([Kind.APPLECARE, Kind.LIMITED_WARRANTY])


@st.composite
def periods(draw: st.DrawFn) -> Period:
    starts, ends = draw(maybe_days), draw(maybe_days)
    if starts and ends and ends < starts:
        starts, ends = ends, starts
    return Period(starts, ends, draw(st.sampled_from(["", "AppleCare+"])))


@st.composite
def coverages(draw: st.DrawFn) -> AppleCoverage:
    return AppleCoverage(
        apple_id=draw(st.sampled_from("abc")),
        plan="",
        kind=draw(kinds),
        starts=draw(maybe_days),
        ends=draw(maybe_days),
        cancelled_on=draw(maybe_days),
        agreement_number="",
        status=draw(st.sampled_from(["ACTIVE", "INACTIVE", "PAUSED", ""])),
        payment_type="",
        renewable=None,
        attributes={},
    )


answers = st.lists(coverages(), max_size=4).map(tuple)
histories = st.lists(st.tuples(st.integers(0, 60), answers), max_size=8)


def oracle(all_periods: list[Period], day: date, *, checked: bool, failed: bool) -> CoverageState:
    """Straight from the words: covered on the day, else over, else checked or not."""
    if any(one.first <= day <= one.last for one in all_periods):
        return CoverageState.COVERED
    if any(one.last < day for one in all_periods):
        return CoverageState.ENDED
    return CoverageState.NONE if checked and not failed else CoverageState.UNKNOWN


@given(st.lists(periods(), max_size=4), days, st.booleans(), st.booleans())
def test_the_state_of_a_summary_is_what_the_days_say(
    all_periods: list[Period], day: date, checked: bool, failed: bool
) -> None:
    state = coverage_state(summarise(all_periods, day), checked=checked, failed=failed, today=day)
    assert state == oracle(all_periods, day, checked=checked, failed=failed)


@given(st.lists(periods(), max_size=2), days, st.integers(0, 20))
def test_a_summary_stays_right_on_later_days(all_periods: list[Period], day: date, later: int) -> None:
    """With at most two periods; a third may ask for the summary to be moved on, which is done daily."""
    summary = summarise(all_periods, day)
    on = day + timedelta(days=later)
    if summary.next_from is not None and summary.next_from <= on:
        summary = summarise(all_periods, on)
    assert coverage_state(summary, checked=True, failed=False, today=on) == oracle(
        all_periods, on, checked=True, failed=False
    )


def test_the_last_day_is_covered_and_the_day_of_cancelling_is_not() -> None:
    def on(day: date, **values: date | None) -> CoverageState:
        facts: dict[str, date | None] = {
            "starts": FIRST,
            "ends": FIRST,
            "cancelled_on": None,
            "ended_on": None,
        }
        one = period(**facts | values, plan="")
        return coverage_state(summarise([one] if one else [], day), checked=True, failed=False, today=day)

    second = FIRST + timedelta(days=1)
    third = FIRST + timedelta(days=2)
    assert on(FIRST) == CoverageState.COVERED
    assert on(second) == CoverageState.ENDED
    assert on(second, ends=third) == CoverageState.COVERED
    assert on(second, ends=third, cancelled_on=second) == CoverageState.ENDED
    assert on(second, ends=None, ended_on=second) == CoverageState.ENDED
    assert on(second, ends=None) == CoverageState.COVERED
    assert on(FIRST, starts=second, ends=third) == CoverageState.NONE


def test_a_failed_look_up_leaves_covered_and_ended_and_turns_none_into_unknown() -> None:
    def after_failure(summary: Summary) -> CoverageState:
        return coverage_state(summary, checked=True, failed=True, today=FIRST)

    assert after_failure(Summary(FIRST, FIRST)) == CoverageState.COVERED
    yesterday = FIRST - timedelta(days=1)
    assert after_failure(Summary(yesterday, yesterday)) == CoverageState.ENDED
    assert after_failure(Summary()) == CoverageState.UNKNOWN


def replay(history: list[tuple[int, tuple[AppleCoverage, ...]]]) -> dict[str, StoredCoverage]:
    stored: dict[str, StoredCoverage] = {}
    at = NOON
    for hours, told in history:
        at += timedelta(hours=hours)
        plan = plan_coverage_changes(stored, CoverageAnswer(1, at, told), at.date())
        created = {after.coverage.apple_id: after for after in plan.created}
        updated = {after.coverage.apple_id: after for after in plan.updated}
        assert not created.keys() & stored.keys()
        assert updated.keys() <= stored.keys()
        assert all(stored[key] != after for key, after in updated.items())
        stored |= created | updated
    return stored


@given(histories)
def test_nothing_is_ever_lost_and_the_last_answer_stands(
    history: list[tuple[int, tuple[AppleCoverage, ...]]],
) -> None:
    stored = replay(history)
    assert stored.keys() == {coverage.apple_id for _hours, told in history for coverage in told}
    for coverage in history[-1][1] if history else ():
        assert stored[coverage.apple_id].missing_since is None


@given(histories, answers)
def test_the_same_answer_again_changes_nothing(
    history: list[tuple[int, tuple[AppleCoverage, ...]]], told: tuple[AppleCoverage, ...]
) -> None:
    stored = replay([*history, (0, told)])
    assert replay([*history, (0, told), (0, told)]) == stored


@given(histories)
def test_what_apple_drops_ends_only_after_twenty_hours_of_silence_heard_twice(
    history: list[tuple[int, tuple[AppleCoverage, ...]]],
) -> None:
    ends: dict[str, bool] = {}
    silent_since: dict[str, datetime] = {}
    at, known = NOON, set()
    for hours, told in history:
        at += timedelta(hours=hours)
        heard = {coverage.apple_id for coverage in told}
        known |= heard
        for key in known - heard:
            since = silent_since.setdefault(key, at)
            ends[key] = ends.get(key, False) or at - since >= timedelta(hours=20)
        for key in heard:
            silent_since.pop(key, None)
            ends.pop(key, None)
    stored = replay(history)
    for key, silent in silent_since.items():
        assert stored[key].missing_since == silent
        if ends[key]:
            assert stored[key].ended_on is not None


def after(*history: tuple[date, AppleCoverage | None]) -> StoredCoverage:
    """The one record, after Apple told it (None: did not) on each of these days at noon."""
    stored: dict[str, StoredCoverage] = {}
    for day, coverage in history:
        at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        told = (coverage,) if coverage else ()
        plan = plan_coverage_changes(stored, CoverageAnswer(1, at, told), day)
        stored |= {one.coverage.apple_id: one for one in (*plan.created, *plan.updated)}
    [record] = stored.values()
    return record


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


ACTIVE = apple_coverage(starts=day(0), ends=day(30))
STOPPED = replace(ACTIVE, status="INACTIVE")


def test_cover_that_apple_calls_inactive_before_its_end_ends_on_the_day_noticed_and_stays_so() -> None:
    assert after((day(5), ACTIVE), (day(10), STOPPED)).ended_on == day(10)
    assert after((day(10), STOPPED), (day(20), STOPPED)).ended_on == day(10)
    assert after((day(10), STOPPED), (day(40), STOPPED)).ended_on == day(10)


def test_the_day_noticed_is_found_anew_where_apple_moves_the_start_behind_it() -> None:
    moved = replace(STOPPED, starts=day(11))
    assert after((day(10), STOPPED), (day(12), moved)).ended_on == day(12)
    assert after((day(10), STOPPED), (day(12), moved), (day(13), moved)).ended_on == day(12)


def test_cover_that_is_active_again_has_not_ended() -> None:
    assert after((day(10), STOPPED), (day(12), ACTIVE)).ended_on is None


def test_one_answer_without_it_does_not_move_the_day_on_which_it_was_noticed() -> None:
    record = after((day(10), STOPPED), (day(12), None), (day(14), STOPPED))
    assert (record.ended_on, record.missing_since) == (day(10), None)


def test_inactive_is_normal_before_the_start_after_the_end_and_when_cancelled() -> None:
    assert after((day(-5), STOPPED)).ended_on is None
    assert after((day(31), STOPPED)).ended_on is None
    assert after((day(10), replace(STOPPED, cancelled_on=day(9)))).ended_on is None
    assert after((day(10), replace(STOPPED, cancelled_on=day(20)))).ended_on == day(10)


def test_what_apple_lists_again_has_neither_ended_nor_gone_missing() -> None:
    gone = after((day(1), ACTIVE), (day(2), None), (day(3), None))
    assert (gone.missing_since, gone.ended_on) == (datetime(2026, 1, 3, 12, tzinfo=UTC), day(3))
    assert gone.coverage.ends == day(30)
    assert after((day(1), ACTIVE), (day(2), None), (day(3), None), (day(4), ACTIVE)) == StoredCoverage(ACTIVE)


def test_twenty_hours_are_enough_and_less_is_not() -> None:
    def ended(hours: float) -> bool:
        stored = {ACTIVE.apple_id: StoredCoverage(ACTIVE, missing_since=NOON)}
        plan = plan_coverage_changes(stored, CoverageAnswer(1, NOON + timedelta(hours=hours), ()), FIRST)
        return any(record.ended_on for record in plan.updated)

    assert not ended(19.99)
    assert ended(20)


@given(st.lists(coverages(), max_size=5), st.randoms(use_true_random=False))
def test_the_order_in_which_apple_tells_coverages_does_not_matter(
    told: list[AppleCoverage], random: Random
) -> None:
    shuffled = random.sample(told, len(told))
    assert replay([(0, tuple(told))]) == replay([(0, tuple(shuffled))])


def test_of_two_coverages_with_one_id_the_longer_counts() -> None:
    longer, endless = replace(ACTIVE, ends=day(60)), replace(ACTIVE, ends=None)
    for told, kept in (((longer, ACTIVE), longer), ((longer, endless), endless)):
        [record] = replay([(0, told)]).values()
        assert record.coverage == kept


@given(histories)
def test_what_was_covered_and_is_listed_no_more_reads_as_ended(
    history: list[tuple[int, tuple[AppleCoverage, ...]]],
) -> None:
    """After a long silence nothing covers, whatever came before; and nothing becomes cover by silence."""
    stored = replay([*history, (0, ()), (24, ())])
    today = (NOON + timedelta(hours=sum(hours for hours, _told in history) + 24)).date()
    spans = [
        period(
            starts=record.coverage.starts,
            ends=record.coverage.ends,
            cancelled_on=record.coverage.cancelled_on,
            ended_on=record.ended_on,
            plan="",
        )
        for record in stored.values()
    ]
    state = coverage_state(
        summarise([span for span in spans if span], today), checked=True, failed=False, today=today
    )
    assert state in {CoverageState.ENDED, CoverageState.NONE}
