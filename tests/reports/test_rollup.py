"""When a rollup is counted again, when it is used, and who writes it."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from homeroom.accounts.policy import COMMAND_LINE_VIEWER
from homeroom.audit.actors import COMMAND_LINE
from homeroom.config import worker
from homeroom.config.worker import work_once
from homeroom.insurance.queries import today
from homeroom.insurance.rules import CoverageState
from homeroom.inventory.models import Device
from homeroom.inventory.verbs.devices import set_status
from homeroom.inventory.verbs.statuses import create_status
from homeroom.reports.models import Rollup, RollupCell
from homeroom.reports.queries.statistics import statistics_for
from homeroom.reports.statistics import rollup as rules
from homeroom.reports.statistics.tally import Tally, restored, stored
from homeroom.reports.verbs.rollup import refresh_due_rollup, refresh_rollup
from tests.builders import make_device, make_site
from tests.insurance.records import make_synced_record
from tests.reports.districts import build

CHICAGO = ZoneInfo("America/Chicago")
LATE = datetime(2026, 3, 17, 23, 59, 30, tzinfo=CHICAGO)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
DAY = date(2026, 3, 17)


def last(**values: object) -> rules.LastCount:
    return rules.LastCount(**{"day": DAY, "counted_at": LATE, "seconds": 6.0, "mark": "a"} | values)  # type: ignore[arg-type]


class TestDue:
    def test_what_was_never_counted_or_on_another_day_is_due_at_once(self):
        assert rules.is_due(last(counted_at=None), now=LATE, day=DAY, mark="a")
        assert rules.is_due(last(), now=LATE + SECOND, day=DAY + timedelta(days=1), mark="a")

    @pytest.mark.parametrize(
        ("after", "mark", "due"),
        [(59 * SECOND, "b", False), (60 * SECOND, "b", True), (59 * MINUTE, "a", False), (HOUR, "a", True)],
    )
    def test_a_change_waits_until_counting_has_rested_and_no_change_an_hour(self, after, mark, due):
        assert rules.is_due(last(), now=LATE + after, day=DAY, mark=mark) is due

    def test_a_count_of_a_dead_worker_or_of_yesterday_is_not_shown(self):
        assert rules.is_good(last(), now=LATE + HOUR, day=DAY)
        assert not rules.is_good(last(), now=LATE + 3 * HOUR, day=DAY)
        assert not rules.is_good(last(), now=LATE + HOUR, day=DAY + timedelta(days=1))


@pytest.mark.parametrize(
    ("names", "cut"),
    [
        ((), frozenset()),
        (("site_id",), {"site_id"}),
        (("funding_source",), {"funding_source"}),
        (("product_family",), {"product_family"}),
        (("model",), {"product_family", "model", "funding_source"}),
        (("site_id", "product_family"), {"site_id", "product_family"}),
        (("site_id", "model"), {"site_id", "product_family", "model"}),
        (("site_id", "funding_source"), {"site_id", "funding_source"}),
        (("site_id", "model", "funding_source"), None),
    ],
)
def test_the_cut_with_the_fewest_cells_answers(names, cut):
    number = rules.cut_for(names)
    assert (None if number is None else rules.CUTS[number]) == cut


def test_a_sum_of_a_cut_loses_no_name():
    assert all(rules.CUTS[coarse] < rules.CUTS[fine] for coarse, fine in rules.SUMS.items())


@given(st.dictionaries(st.tuples(st.text(), st.text(), st.text()), st.integers(min_value=0)))
def test_a_tally_comes_back_as_it_was_stored(numbers):
    assert restored(stored(Tally(numbers))) == numbers


@pytest.fixture
def in_chicago(settings):
    settings.TIME_ZONE = "America/Chicago"


@pytest.mark.django_db
@pytest.mark.usefixtures("in_chicago")
class TestMidnight:
    """The district's midnight decides, whatever day it is in UTC, and whatever was counted a minute before."""

    @pytest.mark.parametrize(
        ("dates", "before", "after"),
        [
            ({"ends": DAY}, CoverageState.COVERED, CoverageState.ENDED),
            ({"ends": DAY - timedelta(days=1)}, CoverageState.ENDED, CoverageState.ENDED),
            ({"starts": DAY + timedelta(days=1), "ends": None}, CoverageState.NONE, CoverageState.COVERED),
            ({"cancelled_on": DAY - timedelta(days=7)}, CoverageState.ENDED, CoverageState.ENDED),
            ({"cancelled_on": DAY + timedelta(days=1)}, CoverageState.COVERED, CoverageState.ENDED),
            ({"ends": None}, CoverageState.COVERED, CoverageState.COVERED),
        ],
        ids=[
            "ends today",
            "ended yesterday",
            "starts tomorrow",
            "cancelled last week",
            "cancelled tomorrow",
            "no end",
        ],
    )
    @pytest.mark.parametrize("kept", [True, False], ids=["rollup", "live"])
    def test_a_day_of_cover(self, dates, before, after, kept):
        with time_machine.travel(LATE, tick=False) as clock:
            make_synced_record(make_device(), **{"starts": DAY - timedelta(days=100)} | dates)
            for state in (before, after):
                if kept:
                    refresh_rollup()
                figures = statistics_for(COMMAND_LINE_VIEWER)
                assert [one for one, number in figures.coverage.items() if number] == [state]
                clock.shift(MINUTE)

    @pytest.mark.parametrize(
        ("days", "within"), [(29, [30, 60, 90]), (30, [30, 60, 90]), (31, [60, 90]), (91, [])]
    )
    def test_within_days(self, days, within):
        with time_machine.travel(LATE, tick=False):
            make_synced_record(make_device(), ends=DAY + timedelta(days=days))
            figures = statistics_for(COMMAND_LINE_VIEWER)
            assert [window for window, number in figures.expiring.items() if number] == within

    def test_a_rollup_of_yesterday_is_passed_by_until_it_is_counted_again(self):
        with time_machine.travel(LATE, tick=False) as clock:
            make_synced_record(make_device(), ends=DAY)
            refresh_rollup()
            assert statistics_for(COMMAND_LINE_VIEWER).counted_at is not None
            clock.shift(MINUTE)
            figures = statistics_for(COMMAND_LINE_VIEWER)
            assert (figures.counted_at, figures.coverage[CoverageState.ENDED]) == (None, 1)


