import re

import pytest

from .conftest import DEVICES

MILLISECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
SECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture
def listed(caller):
    return [device for page in caller.pages("orgDevices?limit=100") for device in page["data"]]


def test_a_walk_lists_every_device_once_in_a_steady_order(apple, listed):
    assert [device["id"] for device in listed] == [device.serial for device in apple.world.devices()]


def test_a_page_has_a_hundred_devices_unless_told(caller):
    page = caller.get("orgDevices").json
    assert len(page["data"]) == page["meta"]["paging"]["limit"] == 100


def test_the_last_page_has_no_next(caller):
    *others, last = caller.pages("orgDevices?limit=100")
    assert all("nextCursor" in page["meta"]["paging"] for page in others)
    assert last["links"].keys() == {"self"}
    assert last["meta"] == {"paging": {"limit": 100}}


def test_a_full_last_page_has_no_next_either(caller):
    assert len(caller.pages(f"orgDevices?limit={DEVICES // 2}")) == 2


def test_next_keeps_limit_and_fields(caller):
    pages = caller.pages("orgDevices?limit=100&fields%5BorgDevices%5D=color,assignedServer")
    assert len(pages) == 3
    for page in pages:
        assert page["meta"]["paging"]["limit"] == 100
        assert all(device["attributes"].keys() == {"color"} for device in page["data"])
        assert all(device["relationships"].keys() == {"assignedServer"} for device in page["data"])


def test_a_bare_cursor_goes_on_with_the_limit_and_fields_it_was_made_with(caller):
    first = caller.get("orgDevices?limit=20&fields[orgDevices]=color").json
    second = caller.get(f"orgDevices?cursor={first['meta']['paging']['nextCursor']}").json
    assert second["meta"]["paging"]["limit"] == 20
    assert second["data"][0]["attributes"].keys() == {"color"}


def test_a_cursor_may_be_used_with_another_limit(apple, caller):
    cursor = caller.get("orgDevices?limit=20").json["meta"]["paging"]["nextCursor"]
    page = caller.get(f"orgDevices?cursor={cursor}&limit=5").json
    assert [device["id"] for device in page["data"]] == [apple.world.serial_at(n) for n in range(20, 25)]


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "many", "", "1.5", "%D9%A3", "1" * 5000])
def test_a_bad_limit_is_refused(caller, limit):
    answer = caller.get(f"orgDevices?limit={limit}")
    assert (answer.status, answer.error["code"]) == (400, "PARAMETER_ERROR.INVALID")
    assert answer.error["source"] == {"parameter": "limit"}
    assert answer.error["status"] == "400"


@pytest.mark.parametrize("cursor", ["", "MDowOjE3NTQ5", "%20", "a", "%C3%BC"])
def test_an_invented_cursor_is_refused(caller, cursor):
    answer = caller.get(f"orgDevices?cursor={cursor}")
    assert (answer.status, answer.error["source"]) == (400, {"parameter": "cursor"})


def test_a_cursor_of_another_list_is_refused(caller):
    cursor = caller.get("mdmServers?limit=1").json["meta"]["paging"]["nextCursor"]
    assert caller.get(f"orgDevices?cursor={cursor}").status == 400


def test_an_unknown_field_is_refused(caller):
    answer = caller.get("orgDevices?fields[orgDevices]=color,warranty")
    assert answer.error["source"] == {"parameter": "fields[orgDevices]"}


def test_an_unknown_parameter_is_refused(caller):
    answer = caller.get("orgDevices?filter[status]=ASSIGNED")
    assert (answer.status, answer.error["code"]) == (400, "PARAMETER_ERROR.ILLEGAL")


def test_links_carry_the_host_that_was_asked(caller):
    page = caller.get("orgDevices?limit=1", Host="apple.example:8080").json
    assert page["links"]["self"] == "http://apple.example:8080/v1/orgDevices"
    assert page["links"]["next"].startswith("http://apple.example:8080/v1/orgDevices?")
    assert page["data"][0]["links"]["self"].startswith("http://apple.example:8080/v1/orgDevices/")


