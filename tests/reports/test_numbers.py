"""Every number of the statistics against a count by hand, live and from the rollup; and the list behind each."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.conf import settings

from homeroom.accounts.policy import COMMAND_LINE_VIEWER, Role, Viewer
from homeroom.insurance.queries import today
from homeroom.inventory.models import DeviceStatus, Site
from homeroom.reports.queries.statistics import statistics_for
from homeroom.reports.statistics.figures import Statistics
from homeroom.reports.statistics.tally import Values
from homeroom.reports.verbs.rollup import refresh_rollup
from tests.builders import make_user
from tests.reports.districts import ByHand, build

pytestmark = pytest.mark.django_db
NIGHT = "2026-03-18T03:30:00Z"
"""Half past three in London, and still the evening of the 17th in Chicago."""


@pytest.fixture(autouse=True)
def in_chicago(settings):
    settings.TIME_ZONE = "America/Chicago"
    with time_machine.travel(NIGHT, tick=False):
        assert today() == date(2026, 3, 17)
        yield


def some(numbers: Mapping[Any, int]) -> dict[Any, int]:
    return {key: number for key, number in numbers.items() if number}


def agree(figures: Statistics, counted: ByHand) -> None:
    assert some(figures.statuses) == counted.kinds
    assert (figures.current, figures.other_make) == (counted.current, counted.other)
    assert figures.apple == counted.current - counted.other
    assert some(figures.coverage) == counted.coverage
    assert some(figures.warranty) == counted.warranty
    assert some(figures.expiring) == some(counted.within)
    months = {f"{month.first:%Y-%m}": month.devices for month in figures.months}
    assert months == {month: counted.ends[month] for month in months}
    later = sum(number for month, number in counted.ends.items() if month > max(months))
    assert (figures.later.devices if figures.later else 0) == later
    assert figures.without_end == counted.ends[""]
    assert sum(year.devices for year in figures.school_years) == sum(months.values()) + later
    assert {one.model: one.devices for one in figures.models if one.devices} == counted.models
    assert {one.model: one.incidents for one in figures.models if one.incidents} == counted.incidents
    assert figures.storage == counted.storage
    for month in figures.repairs:
        name = f"{month.month:%Y-%m}"
        assert (month.same_unit, month.replaced) == (
            counted.repairs[name, False],
            counted.repairs[name, True],
        )
        assert month.same_unit_days == counted.days[name, False]
        assert month.replaced_days == counted.days[name, True]
    assert sum(month.repairs for month in figures.repairs) == sum(counted.repairs.values())


def test_a_district_of_20_000_devices_counts_as_it_does_by_hand_live_and_from_the_rollup():
    district = build(20_000, today=today())
    counted = ByHand(district, today(), ZoneInfo(settings.TIME_ZONE))
    assert min(counted.coverage.values()) > 500, "every state of coverage is there"

    live = statistics_for(COMMAND_LINE_VIEWER)
    refresh_rollup()
    kept = statistics_for(COMMAND_LINE_VIEWER)

    agree(live, counted)
    agree(kept, counted)
    assert (live.counted_at is None, kept.counted_at is None) == (True, False)


def every_choice(site: Site) -> list[Values]:
    return [
        Values(site_id=site.pk),
        Values(product_family="iPad"),
        Values(model="iPad (7th generation)"),
        Values(model=""),
        Values(funding_source=""),
        Values(product_family="Mac", model="MacBook Air", funding_source="Title I"),
        Values(site_id=site.pk, product_family="iPad"),
        Values(site_id=site.pk, model="typed by hand"),
        Values(site_id=site.pk, funding_source="Title I"),
        Values(site_id=site.pk, product_family="", model="", funding_source=""),
    ]


def test_each_choice_and_each_viewer_counts_alike_live_and_from_the_rollup():
    build(3_000, today=today())
    one, two, *_others = Site.objects.all()
    viewers: list[Viewer] = [
        COMMAND_LINE_VIEWER,
        make_user(Role.VIEWER, sites=(one, two)).viewer(),
        make_user(Role.TECHNICIAN, sites=(one,)).viewer(),
    ]
    asked = [(viewer, chosen) for viewer in viewers for chosen in [Values(), *every_choice(one)]]
    live = [statistics_for(viewer, chosen) for viewer, chosen in asked]
    refresh_rollup()
    for (viewer, chosen), before in zip(asked, live, strict=True):
        kept = statistics_for(viewer, chosen)
        assert before.total, chosen
        for name in Statistics.__dataclass_fields__:
            if name != "counted_at":
                assert getattr(kept, name) == getattr(before, name), (name, chosen, viewer.role)


def test_the_choices_cover_a_filter_of_each_kind_and_by_hand_too():
    district = build(1_000, today=today())
    site = Site.objects.all()[0]
    for chosen in every_choice(site):
        fitting = [
            made
            for made in district
            if all(
                value in (None, actual)
                for value, actual in (
                    (chosen.site_id, made.device["site_id"]),
                    (chosen.product_family, made.device["product_family"]),
                    (chosen.model, (made.apple or {}).get("device_model") or made.device["model"]),
                    (chosen.funding_source, made.device["funding_source"]),
                )
            )
        ]
        agree(
            statistics_for(COMMAND_LINE_VIEWER, chosen),
            ByHand(fitting, today(), ZoneInfo(settings.TIME_ZONE)),
        )


def test_a_kind_of_status_is_counted_or_left_out_as_the_page_says():
    build(200, today=today())
    figures = statistics_for(COMMAND_LINE_VIEWER)
    assert figures.lost_or_retired == (
        figures.statuses[DeviceStatus.Kind.LOST] + figures.statuses[DeviceStatus.Kind.RETIRED]
    )
    assert figures.current + figures.lost_or_retired == figures.total == 200
