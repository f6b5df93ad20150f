"""Reports on a schedule through the API: made, changed, paused, sent, deleted, by those who may."""

import pytest

from homeroom.accounts.policy import Role
from homeroom.reports.models import ReportSchedule
from tests.api.test_api import Caller, is_problem
from tests.builders import make_user
from tests.reports.schedules import make_schedule

pytestmark = pytest.mark.django_db
NEW = "/reports/applecare-expiring/schedules"
GIVEN = {"name": "Every week", "schedule": "Weekly mon 7:00", "query": "days=60&page=2"}


def test_it_is_made_read_changed_paused_sent_and_deleted() -> None:
    caller, ben = Caller(Role.ADMINISTRATOR), make_user(Role.VIEWER)
    made = caller.send("POST", NEW, GIVEN | {"recipients": [ben.email.upper()], "format": "xlsx"})
    assert made.status_code == 201
    told = made.json()
    address = f"/report-schedules/{told['id']}"
    assert told == caller.get(address) == caller.get("/report-schedules")[0]
    assert told.pop("next_turn_at") is not None
    assert told == {
        "id": told["id"],
        "name": "Every week",
        "report": "applecare-expiring",
        "query": "days=60",
        "schedule": "weekly monday 07:00",
        "format": "xlsx",
        "attach": True,
        "only_with_rows": False,
        "owner": told["owner"],
        "recipients": [ben.email],
        "active": True,
        "last_turn_at": None,
        "deliveries": {},
    }
    changed = caller.send(
        "PATCH", address, {"schedule": "monthly 31 06:30", "active": False, "attach": False}
    ).json()
    assert (changed["schedule"], changed["active"], changed["next_turn_at"], changed["attach"]) == (
        "monthly 31 06:30",
        False,
        None,
        False,
    )
    sent = caller.send("POST", f"{address}/send")
    assert sent.status_code == 202
    assert sent.json()["deliveries"] == {"waiting": 1}
    assert caller.send("PATCH", address, {"active": True}).json()["active"]
    assert caller.send("DELETE", address).status_code == 204
    assert not ReportSchedule.objects.exists()


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"schedule": "sometimes"}, 422, "is no schedule"),
        ({"schedule": "never"}, 422, "Reports come daily, Monday to Friday, weekly, monthly or by a cron"),
        ({"query": "colour=red"}, 422, "is no filter of this report"),
        ({"format": "json"}, 422, "json"),
        ({"recipients": []}, 422, "Choose who gets it"),
        ({"recipients": ["nobody@district.test"]}, 422, "nobody@district.test"),
        ({"name": ""}, 422, "blank"),
    ],
)
def test_what_is_wrong_is_said(changes: dict[str, object], status: int, said: str) -> None:
    answer = Caller(Role.ADMINISTRATOR).send("POST", NEW, GIVEN | changes)
    assert is_problem(answer, status)
    assert said in answer.content.decode()
    assert not ReportSchedule.objects.exists()


@pytest.mark.parametrize("text", ["sometimes", "never", "* * * * *", ""])
def test_a_schedule_that_is_refused_is_named_as_the_request_names_it(text: str) -> None:
    caller = Caller(Role.VIEWER)
    pk = caller.send("POST", NEW, GIVEN).json()["id"]
    for answer in (
        caller.send("POST", NEW, GIVEN | {"name": "Other", "schedule": text}),
        caller.send("PATCH", f"/report-schedules/{pk}", {"schedule": text}),
    ):
        assert is_problem(answer, 422)
        assert [error["field"] for error in answer.json()["errors"]] == ["schedule"]
    assert caller.get(f"/report-schedules/{pk}")["schedule"] == "weekly monday 07:00"


def test_a_change_that_is_refused_changes_nothing() -> None:
    caller = Caller(Role.VIEWER)
    pk = caller.send("POST", NEW, GIVEN).json()["id"]
    other = make_user()
    refused = caller.send("PATCH", f"/report-schedules/{pk}", {"name": "New", "recipients": [other.email]})
    assert is_problem(refused, 422)
    assert caller.get(f"/report-schedules/{pk}")["name"] == "Every week"


def test_others_see_what_they_receive_and_change_nothing() -> None:
    caller, ben = Caller(Role.VIEWER), make_user(Role.TECHNICIAN)
    theirs = make_schedule(make_user())
    assert caller.get("/report-schedules") == []
    assert is_problem(caller.send("GET", f"/report-schedules/{theirs.pk}"), 404)
    theirs.recipients.set([caller.user, ben])
    (told,) = caller.get("/report-schedules")
    assert told["recipients"] == [caller.user.email]
    for method, path in (("PATCH", ""), ("DELETE", ""), ("POST", "/send")):
        assert is_problem(caller.send(method, f"/report-schedules/{theirs.pk}{path}", {}), 404)
    assert is_problem(caller.send("POST", "/reports/sync-problems/schedules", GIVEN), 403)