@pytest.mark.django_db
class TestRefreshing:
    def test_a_small_district_keeps_no_rollup(self):
        make_device()
        refresh_rollup()
        assert refresh_due_rollup() is False
        assert not Rollup.objects.exists()
        assert not RollupCell.objects.exists()

    def test_the_worker_counts_a_large_one_once_and_again_when_something_changed(self):
        build(rules.LIVE_UP_TO + 1, today=today(), sites=2)
        device = Device.objects.filter(status__kind="in_service")[0]
        with time_machine.travel(datetime.now(CHICAGO), tick=False) as clock:
            work_once()
            counted = statistics_for(COMMAND_LINE_VIEWER)
            assert counted.counted_at is not None
            clock.shift(10 * MINUTE)
            assert refresh_due_rollup() is False
            retired = create_status(name="Sold", kind="retired", actor=COMMAND_LINE)
            set_status(device, retired, actor=COMMAND_LINE)
            clock.shift(20 * MINUTE)
            assert refresh_due_rollup() is True
            assert statistics_for(COMMAND_LINE_VIEWER).current == counted.current - 1

    def test_a_second_count_writes_only_what_differs_and_drops_what_is_gone(
        self, django_assert_max_num_queries
    ):
        one, two = make_device(model="Old"), make_device(model="New")
        refresh_rollup()
        before = dict(RollupCell.objects.values_list("pk", "numbers"))
        one.delete()
        refresh_rollup()
        after = dict(RollupCell.objects.values_list("pk", "numbers"))
        assert RollupCell.objects.filter(model="Old").count() == 0
        unchanged = RollupCell.objects.filter(cut=3, model="New").get()
        assert before[unchanged.pk] == after[unchanged.pk]
        assert statistics_for(COMMAND_LINE_VIEWER).total == 1
        two.delete()

    def test_an_older_count_does_not_overwrite_a_newer_one(self):
        make_device(site=make_site())
        refresh_rollup()
        Rollup.objects.update(counted_at=datetime.now(CHICAGO) + HOUR, mark="newer")
        refresh_rollup()
        assert Rollup.objects.get().mark == "newer"

    def test_one_process_counts_at_a_time(self):
        build(rules.LIVE_UP_TO + 1, today=today(), sites=1)
        Rollup.objects.create(pk=1, taken_at=datetime.now(CHICAGO))
        assert refresh_due_rollup() is False
        Rollup.objects.update(taken_at=datetime.now(CHICAGO) - HOUR)
        assert refresh_due_rollup() is True

    def test_the_worker_looks_for_it(self):
        assert worker._statistics in worker.SOURCES
