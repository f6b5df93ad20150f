"""Incidents through the API."""

from typing import Any

import pytest

from homeroom.accounts.models import ApiToken
from homeroom.accounts.policy import Role
from homeroom.audit.actors import COMMAND_LINE
from homeroom.incidents.models import Incident, IncidentStatus
from homeroom.incidents.verbs.incidents import close_incident, open_incident
from homeroom.incidents.verbs.repairs import send_to_apple
from homeroom.incidents.verbs.statuses import ensure_system_statuses
from homeroom.inventory.models import Site
from tests.api.test_api import Caller, is_problem
from tests.builders import make_device, make_site, make_user
from tests.incidents.pictures import HEIC, PDF, photo, upload

pytestmark = pytest.mark.django_db


def make_incident(**values: Any) -> Incident:
    return open_incident(make_device(**values), summary="Cracked screen", actor=COMMAND_LINE)


def test_an_incident_is_opened_changed_closed_and_opened_again() -> None:
    caller = Caller(Role.TECHNICIAN)
    make_device(serial_number="SER1", asset_tag="T1")
    made = caller.send("POST", "/incidents", {"device": "SER1", "summary": " Cracked ", "kind": "screen"})
    assert made.status_code == 201, made.content
    row = made.json()
    assert (row["id"], row["summary"], row["status"], row["replacement_serial"]) == (
        row["number"],
        "Cracked",
        "New",
        None,
    )
    address = f"/incidents/{row['number']}"
    changes = {"summary": "Shattered", "repair_number": "r1", "technician": caller.user.email.upper()}
    assert caller.send("PATCH", address, changes).json()["repair_number"] == "R1"
    assert Incident.objects.get().technician == caller.user
    caller.send("PATCH", address, {"technician": None})
    assert Incident.objects.get().technician is None
    assert caller.send("PATCH", address, {"status": "In progress"}).json()["status"] == "In progress"
    assert is_problem(caller.send("PATCH", address, {"status": "Closed"}), 422)
    closed = caller.send("POST", f"{address}/close", {"outcome": "repaired"}).json()
    assert (closed["status"], closed["outcome"]) == ("Closed", "repaired")
    assert caller.send("POST", f"{address}/reopen").json()["closed_at"] is None
    assert is_problem(caller.send("POST", f"{address}/reopen"), 409)
    assert caller.get(address)["summary"] == "Shattered"
    assert caller.get(address) == caller.get("/incidents")["items"][0]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"summary": "x"}, "device"),
        ({"device": "NONE", "summary": "x"}, "device"),
        ({"device": "SER1", "summary": " "}, "summary"),
        ({"device": "SER1", "summary": "x", "kind": "magic"}, "kind"),
        ({"device": "SER1", "summary": "x", "status": "Unheard of"}, "status"),
        ({"device": "SER1", "summary": "x", "status": "Closed"}, "outcome"),
        ({"device": "SER1", "summary": "x", "outcome": "repaired"}, "outcome"),
        ({"device": "SER1", "summary": "x", "technician": "viewer@district.test"}, "technician"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_opened(body: dict[str, str], field: str) -> None:
    make_device(serial_number="SER1")
    make_user(Role.VIEWER, email="viewer@district.test")
    answer = Caller().send("POST", "/incidents", body)
    assert is_problem(answer, 422)
    assert answer.json()["errors"][0]["field"].endswith(field)
    assert not Incident.objects.exists()


@pytest.mark.parametrize("key", IncidentStatus.SystemKey)
def test_a_system_status_is_refused(key: str) -> None:
    ensure_system_statuses(actor=COMMAND_LINE)
    status = IncidentStatus.objects.get(system_key=key)
    incident = make_incident(serial_number="SER1")
    caller = Caller()
    for answer in (
        caller.send("POST", "/incidents", {"device": "SER1", "summary": "x", "status": status.name}),
        caller.send("PATCH", f"/incidents/{incident.number}", {"summary": "Changed", "status": status.name}),
        caller.send(
            "POST", f"/incidents/{incident.number}/close", {"outcome": "other", "status": status.name}
        ),
    ):
        assert is_problem(answer, 422)
        assert answer.json()["errors"][0]["field"] == "status"
    stored = Incident.objects.get()
    assert (str(stored.status), stored.summary) == ("New", "Cracked screen")


def test_a_list_is_filtered_and_a_status_is_known() -> None:
    ensure_system_statuses(actor=COMMAND_LINE)
    first, second, third = make_incident(serial_number="SER1"), make_incident(), make_incident()
    send_to_apple(second, reason="Tested.", actor=COMMAND_LINE)
    close_incident(third, outcome="other", actor=COMMAND_LINE)
    caller = Caller()
    for query, wanted in {
        "": [first, second, third],
        "open=true": [first, second],
        "open=false": [third],
        "at_apple=true": [second],
        "overdue=true": [],
        "serial_number=SER1": [first],
        "status=Closed": [third],
        "kind=liquid": [],
        "q=cracked SER1": [first],
    }.items():
        found = [row["number"] for row in caller.get(f"/incidents?{query}")["items"]]
        assert found == [incident.number for incident in wanted], query
    known = {row["name"]: row["is_system"] for row in caller.get("/incident-statuses")}
    assert (known["New"], known["Sent for AppleCare Repair"]) == (False, True)


def test_a_comment_is_written_and_read() -> None:
    address = f"/incidents/{make_incident().number}/comments"
    caller = Caller()
    assert is_problem(caller.send("POST", address, {"text": " "}), 422)
    assert caller.send("POST", address, {"text": "Ordered."}).status_code == 201
    assert [row["text"] for row in caller.get(address)] == ["Ordered."]


def send_file(caller: Caller, address: str, name: str, content: bytes) -> Any:
    return caller.client.post(f"/api/v1{address}", {"file": upload(name, content)}, headers=caller.headers)


def test_a_photo_is_uploaded_downloaded_and_removed() -> None:
    address = f"/incidents/{make_incident().number}/attachments"
    caller = Caller(Role.TECHNICIAN)
    added = send_file(caller, address, "crack.png", photo(kind="PNG"))
    assert added.status_code == 201, added.content
    assert (added.json()["kind"], added.json()["name"]) == ("photo", "crack.jpg")
    one = f"{address}/{added.json()['id']}"
    answer = caller.send("GET", one)
    assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == ("image/jpeg", "nosniff")
    assert len(answer.getvalue()) == added.json()["size"]
    assert send_file(caller, address, "Letter.pdf", PDF).status_code == 201
    assert [row["name"] for row in caller.get(address)] == ["crack.jpg", "Letter.pdf"]
    refused = send_file(caller, address, "x.heic", HEIC)
    assert is_problem(refused, 422)
    assert refused.json()["errors"][0]["field"] == "file"
    assert caller.send("DELETE", one).status_code == 204
    assert is_problem(caller.send("GET", one), 404)


def test_who_may_only_read_or_sees_another_site_changes_and_learns_nothing() -> None:
    incident = make_incident()
    address = f"/incidents/{incident.number}"
    for caller in (Caller(Role.VIEWER), Caller(scope=ApiToken.Scope.READ)):
        assert caller.get(address)["number"] == incident.number
        assert is_problem(caller.send("POST", f"{address}/comments", {"text": "x"}), 403)
        assert is_problem(send_file(caller, f"{address}/attachments", "x.jpg", photo()), 403)
    local = Caller(Role.TECHNICIAN, sites=(make_site(),))
    depot = Caller(Role.TECHNICIAN, sites=(make_site(kind=Site.Kind.DEPOT),))
    for caller in (local, depot):
        assert caller.get("/incidents")["items"] == []
        assert is_problem(caller.send("GET", address), 404)
        assert is_problem(caller.send("PATCH", address, {"summary": "x"}), 404)
        answer = caller.send("POST", "/incidents", {"device": incident.device.serial_number, "summary": "x"})
        assert is_problem(answer, 422)
    ensure_system_statuses(actor=COMMAND_LINE)
    send_to_apple(incident, reason="Tested.", actor=COMMAND_LINE)
    assert depot.get(address)["number"] == incident.number
    assert is_problem(local.send("GET", address), 404)
