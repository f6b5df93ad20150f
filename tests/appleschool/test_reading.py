from datetime import UTC, date, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appleschool import AppleCareCoverage, DeviceStatus, MdmDeviceDetails, OrgDevice, UnreadableRecord
from appleschool.reading import (
    read_activation_lock,
    read_activity,
    read_coverage,
    read_id,
    read_mdm_device,
    read_mdm_device_details,
    read_mdm_server,
    read_org_device,
)

SERIAL = "DMQ7T41KXW"
IPAD = {
    "serialNumber": SERIAL,
    "addedToOrgDateTime": "2025-08-11T14:02:33.417Z",
    "releasedFromOrgDateTime": None,
    "updatedDateTime": "2025-08-20T09:15:02.118Z",
    "deviceModel": "iPad (10th generation)",
    "productFamily": "iPad",
    "productType": "iPad13,18",
    "deviceCapacity": "64GB",
    "partNumber": "MPQ13LL/A",
    "orderNumber": "1029384756",
    "color": "BLUE",
    "status": "ASSIGNED",
    "orderDateTime": "2025-08-04T07:00:00Z",
    "imei": ["350000000000001", "350000000000002"],
    "meid": [],
    "eid": None,
    "wifiMacAddress": "A4C3F0112233",
    "bluetoothMacAddress": ["a4:c3:f0:11:22:34"],
    "ethernetMacAddress": None,
    "purchaseSourceId": "0001234567",
    "purchaseSourceType": "APPLE",
    "isMdmMigrationCapable": True,
}
PLAN = {
    "description": "AppleCare+",
    "status": "ACTIVE",
    "paymentType": "PAID_UP_FRONT",
    "startDateTime": "2025-08-15T00:00:00Z",
    "endDateTime": "2028-08-14T00:00:00Z",
    "agreementNumber": "9700012345678",
    "isRenewable": False,
    "isCanceled": False,
    "contractCancelDateTime": None,
}


def device(**attributes) -> OrgDevice:
    record = read_org_device({"type": "orgDevices", "id": SERIAL, "attributes": IPAD | attributes})
    assert isinstance(record, OrgDevice)
    return record


def coverage(**attributes) -> AppleCareCoverage:
    record = read_coverage({"type": "appleCareCoverage", "id": "97", "attributes": PLAN | attributes})
    assert isinstance(record, AppleCareCoverage)
    return record


def test_a_device_is_read_with_all_that_apple_says_of_it():
    read = device()
    assert read == OrgDevice(
        serial_number=SERIAL,
        added_to_org_at=datetime(2025, 8, 11, 14, 2, 33, 417000, UTC),
        updated_at=datetime(2025, 8, 20, 9, 15, 2, 118000, UTC),
        ordered_at=datetime(2025, 8, 4, 7, tzinfo=UTC),
        device_model="iPad (10th generation)",
        product_family="iPad",
        product_type="iPad13,18",
        device_capacity="64GB",
        capacity_bytes=64_000_000_000,
        part_number="MPQ13LL/A",
        order_number="1029384756",
        color="BLUE",
        status=DeviceStatus.ASSIGNED,
        imei=("350000000000001", "350000000000002"),
        wifi_mac_addresses=("A4:C3:F0:11:22:33",),
        bluetooth_mac_addresses=("A4:C3:F0:11:22:34",),
        purchase_source_id="0001234567",
        purchase_source_type="APPLE",
        is_mdm_migration_capable=True,
        attributes=IPAD,
    )


def test_records_are_frozen():
    with pytest.raises(AttributeError):
        device().status = "ELSEWHERE"


def test_unknown_fields_are_kept_and_absent_ones_are_none():
    read = read_org_device({"id": SERIAL, "attributes": {"newInApi9": {"a": [1]}}})
    assert read.serial_number == SERIAL
    assert read.attributes == {"newInApi9": {"a": [1]}}
    assert read.status is None
    assert read.problems == ()


@pytest.mark.parametrize("record", [{"id": SERIAL}, {"id": SERIAL, "attributes": None}])
def test_a_device_without_attributes_is_still_a_device(record):
    assert read_org_device(record) == OrgDevice(serial_number=SERIAL, attributes={})


def test_the_serial_number_falls_back_to_the_id():
    record = {"id": SERIAL, "attributes": {"serialNumber": 5}}
    assert read_org_device(record).serial_number == SERIAL
    assert read_org_device(record).problems == ("$.attributes.serialNumber is not a text: 5.",)


