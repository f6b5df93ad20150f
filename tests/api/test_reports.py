"""Reports through the API."""

from datetime import timedelta

import pytest

from homeroom.accounts.policy import Role
from homeroom.insurance.queries import today
from tests.api.test_api import Caller, is_problem
from tests.builders import make_device, make_site
from tests.insurance.records import make_synced_record

pytestmark = pytest.mark.django_db
EXPIRING = "/reports/applecare-expiring"


def test_the_reports_are_told_with_their_filters_and_columns() -> None:
    told = {report["name"]: report for report in Caller(Role.VIEWER).get("/reports")}
    assert {"applecare-expiring", "without-applecare", "overdue-at-apple"} <= told.keys()
    assert not {"sync-problems", "near-matches"} & told.keys(), "a viewer may not see them"
    expiring = told["applecare-expiring"]
    assert expiring["title"] == "AppleCare Expiring Soon"
    assert {"q", "site", "days", "model"} <= set(expiring["filters"])
    assert {"asset_tag", "coverage_ends", "days_left"} <= set(expiring["columns"])
    assert "sync-problems" in {report["name"] for report in Caller(Role.TECHNICIAN).get("/reports")}


def test_rows_come_in_pages_under_filters_with_chosen_columns() -> None:
    for number in range(3):
        make_synced_record(make_device(asset_tag=f"T{number}"), ends=today() + timedelta(days=number * 50))
    caller = Caller(Role.VIEWER)
    first = caller.get(f"{EXPIRING}?days=90&limit=1&columns=asset_tag,days_left")
    assert [{k: row[k] for k in row if k != "id"} for row in first["items"]] == [
        {"asset_tag": "T0", "days_left": 0}
    ]
    second = caller.get(f"{EXPIRING}?days=90&limit=1&columns=asset_tag,days_left&cursor={first['next']}")
    assert [row["asset_tag"] for row in second["items"]] == ["T1"]
    assert second["next"] is None


def test_a_viewer_of_other_sites_gets_none_of_their_rows() -> None:
    make_synced_record(make_device(), ends=today())
    assert Caller(Role.VIEWER, sites=(make_site(),)).get(EXPIRING)["items"] == []


@pytest.mark.parametrize(
    "query", ["days=soon", "colour=red", "columns=colour", "site=Nowhere", "sort=asset_tag"]
)
def test_what_is_asked_wrongly_is_named(query: str) -> None:
    answer = Caller().send("GET", f"{EXPIRING}?{query}")
    assert is_problem(answer, 422)
    assert answer.json()["errors"][0]["field"] == query.partition("=")[0]


def test_what_there_is_not_and_what_may_not_be_seen() -> None:
    assert is_problem(Caller().send("GET", "/reports/unheard-of"), 404)
    assert is_problem(Caller(Role.VIEWER).send("GET", "/reports/near-matches"), 403)
