import json
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import IncompleteRead, RemoteDisconnected
from urllib.parse import urlsplit

import pytest

from appleschool_sim.faults import Fault
from appleschool_sim.kinds import RequestKind
from appleschool_sim.testing import running_simulator

from .asking import Caller


@pytest.fixture
def control(apple):
    return apple.control


def coverage_path(apple, index):
    return f"orgDevices/{apple.world.serial_at(index)}/appleCareCoverage"


def test_too_many_requests_are_told_to_wait_some_seconds(control, caller):
    control.switch_on(Fault.THROTTLED, seconds=7)
    answer = caller.get("orgDevices")
    assert (answer.status, answer.error["code"]) == (429, "RATE_LIMIT_EXCEEDED")
    assert answer.headers["Retry-After"] == "7"


def test_too_many_requests_are_told_to_wait_until_a_date(control, caller):
    control.switch_on(Fault.THROTTLED_DATE, seconds=7)
    until = parsedate_to_datetime(caller.get("orgDevices").headers["Retry-After"])
    assert 6 <= (until - datetime.now(UTC)).total_seconds() <= 8


def test_too_many_requests_may_be_told_nothing(control, caller):
    control.switch_on(Fault.THROTTLED_SILENT)
    answer = caller.get("orgDevices")
    assert answer.status == 429
    assert "Retry-After" not in answer.headers


def test_token_requests_are_throttled_on_their_own(control, caller):
    control.switch_on(Fault.TOKEN_THROTTLED, seconds=3)
    answer = caller.request_token()
    assert (answer.status, answer.headers["Retry-After"]) == (429, "3")
    assert caller.get("orgDevices?limit=1").status == 200


def test_token_requests_are_refused(control, caller):
    control.switch_on(Fault.TOKEN_REFUSED)
    answer = caller.request_token()
    assert (answer.status, answer.json) == (400, {"error": "invalid_client"})


def test_an_error_may_come_as_a_page_for_people(control, caller):
    control.switch_on(Fault.SERVER_ERROR)
    answer = caller.get("orgDevices")
    assert (answer.status, answer.headers["Content-Type"]) == (500, "text/html")
    assert answer.body.startswith(b"<html>")


def test_the_service_may_be_unavailable(control, caller):
    control.switch_on(Fault.UNAVAILABLE)
    assert caller.get("orgDevices").status == 503
    assert caller.request_token().status == 200


def test_a_fault_of_the_api_meets_token_requests_if_they_are_named(control, caller):
    control.switch_on(Fault.UNAVAILABLE, kinds=[RequestKind.TOKEN])
    assert caller.request_token().status == 503
    assert caller.get("orgDevices?limit=1").status == 200


def test_a_page_is_cut_in_the_middle(control, caller):
    control.switch_on(Fault.CUT_BODY)
    with pytest.raises(IncompleteRead) as cut:
        caller.get("orgDevices")
    assert cut.value.partial.startswith(b'{"data":[{"type":"orgDevices"')
    assert cut.value.expected


def test_an_answer_is_no_json(control, caller):
    control.switch_on(Fault.BROKEN_JSON)
    answer = caller.get("orgDevices")
    assert answer.status == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.body)


def test_a_connection_is_dropped_without_an_answer(control, caller):
    control.switch_on(Fault.DROPPED)
    with pytest.raises((RemoteDisconnected, ConnectionResetError)):
        caller.get("orgDevices")


def test_an_answer_comes_late(control, caller):
    control.switch_on(Fault.SLOW, seconds=0.3)
    began = time.monotonic()
    assert caller.get("orgDevices?limit=1").status == 200
    assert time.monotonic() - began >= 0.3


def test_a_token_is_refused_in_the_middle_of_a_walk(control, caller):
    control.switch_on(Fault.UNAUTHORIZED, after=1, count=1)
    link = caller.get("orgDevices").json["links"]["next"]
    assert caller.follow(link).status == 401
    assert caller.follow(link).status == 401, "the token is not good again by itself"
    assert caller.sign_in().follow(link).status == 200


def test_a_role_may_lack_the_right(control, caller):
    control.switch_on(Fault.FORBIDDEN, kinds=[RequestKind.COVERAGE])
    assert caller.get("orgDevices?limit=1").status == 200
    answer = caller.get("orgDevices/X/appleCareCoverage")
    assert (answer.status, answer.error["code"]) == (403, "FORBIDDEN_ERROR")


def test_a_cursor_goes_stale(control, caller):
    link = caller.get("orgDevices").json["links"]["next"]
    control.switch_on(Fault.STALE_CURSOR, count=1)
    answer = caller.follow(link)
    assert (answer.status, answer.error["source"]) == (400, {"parameter": "cursor"})
    assert "is not a valid cursor for this request" in answer.error["detail"]
    assert caller.get("orgDevices").status == 200


def test_a_next_link_may_lead_to_a_foreign_host(control, caller):
    control.switch_on(Fault.FOREIGN_NEXT)
    assert urlsplit(caller.get("orgDevices").json["links"]["next"]).hostname == "apple.attacker.example"


def test_coverage_of_a_device_without_plan_may_be_not_found(apple, control, caller):
    control.switch_on(Fault.COVERAGE_NOT_FOUND)
    assert caller.get(coverage_path(apple, 2)).status == 404
    assert caller.get(coverage_path(apple, 1)).status == 404
    assert caller.get(coverage_path(apple, 0)).status == 200


def test_coverage_may_fail_for_named_devices(apple, control, caller):
    control.switch_on(Fault.COVERAGE_FAILING, serials=[apple.world.serial_at(1)])
    assert caller.get(coverage_path(apple, 1)).status == 500
    assert caller.get(coverage_path(apple, 0)).status == 200