def test_unknown_words_are_kept():
    assert device(status="ON_LOAN", productFamily="iPod").status == "ON_LOAN"
    assert device(status="ON_LOAN").problems == ()


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("64GB", 64 * 10**9),
        ("750GB", 750 * 10**9),
        ("1TB", 10**12),
        ("1.5 TB", 1_500_000_000_000),
        ("512MB", 512 * 10**6),
        ("a lot", None),
        ("", None),
        ("64GBGB", None),
        ("٦٤GB", None),
    ],
)
def test_the_capacity_is_read_in_bytes(text, size):
    assert device(deviceCapacity=text).capacity_bytes == size


@pytest.mark.parametrize(
    ("value", "addresses"),
    [
        ("A4C3F0112233", ("A4:C3:F0:11:22:33",)),
        (["a4-c3-f0-11-22-33", "A4:C3:F0:11:22:34"], ("A4:C3:F0:11:22:33", "A4:C3:F0:11:22:34")),
        ("none", ("none",)),
        ("", ()),
        ([], ()),
        (None, ()),
    ],
)
def test_an_address_may_be_a_text_or_a_list(value, addresses):
    read = device(wifiMacAddress=value)
    assert read.wifi_mac_addresses == addresses
    assert read.problems == ()


def test_either_spelling_of_the_purchase_source_is_read():
    attributes = {"purchaseSourceUid": "-2085650007946880"}
    assert read_org_device({"id": SERIAL, "attributes": attributes}).purchase_source_id == "-2085650007946880"


def test_an_odd_value_costs_its_field_and_not_the_record():
    read = device(addedToOrgDateTime="soon", color=7, imei=["1", 2], isMdmMigrationCapable="yes")
    assert (read.added_to_org_at, read.color, read.imei, read.is_mdm_migration_capable) == (
        None,
        None,
        (),
        None,
    )
    assert read.problems == (
        "$.attributes.addedToOrgDateTime is not a time: 'soon'.",
        "$.attributes.color is not a text: 7.",
        "$.attributes.imei is not a list of texts: a list.",
        "$.attributes.isMdmMigrationCapable is not true or false: 'yes'.",
    )
    assert read.device_model == "iPad (10th generation)"
    assert read.attributes["color"] == 7


def test_attributes_that_are_no_object_cost_everything_but_the_identity():
    read = read_org_device({"id": SERIAL, "attributes": ["x"]}, "$.data[3]")
    assert read.serial_number == SERIAL
    assert read.problems == ("$.data[3].attributes is not an object: a list.",)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (None, "$.data[2] is not an object: nothing."),
        ("x", "$.data[2] is not an object: 'x'."),
        ([], "$.data[2] is not an object: a list."),
        ({}, "$.data[2].id is not a usable text: nothing."),
        ({"id": 5}, "$.data[2].id is not a usable text: 5."),
        ({"id": "  "}, "$.data[2].id is not a usable text: '  '."),
        ({"id": "A\0B"}, "$.data[2].id is not a usable text: 'A\\x00B'."),
        ({"id": {}, "attributes": {"serialNumber": []}}, "$.data[2].id is not a usable text: an object."),
    ],
)
def test_a_record_without_identity_is_handed_over_as_it_is(record, reason):
    assert read_org_device(record, "$.data[2]") == UnreadableRecord(record, reason)
    assert read_coverage(record, "$.data[2]") == UnreadableRecord(record, reason)


def test_a_coverage_is_read_with_apples_calendar_dates():
    assert coverage() == AppleCareCoverage(
        id="97",
        description="AppleCare+",
        status="ACTIVE",
        payment_type="PAID_UP_FRONT",
        starts=date(2025, 8, 15),
        ends=date(2028, 8, 14),
        is_renewable=False,
        is_canceled=False,
        agreement_number="9700012345678",
        attributes=PLAN,
    )


def test_a_coverage_without_an_end_is_no_problem():
    read = coverage(endDateTime=None, agreementNumber=None)
    assert (read.ends, read.agreement_number, read.problems) == (None, None, ())


def test_an_odd_end_is_named():
    read = coverage(endDateTime="2026-02-30T00:00:00Z")
    assert read.ends is None
    assert read.problems == ("$.attributes.endDateTime is not a date: '2026-02-30T00:00:00Z'.",)


@pytest.mark.parametrize(
    "text", ["2026-08-14T00:00:00Z", "2026-08-14T00:00:00.000Z", "2026-08-14", "2026-08-14T23:59:59Z"]
)
def test_every_way_to_write_a_day_is_that_day(text):
    assert coverage(endDateTime=text).ends == date(2026, 8, 14)


def test_a_time_with_another_offset_is_brought_to_utc():
    read = device(updatedDateTime="2026-01-01T00:30:00+01:00")
    assert read.updated_at == datetime(2025, 12, 31, 23, 30, tzinfo=UTC)
    assert read.updated_at.tzinfo is UTC


