"""Statistics, report, list of devices, CSV, command and API count the same devices, as one counts them by hand."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from click.testing import CliRunner
from django.conf import settings
from django.db import connection as database
from django.test import Client

from homeroom.accounts.models import ApiToken, User
from homeroom.accounts.policy import COMMAND_LINE_VIEWER, Role
from homeroom.accounts.verbs.tokens import create_token
from homeroom.audit.actors import COMMAND_LINE
from homeroom.config.commands.reports import report
from homeroom.insurance.queries import today
from homeroom.insurance.verbs.summaries import refresh_summaries
from homeroom.inventory.exports.columns import columns_of
from homeroom.inventory.exports.reports import (
    ReportColumn,
    columns_of_report,
    report_named,
    reports,
    reports_for,
)
from homeroom.inventory.models import Device, Site
from homeroom.reports.links import query_of
from homeroom.reports.queries.statistics import statistics_for
from homeroom.reports.selection import selection
from homeroom.reports.statistics.tally import Values
from tests.builders import make_device, make_site, make_status, make_user
from tests.insurance.records import make_synced_record
from tests.reports.districts import ByHand, build

pytestmark = pytest.mark.django_db
NIGHT = "2026-03-18T03:30:00Z"
"""Half past three in London, and still the evening of the 17th in Chicago."""
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def in_chicago(settings: Any) -> Iterator[None]:
    settings.TIME_ZONE = "America/Chicago"
    with time_machine.travel(NIGHT, tick=False):
        assert today() == date(2026, 3, 17)
        yield


class Ways:
    """Every way to a report, for one person; each tells which devices it has."""

    def __init__(self, user: User) -> None:
        self.viewer = user.viewer()
        self.client = Client()
        self.client.force_login(user)
        _token, secret = create_token(user, name="t", scope=ApiToken.Scope.READ, actor=COMMAND_LINE)
        self.headers = {"Authorization": f"Bearer {secret}"}

    def all(self, name: str, query: dict[str, str]) -> set[str]:
        """What all of them have alike."""
        page = self.client.get(f"/reports/mdm/{name}/", query)
        answer = self.client.get(f"/reports/mdm/{name}/", query | {"format": "csv"}).getvalue().decode()
        lines = list(csv.DictReader(io.StringIO(answer)))
        tags = {line["asset_tag"] for line in lines}
        assert len(tags) == len(lines) == page.context["number"].counted
        found = json.loads(self.client.get(f"/reports/mdm/{name}/", query | {"format": "json"}).getvalue())
        assert {row["asset_tag"] for row in found} == tags
        assert {row["asset_tag"] for row in self.api(name, query)} == tags
        return tags

    def api(self, name: str, query: dict[str, str]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        page = {"limit": "200"}
        while page:
            answer = self.client.get(f"/api/v1/reports/{name}", query | page, headers=self.headers)
            assert answer.status_code == 200, answer.content
            rows += answer.json()["items"]
            page = {"limit": "200", "cursor": answer.json()["next"]} if answer.json()["next"] else {}
        return rows

    def listed(self, **query: str) -> set[str]:
        answer = self.client.get("/devices/", query | {"format": "csv"}).getvalue().decode()
        return {line["asset_tag"] for line in csv.DictReader(io.StringIO(answer))}


def run(*arguments: str) -> list[dict[str, Any]]:
    done = CliRunner().invoke(report, [*arguments, "--format", "json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def commanded(*arguments: str) -> set[str]:
    return {row["asset_tag"] for row in run(*arguments)}


def test_all_numbers_agree_on_a_district_of_every_shape():
    district = build(2_000, today=today())
    counted = ByHand(district, today(), ZoneInfo(settings.TIME_ZONE))
    figures = statistics_for(COMMAND_LINE_VIEWER)
    ways = Ways(make_user())

    apples = {"status_kind": "current", "make": "apple"}
    for days in (30, 60, 90):
        tags = ways.all("applecare-expiring", {"days": str(days)})
        assert len(tags) == counted.within[days] == figures.expiring[days] > 0
        assert ways.listed(**apples, expiring=str(days)) == tags
        assert commanded("applecare-expiring", "--days", str(days)) == tags
    assert ways.all("applecare-expiring", {}) == tags, "90 days unless somebody says otherwise"
    assert commanded("applecare-expiring") == tags

    without = ways.all("without-applecare", {})
    assert len(without) == counted.coverage["ended"] + counted.coverage["none"]
    assert len(without) == figures.coverage["ended"] + figures.coverage["none"]
    assert commanded("without-applecare") == without
    for state in ("ended", "none"):
        tags = ways.all("without-applecare", {"coverage": state})
        assert len(tags) == counted.coverage[state]
        assert ways.listed(**apples, coverage=state) == tags
    unknown = ways.listed(**apples, coverage="unknown")
    assert len(unknown) == counted.coverage["unknown"] > 0
    assert not unknown & without
    assert not ways.listed(make="other") & without


def test_they_agree_under_each_filter_and_for_who_sees_some_sites_only():
    build(600, today=today())
    one, two, *_others = Site.objects.all()
    for user in (make_user(), make_user(Role.VIEWER, sites=(one, two))):
        ways = Ways(user)
        for chosen in (
            Values(site_id=one.pk),
            Values(product_family="iPad"),
            Values(model="iPad (7th generation)"),
            Values(funding_source="Title I"),
        ):
            figures = statistics_for(ways.viewer, chosen)
            query = query_of(chosen)
            assert len(ways.all("applecare-expiring", query)) == figures.expiring[90]
            without = figures.coverage["ended"] + figures.coverage["none"]
            assert len(ways.all("without-applecare", query)) == without


def covered(tag: str, **record: Any) -> Device:
    device = make_device(asset_tag=tag, site=Site.objects.first() or make_site())
    make_synced_record(device, **{"starts": today() - 300 * DAY} | record)
    return device


def test_the_days_are_those_of_the_district_and_the_last_one_counts():
    covered("ENDS-TODAY", ends=today())
    covered("ENDED-YESTERDAY", ends=today() - DAY)
    covered("STARTS-TOMORROW", starts=today() + DAY, ends=today() + 20 * DAY)
    covered("CANCELLED", ends=today() + 20 * DAY, cancelled_on=today() - 7 * DAY)
    covered("NO-END", ends=None)
    covered("DAY-90", ends=today() + 90 * DAY)
    covered("DAY-91", ends=today() + 91 * DAY)
    make_device(asset_tag="NEVER-ASKED")
    assert commanded("applecare-expiring") == {"ENDS-TODAY", "DAY-90"}
    assert commanded("applecare-expiring", "--days", "0") == {"ENDS-TODAY"}
    assert commanded("applecare-expiring", "--days", "91") == {"ENDS-TODAY", "DAY-90", "DAY-91"}
    assert {"ENDED-YESTERDAY", "CANCELLED"} <= commanded("without-applecare")
    assert not {"ENDS-TODAY", "NO-END", "DAY-91", "NEVER-ASKED"} & commanded("without-applecare")
    left = {row["asset_tag"]: row["days_left"] for row in run("applecare-expiring")}
    assert left == {"ENDS-TODAY": 0, "DAY-90": 90}
    with time_machine.travel("2026-03-18T05:00:00Z", tick=False):  # midnight in Chicago
        refresh_summaries(list(Device.objects.values_list("pk", flat=True)), today=today())
        assert commanded("applecare-expiring") == {"DAY-90", "DAY-91", "STARTS-TOMORROW"}


def test_a_chromebook_and_what_is_lost_or_retired_are_in_neither():
    site = make_site()
    for tag, values in {
        "CHROMEBOOK": {"product_family": "Chromebook", "manufacturer": "Google"},
        "RETIRED": {"status": make_status("Gone", kind="retired")},
        "LOST": {"status": make_status("Lost", kind="lost")},
        "HERE": {},
    }.items():
        device = make_device(asset_tag=tag, site=site, **values)
        make_synced_record(device, starts=today() - 300 * DAY, ends=today() - DAY)
    assert commanded("without-applecare") == {"HERE"}


def test_every_report_says_what_it_is_and_its_columns_are_for_people_too():
    for report_ in reports_for(COMMAND_LINE_VIEWER):
        columns = columns_of(report_.name)
        assert all(isinstance(column, ReportColumn) and column.heading for column in columns), report_.name
        assert all((report_.title, report_.about, report_.empty))
        assert any(column.shown for column in columns_of_report(report_.name))
    assert len({report_.place for report_ in reports_for(COMMAND_LINE_VIEWER)}) == len(reports())


@pytest.mark.parametrize("name", reports())
def test_every_report_sorts_by_each_column_both_ways_and_the_ways_mirror_each_other(name: str):
    build(60, today=today())
    for column in columns_of_report(name):
        if column.sort:
            upwards = selection(report_named(name), f"sort={column.name}", COMMAND_LINE_VIEWER)
            downwards = selection(report_named(name), f"sort=-{column.name}", COMMAND_LINE_VIEWER)
            keys = list(upwards.queryset.values_list("pk", flat=True))
            assert keys == list(downwards.queryset.values_list("pk", flat=True))[::-1]
            assert len(list(upwards.rows)) == upwards.count == len(keys)


@pytest.mark.skipif(database.vendor != "sqlite", reason="PostgreSQL counts beforehand")
def test_an_agreement_number_is_looked_up_among_the_records_of_its_device():
    asked = selection(report_named("applecare-expiring"), "columns=agreement_number", COMMAND_LINE_VIEWER)
    plan = asked.queryset.values("agreement_number").explain()
    assert "insurance_kind_ends" not in plan, plan


def test_columns_are_those_that_were_chosen_in_their_order():
    covered("T1", ends=today() + DAY)
    (row,) = run("applecare-expiring", "--columns", "coverage_ends,asset_tag")
    assert list(row.items()) == [("coverage_ends", "2026-03-18"), ("asset_tag", "T1")]


def test_a_site_is_named_as_people_call_it():
    covered("T1", ends=today() + DAY)
    site = make_site(name="North School")
    make_synced_record(make_device(asset_tag="T2", site=site), starts=today(), ends=today() + DAY)
    assert commanded("applecare-expiring", "--filter", "site=north school") == {"T2"}
    assert [
        row["asset_tag"] for row in Ways(make_user()).api("applecare-expiring", {"site": "North School"})
    ] == ["T2"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["no-such-report"], "is not one of: applecare-expiring"),
        (["applecare-expiring", "--filter", "colour=red"], "has no filter 'colour', but: q, site"),
        (["applecare-expiring", "--filter", "site"], "is not of the form NAME=VALUE"),
        (["applecare-expiring", "--filter", "site=Nowhere"], "Site: Select a valid choice"),
        (["applecare-expiring", "--filter", "days=soon"], "Ends within days: Enter a number."),
        (["applecare-expiring", "--sort", "plan"], "can't be sorted by “plan”, but by: asset_tag"),
        (["applecare-expiring", "--columns", "asset_tag,colour"], "“colour” is no column of this report"),
        (["overdue-at-apple", "--days", "3"], "overdue-at-apple has no days"),
    ],
)
def test_what_is_asked_wrongly_is_answered_with_a_sentence(arguments: list[str], sentence: str):
    done = CliRunner().invoke(report, arguments)
    assert done.exit_code == 2
    assert sentence in done.output