def test_a_purchase_source_may_have_its_other_name(control, caller):
    control.switch_on(Fault.PURCHASE_SOURCE_UID)
    attributes = caller.get("orgDevices").json["data"][0]["attributes"]
    assert "purchaseSourceUid" in attributes
    assert "purchaseSourceId" not in attributes


def test_unknown_attributes_may_appear(apple, control, caller):
    control.switch_on(Fault.UNKNOWN_ATTRIBUTES)
    assert "batteryHealth" in caller.get("orgDevices").json["data"][0]["attributes"]
    assert "planTier" in caller.get(coverage_path(apple, 0)).json["data"][0]["attributes"]


def test_unknown_words_may_appear(apple, control, caller):
    control.switch_on(Fault.UNKNOWN_ENUM)
    assert caller.get("orgDevices").json["data"][0]["attributes"]["status"] == "IN_TRANSIT"
    assert caller.get(coverage_path(apple, 0)).json["data"][0]["attributes"]["paymentType"] == "BARTER"


def test_a_date_may_be_none(apple, control, caller):
    serial = apple.world.serial_at(1)
    control.switch_on(Fault.BAD_DATE, serials=[serial])
    added = {
        device["id"]: device["attributes"]["addedToOrgDateTime"]
        for device in caller.get("orgDevices").json["data"]
    }
    assert [key for key, value in added.items() if value == "2026-02-31T25:00:00Z"] == [serial]
    assert caller.get(coverage_path(apple, 1)).json["data"][0]["attributes"]["endDateTime"] == "soon"


def test_a_record_may_lack_its_serial(control, caller):
    control.switch_on(Fault.NO_SERIAL, count=1)
    first, second, *_ = caller.get("orgDevices").json["data"]
    assert "serialNumber" not in first["attributes"]
    assert "serialNumber" in second["attributes"]


def test_mac_addresses_may_come_as_arrays(control, caller):
    control.switch_on(Fault.MAC_ARRAYS)
    assert isinstance(caller.get("orgDevices").json["data"][0]["attributes"]["wifiMacAddress"], list)


@pytest.mark.parametrize("path", ["assignedServer", "relationships/assignedServer"])
def test_an_unassigned_device_may_have_a_server_with_an_empty_id(apple, control, caller, path):
    control.switch_on(Fault.EMPTY_SERVER_ID)
    serial = apple.world.serial_at(0)
    answer = caller.get(f"orgDevices/{serial}/{path}")
    assert (answer.status, answer.json["data"]) == (200, {"type": "mdmServers", "id": ""})


def test_a_fault_strikes_after_some_requests_and_so_often(control, caller):
    control.switch_on(Fault.UNAVAILABLE, after=2, count=3)
    statuses = [caller.get("orgDevices?limit=1").status for _ in range(7)]
    assert statuses == [200, 200, 503, 503, 503, 200, 200]


def test_a_limit_may_strike_named_devices_only(apple, control, caller):
    control.switch_on(Fault.THROTTLED, serials=[apple.world.serial_at(3)])
    statuses = [caller.get(coverage_path(apple, index)).status for index in (2, 3, 4)]
    assert statuses == [200, 429, 200]


def test_chance_decides_where_it_is_told_to(control, caller):
    control.switch_on(Fault.UNAVAILABLE, probability=0.5)
    assert {caller.get("orgDevices?limit=1").status for _ in range(40)} == {200, 503}


def test_a_fault_is_switched_off(control, caller):
    control.switch_on(Fault.UNAVAILABLE)
    control.switch_on(Fault.DROPPED)
    control.switch_off(Fault.DROPPED)
    assert caller.get("orgDevices").status == 503
    control.clear_faults()
    assert caller.get("orgDevices").status == 200


def test_faults_that_are_on_are_shown_with_what_they_did(control, caller):
    control.switch_on(Fault.UNAVAILABLE, count=1)
    caller.get("orgDevices")
    shown = control.state()["faults"]["unavailable"]
    assert (shown["met"], shown["struck"]) == (1, 1)


@pytest.mark.parametrize(
    "setting", [{"probability": 2}, {"after": -1}, {"seconds": -1}, {"seconds": 1e300}, {"often": True}]
)
def test_a_setting_that_makes_no_sense_is_refused(caller, setting):
    body = json.dumps({"fault": "slow", "setting": setting}).encode()
    assert caller.ask("POST", "/_control/fault", body).status == 400
    assert "slow" not in caller.simulator.control.state()["faults"]


def test_built_in_device_management_may_have_ids_of_its_own_and_tell_no_version():
    with running_simulator("business", devices=40, seed=2) as business:
        caller = Caller(business).sign_in()
        business.control.switch_on(Fault.OTHER_MDM_IDS)
        devices = caller.get("mdmDevices").json["data"]
        assert all(device["id"] != device["attributes"]["serialNumber"] for device in devices)

        def details():
            answers = [caller.get(f"mdmDevices/{device['id']}/details").json["data"] for device in devices]
            assert [answer["id"] for answer in answers] == [device["id"] for device in devices]
            return [answer["attributes"] for answer in answers]

        assert any(told.get("osVersion") for told in details())
        business.control.switch_on(Fault.NO_OS_VERSION)
        assert not any("osVersion" in told for told in details())


def test_every_fault_is_documented_and_tested(request):
    told = (request.config.rootpath / "docs" / "simulator.md").read_text()
    tested = request.path.read_text()
    for fault in Fault:
        assert f"`{fault.value}`" in told
        assert f"Fault.{fault.name}" in tested