def test_a_server_is_read():
    attributes = {
        "serverName": "Mosyle",
        "serverType": "MDM",
        "createdDateTime": "2025-04-30T22:05:14.192Z",
        "status": "ACTIVE",
        "deviceCount": 12,
        "defaultProductFamilies": ["IPAD", "MAC"],
        "enableMdmDisownFlag": False,
        "lastConnectedDateTime": None,
        "lastConnectedIp": "192.0.2.7",
    }
    server = read_mdm_server({"id": "7C0E", "attributes": attributes})
    assert (server.id, server.name, server.type, server.status) == ("7C0E", "Mosyle", "MDM", "ACTIVE")
    assert (server.device_count, server.default_product_families) == (12, ("IPAD", "MAC"))
    assert (server.enable_mdm_disown_flag, server.last_connected_ip) == (False, "192.0.2.7")
    assert server.created_at == datetime(2025, 4, 30, 22, 5, 14, 192000, UTC)
    assert server.last_connected_at is None
    assert read_mdm_server({"id": "7C", "attributes": {"deviceCount": True}}).device_count is None


def test_an_activity_is_read():
    attributes = {
        "status": "COMPLETED",
        "subStatus": "COMPLETED_WITH_ERROR",
        "createdDateTime": "2025-04-30T22:05:14.192Z",
        "completedDateTime": "2025-04-30T22:05:25.192Z",
        "downloadUrl": "https://elsewhere.example/log.csv",
    }
    activity = read_activity({"id": "a", "attributes": attributes})
    assert (activity.status, activity.sub_status) == ("COMPLETED", "COMPLETED_WITH_ERROR")
    assert (activity.completed_at - activity.created_at).seconds == 11
    assert activity.download_url == "https://elsewhere.example/log.csv"


def test_an_activation_lock_is_read():
    lock = read_activation_lock({"id": SERIAL, "attributes": {"isLocked": True, "lockType": "USER"}})
    assert (lock.id, lock.is_locked, lock.lock_type) == (SERIAL, True, "USER")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
HOSTILE = JSON | st.fixed_dictionaries(
    {},
    optional={
        "id": JSON | st.just(SERIAL),
        "type": JSON,
        "attributes": JSON | st.dictionaries(st.sampled_from([*IPAD, *PLAN]), JSON),
    },
)


@pytest.mark.parametrize(
    "read",
    [
        read_org_device,
        read_coverage,
        read_mdm_server,
        read_mdm_device,
        read_mdm_device_details,
        read_activity,
        read_activation_lock,
        read_id,
    ],
)
@given(record=HOSTILE)
def test_whatever_apple_sends_it_is_read_or_handed_over(read, record):
    result = read(record, "$.data[0]")
    if isinstance(result, UnreadableRecord):
        assert result.raw is record
        assert result.reason.startswith("$.data[0]")
    elif not isinstance(result, str):
        assert all(problem.startswith("$.data[0].attributes") for problem in result.problems)
        assert isinstance(result.attributes, dict)


def test_details_of_built_in_device_management_may_lack_anything_and_name_it_otherwise():
    assert read_mdm_device_details({"id": SERIAL}) == MdmDeviceDetails(id=SERIAL, attributes={})
    for name in ("osVersion", "operatingSystemVersion"):
        assert read_mdm_device_details({"id": "1", "attributes": {name: "26.1"}}).os_version == "26.1"
    odd = read_mdm_device_details(
        {"id": "1", "attributes": {"osVersion": 26.1, "lastCheckInDateTime": "soon", "platform": None}}
    )
    assert (odd.os_version, odd.last_check_in_at, odd.platform) == (None, None, None)
    assert odd.problems == (
        "$.attributes.osVersion is not a text: 26.1.",
        "$.attributes.lastCheckInDateTime is not a time: 'soon'.",
    )


def test_a_device_of_built_in_device_management_falls_back_to_its_id():
    assert read_mdm_device({"id": SERIAL, "attributes": {"serialNumber": None}}).serial_number == SERIAL
    assert read_mdm_device({"id": "M-1", "attributes": {"serialNumber": SERIAL}}).serial_number == SERIAL


@given(st.dictionaries(st.sampled_from([*PLAN]), JSON))
def test_every_value_that_was_not_understood_is_named(attributes):
    read = read_coverage({"id": "97", "attributes": attributes})
    fields = {
        "startDateTime": read.starts,
        "endDateTime": read.ends,
        "contractCancelDateTime": read.contract_cancelled,
        "isCanceled": read.is_canceled,
        "description": read.description,
    }
    for name, value in fields.items():
        named = any(problem.startswith(f"$.attributes.{name} ") for problem in read.problems)
        assert named == (attributes.get(name) not in (None, "") and value is None)


def test_a_lone_surrogate_never_gets_as_far():
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(b'"\\ud800"')