def test_both_formats_of_time_occur(listed):
    attributes = listed[0]["attributes"]
    assert MILLISECONDS.fullmatch(attributes["addedToOrgDateTime"])
    assert MILLISECONDS.fullmatch(attributes["updatedDateTime"])
    assert SECONDS.fullmatch(attributes["orderDateTime"])


def test_a_field_without_value_may_be_null_or_absent(listed):
    assert listed[11]["attributes"]["orderNumber"] is None
    assert "orderNumber" not in listed[12]["attributes"]


def test_a_color_may_be_empty(listed):
    assert listed[10]["attributes"]["color"] == ""


def test_a_custom_build_has_a_part_number_without_suffix(listed):
    assert listed[6]["attributes"]["partNumber"] == "Z0UK"


def test_mac_addresses_are_strings_and_those_of_ethernet_arrays(listed):
    attributes = listed[6]["attributes"]
    assert isinstance(attributes["wifiMacAddress"], str)
    assert isinstance(attributes["ethernetMacAddress"], list)


def test_only_macs_tell_an_address_of_built_in_ethernet(apple):
    wired = {device.model.family for device in apple.world.devices() if device.ethernet_mac}
    assert wired == {"Mac"}


def test_a_device_has_links_to_what_belongs_to_it(apple, listed):
    link = f"{apple.api_url}/orgDevices/{listed[0]['id']}"
    assert listed[0]["relationships"] == {
        "assignedServer": {
            "links": {"self": f"{link}/relationships/assignedServer", "related": f"{link}/assignedServer"}
        },
        "appleCareCoverage": {"links": {"related": f"{link}/appleCareCoverage"}},
        "activationLockStatus": {"links": {"related": f"{link}/activationLockStatus"}},
    }


def test_one_device_is_the_same_as_in_the_list(apple, caller, listed):
    answer = caller.get(f"orgDevices/{listed[3]['id']}").json
    assert answer == {
        "data": listed[3],
        "links": {"self": f"{apple.api_url}/orgDevices/{listed[3]['id']}"},
    }


def test_one_device_may_be_asked_for_some_fields(caller, listed):
    answer = caller.get(f"orgDevices/{listed[0]['id']}?fields[orgDevices]=status").json
    assert answer["data"]["attributes"].keys() == {"status"}
    assert "relationships" not in answer["data"]


def test_an_unknown_device_is_not_found(caller):
    answer = caller.get("orgDevices/NOSUCH0001")
    assert answer.error | {"id": "", "title": ""} == {
        "id": "",
        "status": "404",
        "code": "NOT_FOUND",
        "title": "",
        "detail": "There is no resource of type 'orgDevices' with id 'NOSUCH0001'",
    }


def test_a_serial_in_lower_case_is_not_found(caller, listed):
    assert caller.get(f"orgDevices/{listed[0]['id'].lower()}").status == 404


def test_every_answer_carries_apples_headers(caller):
    headers = caller.get("orgDevices?limit=1").headers
    assert headers["Server"] == "Apple"
    assert headers["Content-Type"] == "application/json"
    assert len(headers["X-Apple-Request-UUID"]) == 36
    assert headers["Date"].endswith("GMT")


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html, application/json;q=0.5"])
def test_json_is_acceptable(caller, accept):
    assert caller.get("orgDevices?limit=1", Accept=accept).status == 200


@pytest.mark.parametrize("accept", ["text/html", "application/vnd.api+json"])
def test_anything_else_is_not_acceptable(caller, accept):
    assert caller.get("orgDevices?limit=1", Accept=accept).status == 406


def test_an_unknown_path_is_not_found(caller):
    assert caller.get("users").status == 404
    assert caller.ask("GET", "/elsewhere").status == 404


def test_devices_can_not_be_deleted(caller):
    assert caller.ask("DELETE", "/v1/orgDevices").status == 405
