import csv
from datetime import UTC, datetime, timedelta
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from appleschool_sim.kinds import Kind
from appleschool_sim.testing import running_simulator

from .asking import Caller


def document(kind, serials, *, server=None, deadline=None):
    attributes = {"activityType": kind}
    if deadline:
        attributes["activityTypeMetadata"] = {"mdmMigrationDeadlineDateTime": deadline.isoformat()}
    relationships = {"devices": {"data": [{"type": "orgDevices", "id": serial} for serial in serials]}}
    if server:
        relationships["mdmServer"] = {"data": {"type": "mdmServers", "id": server}}
    return {"data": {"type": "orgDeviceActivities", "attributes": attributes, "relationships": relationships}}


@pytest.fixture
def serial(fresh_apple):
    """An unassigned device."""
    return next(device.serial for device in fresh_apple.world.devices() if not device.server_id)


@pytest.fixture
def server(fresh_apple):
    return fresh_apple.world.servers[1].id


def attributes_of(caller, serial):
    return caller.get(f"orgDevices/{serial}").json["data"]["attributes"]


def test_an_assignment_is_taken_and_shows_on_the_device(fresh_apple, fresh_caller, serial, server):
    answer = fresh_caller.post("orgDeviceActivities", document("ASSIGN_DEVICES", [serial], server=server))
    assert answer.status == 201
    assert answer.json["links"]["self"] == f"{fresh_apple.api_url}/orgDeviceActivities"
    assert answer.json["data"]["attributes"]["status"] == "IN_PROGRESS"
    assert answer.json["data"]["attributes"]["subStatus"] == "SUBMITTED"
    assert attributes_of(fresh_caller, serial)["status"] == "ASSIGNED"
    assert fresh_caller.get(f"orgDevices/{serial}/assignedServer").json["data"]["id"] == server


def test_an_activity_completes_after_ten_seconds(fresh_apple, fresh_caller, serial, server):
    made = fresh_caller.post("orgDeviceActivities", document("ASSIGN_DEVICES", [serial], server=server)).json
    path = f"orgDeviceActivities/{made['data']['id']}"
    assert fresh_caller.get(path).json["data"]["attributes"]["status"] == "IN_PROGRESS"
    fresh_apple.control.advance_clock(timedelta(seconds=10))
    attributes = fresh_caller.get(path).json["data"]["attributes"]
    assert (attributes["status"], attributes["subStatus"]) == ("COMPLETED", "COMPLETED_WITH_SUCCESS")
    assert fresh_caller.get(f"{path}?fields[orgDeviceActivities]=status").json["data"]["attributes"] == {
        "status": "COMPLETED"
    }


def test_an_activity_is_forgotten_after_thirty_days(fresh_apple, fresh_caller, serial, server):
    made = fresh_caller.post("orgDeviceActivities", document("ASSIGN_DEVICES", [serial], server=server)).json
    fresh_apple.control.advance_clock(timedelta(days=31))
    assert fresh_caller.sign_in().get(f"orgDeviceActivities/{made['data']['id']}").status == 404


def test_assigning_again_completes_with_an_error(fresh_apple, fresh_caller, serial, server):
    for _ in range(2):
        made = fresh_caller.post(
            "orgDeviceActivities", document("ASSIGN_DEVICES", [serial], server=server)
        ).json
    fresh_apple.control.advance_clock(timedelta(seconds=10))
    attributes = fresh_caller.get(f"orgDeviceActivities/{made['data']['id']}").json["data"]["attributes"]
    assert attributes["subStatus"] == "COMPLETED_WITH_ERROR"


def test_a_completed_activity_has_a_log_that_takes_no_bearer_token(fresh_apple, fresh_caller, serial, server):
    there = next(device.serial for device in fresh_apple.world.devices() if device.server_id == server)
    body = document("ASSIGN_DEVICES", [serial, there], server=server)
    made = fresh_caller.post("orgDeviceActivities", body).json["data"]
    assert "downloadUrl" not in made["attributes"]
    fresh_apple.control.advance_clock(timedelta(seconds=10))
    done = fresh_caller.get(f"orgDeviceActivities/{made['id']}").json["data"]
    address = done["attributes"]["downloadUrl"]
    assert "response-content-disposition=" in address
    with urlopen(address) as answer:
        assert answer.headers["Content-Type"] == "text/csv"
        assert answer.headers["Content-Disposition"].startswith("attachment;filename=")
        rows = list(csv.reader(answer.read().decode().splitlines()))
    assert rows == [["serialNumber", "status"], [serial, "SUCCESS"], [there, "ERROR"]]
    assert fresh_caller.follow(address).status == 400


