"""Apple's built-in device management, which Apple Business alone has."""

import pytest

from appleschool_sim.actions import Change
from appleschool_sim.testing import running_simulator

from .asking import Caller


@pytest.fixture(scope="module")
def business():
    with running_simulator("business", devices=120, seed=2) as simulator:
        yield simulator


@pytest.fixture
def caller(business):
    return Caller(business).sign_in()


@pytest.fixture
def enrolled(business):
    server = business.world.built_in_server
    return [device.serial for device in business.world.devices() if device.server_id == server.id]


def test_its_service_stands_among_the_others(business, caller, enrolled):
    [service] = [
        server
        for server in caller.get("mdmServers").json["data"]
        if server["attributes"]["serverType"] == "APPLE_MDM"
    ]
    assert service["id"] == business.world.built_in_server.id
    assert service["attributes"]["deviceCount"] == len(enrolled) == 24


def test_it_lists_its_devices_in_pages(caller, enrolled):
    pages = caller.pages("mdmDevices?limit=10")
    assert [len(page["data"]) for page in pages] == [10, 10, 4]
    devices = [device for page in pages for device in page["data"]]
    assert [device["attributes"]["serialNumber"] for device in devices] == enrolled
    assert all("osVersion" not in device["attributes"] for device in devices)


def test_it_knows_the_details_of_each(caller, enrolled):
    details = [caller.get(f"mdmDevices/{serial}/details").json["data"] for serial in enrolled]
    assert {each["type"] for each in details} == {"mdmDeviceDetails"}
    versions = [each["attributes"].get("osVersion") for each in details]
    assert None in versions
    assert len(set(versions)) > 2
    for each in details:
        told = each["attributes"]
        assert bool(told.get("osVersion")) == bool(told.get("lastCheckInDateTime"))
        assert 0 < told["storageFreeCapacity"] < told["storageTotalCapacity"]


def test_fields_are_chosen(caller, enrolled):
    path = f"mdmDevices/{enrolled[0]}/details?fields[mdmDeviceDetails]=platform"
    assert caller.get(path).json["data"]["attributes"].keys() == {"platform"}
    listed = caller.get("mdmDevices?limit=1&fields[mdmDevices]=serialNumber").json["data"][0]
    assert listed["attributes"] == {"serialNumber": enrolled[0]}
    assert "relationships" not in listed
    assert caller.get("mdmDevices?fields[mdmDevices]=osVersion").status == 400


def test_devices_elsewhere_are_unknown_to_it(business, caller, enrolled):
    other = next(device.serial for device in business.world.devices() if device.serial not in enrolled)
    assert caller.get(f"mdmDevices/{other}/details").status == 404
    assert caller.get("mdmDevices/NOSUCH/details").status == 404


def test_an_os_version_changes(business, caller, enrolled):
    business.control.change(Change(serial=enrolled[3], os_version="27.0"))
    told = caller.get(f"mdmDevices/{enrolled[3]}/details").json["data"]["attributes"]
    assert told["osVersion"] == "27.0"


def test_apple_school_manager_has_no_such_thing():
    with running_simulator(devices=3) as school:
        caller = Caller(school).sign_in()
        assert caller.get("mdmDevices").status == 404
        assert caller.get(f"mdmDevices/{school.world.serial_at(0)}/details").status == 404
        assert school.world.built_in_server is None
