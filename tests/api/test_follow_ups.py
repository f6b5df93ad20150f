"""Deciding about AppleCare that ends through the API."""

from datetime import timedelta
from typing import Any

import pytest

from homeroom.accounts.models import ApiToken
from homeroom.accounts.policy import Role
from homeroom.insurance.models import FollowUp
from homeroom.insurance.queries import today
from homeroom.insurance.rules import FollowUpState
from tests.api.test_api import Caller, is_problem
from tests.builders import make_device, make_site
from tests.insurance.ends import covered_until, ending_in

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
MANY = "/coverage/follow-ups"


def test_one_device_is_decided_about_read_and_taken_back() -> None:
    caller = Caller(Role.TECHNICIAN)
    device = ending_in(20)
    address = f"/devices/{device.pk}/follow-up"
    waiting = {
        "id": device.pk,
        "coverage_ends": str(today() + 20 * DAY),
        "days_left": 20,
        "follow_up": "waiting",
        "follow_up_until": None,
        "decided_by": None,
        "follow_up_note": None,
    }
    assert caller.get(address) == waiting
    day = str(today() + 3 * DAY)
    answer = caller.send("PUT", address, {"follow_up": "snoozed", "until": day, "note": "Budget."})
    assert answer.status_code == 200, answer.content
    snoozed = waiting | {
        "follow_up": "snoozed",
        "follow_up_until": day,
        "decided_by": caller.user.name,
        "follow_up_note": "Budget.",
    }
    assert answer.json() == caller.get(address) == snoozed
    (row,) = caller.get("/reports/applecare-expiring?follow_up=snoozed")["items"]
    assert {name: row[name] for name in snoozed} == snoozed, "as the report has it"
    for _twice in range(2):
        assert caller.send("DELETE", address).status_code == 204
        assert caller.get(address)["follow_up"] == "waiting"
    assert caller.send("PUT", address, {"follow_up": "waiting"}).status_code == 200


def test_dashboard_and_report_count_the_same() -> None:
    caller = Caller(Role.TECHNICIAN)
    devices = [ending_in(days) for days in (0, 10, 30, 31)]
    body = {"follow_up": "acknowledged", "devices": [devices[1].serial_number]}
    assert caller.send("POST", MANY, body).json()["decided"] == 1
    (waiting,) = [each for each in caller.get("/dashboard") if each["title"] == "AppleCare expiring soon"]
    rows = caller.get("/reports/applecare-expiring?days=30&follow_up=waiting")["items"]
    assert waiting["number"] == len(rows) == 2
    assert {row["id"] for row in rows} == {devices[0].pk, devices[2].pk}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "follow_up"),
        ({"follow_up": "sold"}, "follow_up"),
        ({"follow_up": "snoozed"}, "until"),
        ({"follow_up": "snoozed", "until": "2020-01-01"}, "until"),
        ({"follow_up": "acknowledged", "until": "2099-01-01"}, "until"),
        ({"follow_up": "acknowledged", "note": "x" * 301}, "note"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_decided(body: dict[str, str], field: str) -> None:
    device = ending_in(20)
    caller = Caller()
    for answer in (
        caller.send("PUT", f"/devices/{device.pk}/follow-up", body),
        caller.send("POST", MANY, body | {"devices": [device.serial_number]}),
    ):
        assert is_problem(answer, 422)
        assert answer.json()["errors"][0]["field"].endswith(field)
    assert not FollowUp.objects.exists()


def test_another_end_than_was_seen_is_refused() -> None:
    device = ending_in(20)
    covered_until(device, today() + 80 * DAY)
    caller, address = Caller(), f"/devices/{device.pk}/follow-up"
    body = {"follow_up": "will_not_renew", "ends": str(today() + 20 * DAY)}
    for follow_up in FollowUpState:
        until = {"until": str(today() + 3 * DAY)} if follow_up == FollowUpState.SNOOZED else {}
        assert is_problem(caller.send("PUT", address, body | {"follow_up": follow_up} | until), 409)
    assert caller.send("PUT", address, body | {"ends": str(today() + 80 * DAY)}).status_code == 200


def test_what_does_not_end_is_refused_and_reads_as_null() -> None:
    device, caller = make_device(), Caller()
    address = f"/devices/{device.pk}/follow-up"
    assert is_problem(caller.send("PUT", address, {"follow_up": "acknowledged"}), 409)
    assert is_problem(caller.send("PUT", address, {"follow_up": "waiting"}), 409)
    assert set(caller.get(address).values()) == {device.pk, None}


def test_many_are_decided_about_at_once_and_the_rest_is_named() -> None:
    first, second, without = ending_in(20), ending_in(30), make_device()
    body: dict[str, Any] = {
        "follow_up": "will_not_renew",
        "devices": [first.serial_number, second.asset_tag, without.serial_number, "NOBODY", "NOBODY"],
    }
    answer = Caller().send("POST", MANY, body)
    assert answer.status_code == 200, answer.content
    assert answer.json() == {
        "decided": 2,
        "left_out": [
            {
                "id": without.pk,
                "serial_number": without.serial_number,
                "asset_tag": without.asset_tag,
                "why": "It has no AppleCare whose end is to be decided about.",
            }
        ],
        "more_left_out": 0,
        "not_found": ["NOBODY"],
    }
    assert set(FollowUp.objects.values_list("device", flat=True)) == {first.pk, second.pk}


@pytest.mark.parametrize("devices", [[], ["x"] * 1001])
def test_so_many_at_once_and_no_more(devices: list[str]) -> None:
    answer = Caller().send("POST", MANY, {"follow_up": "acknowledged", "devices": devices})
    assert is_problem(answer, 422)


def test_who_may() -> None:
    site = make_site()
    device = ending_in(20)
    address, body = f"/devices/{device.pk}/follow-up", {"follow_up": "acknowledged"}
    many = body | {"devices": [device.serial_number]}
    reader = Caller(scope=ApiToken.Scope.READ)
    assert reader.get(address)["follow_up"] == "waiting"
    for caller in (Caller(Role.VIEWER), reader):
        assert is_problem(caller.send("PUT", address, body), 403)
        assert is_problem(caller.send("DELETE", address), 403)
        assert is_problem(caller.send("POST", MANY, many), 403)
    elsewhere = Caller(Role.TECHNICIAN, sites=(site,))
    for method in ("GET", "PUT", "DELETE"):
        assert is_problem(elsewhere.send(method, address, body), 404)
    assert elsewhere.send("POST", MANY, many).json()["not_found"] == [device.serial_number]
    assert not FollowUp.objects.exists()