def test_a_log_needs_its_signature(fresh_apple, fresh_caller, serial, server):
    body = document("ASSIGN_DEVICES", [serial], server=server)
    identity = fresh_caller.post("orgDeviceActivities", body).json["data"]["id"]
    with pytest.raises(HTTPError) as refused:
        urlopen(f"{fresh_apple.address}/activityLogs/{identity}?signature=guessed")
    with refused.value as answer:
        assert answer.code == 403


def test_a_device_is_unassigned(fresh_caller, serial, server):
    fresh_caller.post("orgDeviceActivities", document("ASSIGN_DEVICES", [serial], server=server))
    fresh_caller.post("orgDeviceActivities", document("UNASSIGN_DEVICES", [serial], server=server))
    assert attributes_of(fresh_caller, serial)["status"] == "UNASSIGNED"


def test_a_migration_is_requested_and_cancelled(fresh_caller, serial, server):
    deadline = datetime.now(UTC) + timedelta(days=30)
    kind = "ASSIGN_DEVICES_WITH_MDM_MIGRATION_DEADLINE"
    answer = fresh_caller.post(
        "orgDeviceActivities", document(kind, [serial], server=server, deadline=deadline)
    )
    assert answer.status == 201
    assert attributes_of(fresh_caller, serial)["mdmMigrationStatus"] == "REQUESTED"
    fresh_caller.post("orgDeviceActivities", document("CANCEL_MDM_MIGRATION", [serial]))
    assert "mdmMigrationStatus" not in attributes_of(fresh_caller, serial)


@pytest.mark.parametrize("days", [91, -365_000, None])
def test_a_deadline_out_of_range_is_a_conflict(fresh_caller, serial, days):
    deadline = days and datetime.now(UTC) + timedelta(days=days)
    answer = fresh_caller.post(
        "orgDeviceActivities", document("UPDATE_MDM_MIGRATION_DEADLINE", [serial], deadline=deadline)
    )
    assert answer.status == 409


def test_an_unknown_device_or_server_is_a_conflict(fresh_caller, serial, server):
    for wrong in (
        document("ASSIGN_DEVICES", ["NOSUCH0001"], server=server),
        document("ASSIGN_DEVICES", [serial], server="ABC"),
        document("ASSIGN_DEVICES", [serial]),
        document("ASSIGN_DEVICES", [], server=server),
    ):
        answer = fresh_caller.post("orgDeviceActivities", wrong)
        assert (answer.status, answer.error["code"]) == (409, "ENTITY_ERROR.RELATIONSHIP.INVALID")


def test_what_is_no_activity_can_not_be_processed(fresh_caller, serial):
    for wrong in ({}, {"data": 1}, document("PAINT_DEVICES", [serial])):
        assert fresh_caller.post("orgDeviceActivities", wrong).status == 422
    plain = fresh_caller.ask("POST", "/v1/orgDeviceActivities", b"{}", Content_Type="text/plain")
    assert plain.status == 422


def test_a_school_can_not_release_devices(fresh_caller, serial):
    assert fresh_caller.post("orgDeviceActivities", document("RELEASE_DEVICES", [serial])).status == 422


def test_a_business_can_release_devices():
    with running_simulator(Kind.BUSINESS, devices=3) as business:
        caller = Caller(business).sign_in()
        serial = business.world.serial_at(1)
        assert caller.post("orgDeviceActivities", document("RELEASE_DEVICES", [serial])).status == 201
        assert len(caller.get("orgDevices").json["data"]) == 2
        assert attributes_of(caller, serial)["releasedFromOrgDateTime"]


def test_an_unknown_activity_is_not_found(fresh_caller):
    assert fresh_caller.get("orgDeviceActivities/5b1f6a52-0c7e-4d0b-9f8c-2f2f0e6b7a11").status == 404
