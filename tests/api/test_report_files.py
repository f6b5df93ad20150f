"""Files of reports through the API: ordered, asked after, fetched, deleted."""

from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest
from pytest_django import Settings

from homeroom.accounts.models import ApiToken
from homeroom.accounts.policy import Role
from homeroom.insurance.queries import today
from homeroom.reports.models import ReportFile
from homeroom.reports.verbs.making import make_due_file
from tests.api.test_api import Caller, is_problem
from tests.builders import make_device, make_site
from tests.insurance.records import make_synced_record

pytestmark = pytest.mark.django_db(transaction=True)
FILES = "/reports/applecare-expiring/files"


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def test_a_file_is_ordered_asked_after_fetched_and_deleted() -> None:
    make_synced_record(make_device(asset_tag="T1"), ends=today() + timedelta(days=5))
    make_synced_record(make_device(asset_tag="T2"), ends=today() + timedelta(days=500))
    caller = Caller(Role.VIEWER)
    ordered = caller.send("POST", FILES, {"format": "csv", "query": "days=30&columns=asset_tag"})
    assert ordered.status_code == 202
    told = ordered.json()
    assert (told["state"], told["report"], told["rows"], told["failure"], told["size"]) == (
        "queued",
        "applecare-expiring",
        None,
        None,
        None,
    )
    address = f"/report-files/{told['id']}"
    waiting = caller.send("GET", f"{address}/content")
    assert is_problem(waiting, 409)
    assert waiting.json()["detail"] == "This file is not ready yet."
    assert make_due_file(Event())
    ready = caller.get(address)
    assert (ready["state"], ready["rows"], ready["rows_done"], ready["size"]) == ("ready", 1, 1, 15)
    assert told["asked_at"] < ready["started_at"] <= ready["finished_at"] < ready["expires_at"]
    fetched = caller.send("GET", f"{address}/content")
    assert fetched.getvalue() == b"asset_tag\r\nT1\r\n"
    assert fetched["Content-Type"].startswith("text/csv")
    assert fetched["Cache-Control"] == "private, no-store"
    assert caller.send("DELETE", address).status_code == 204
    assert is_problem(caller.send("GET", address), 404)


def test_who_sees_less_by_now_is_told_why_it_is_not_to_be_had() -> None:
    caller = Caller(Role.VIEWER)
    pk = caller.send("POST", FILES, {"format": "json"}).json()["id"]
    assert make_due_file(Event())
    caller.user.sites.set([make_site()])
    refused = caller.send("GET", f"/report-files/{pk}/content")
    assert is_problem(refused, 409)
    assert "What you may see has changed" in refused.json()["detail"]


def test_nobody_else_gets_at_it() -> None:
    pk = Caller(Role.VIEWER).send("POST", FILES, {"format": "json"}).json()["id"]
    other = Caller()
    for method, address in (("GET", ""), ("GET", "/content"), ("DELETE", "")):
        assert is_problem(other.send(method, f"/report-files/{pk}{address}"), 404)
    assert ReportFile.objects.filter(pk=pk).exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"format": "pdf"}, "format"),
        ({"format": "csv", "query": "days=soon"}, "days"),
        ({"format": "csv", "query": "colour=red"}, "colour"),
        ({"format": "csv", "query": "columns=colour"}, "columns"),
        ({"format": "csv", "query": "q=" + "x" * 9000}, "query"),
        ({}, "body.format"),
    ],
)
def test_what_is_asked_wrongly_is_named(body: dict[str, str], field: str) -> None:
    answer = Caller().send("POST", FILES, body)
    assert is_problem(answer, 422)
    assert answer.json()["errors"][0]["field"] == field
    assert not ReportFile.objects.exists()


def test_what_there_is_not_and_what_may_not_be_done() -> None:
    assert is_problem(Caller().send("POST", "/reports/unheard-of/files", {"format": "csv"}), 404)
    viewer = Caller(Role.VIEWER)
    assert is_problem(viewer.send("POST", "/reports/near-matches/files", {"format": "csv"}), 403)
    reading = Caller(scope=ApiToken.Scope.READ)
    assert is_problem(reading.send("POST", FILES, {"format": "csv"}), 403)
    assert is_problem(Caller().send("GET", "/report-files/1"), 404)
