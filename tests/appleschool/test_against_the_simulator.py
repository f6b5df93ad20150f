"""The client on the simulated Apple, over HTTP: that both read the same facts the same way."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from appleschool import (
    AppleSchool,
    Credentials,
    Forbidden,
    ForeignLink,
    InvalidClient,
    Kind,
    Limits,
    NotFound,
    OrgDevice,
    PrivateKey,
    StaleCursor,
    UnreadableRecord,
)
from appleschool_sim.faults import Fault
from appleschool_sim.testing import RunningSimulator, running_simulator

from .clocks import TurnedClock

DEVICES = 250
FIELDS_BY_NAME = {
    "serial_number": "serialNumber",
    "device_model": "deviceModel",
    "color": "color",
    "order_number": "orderNumber",
}


@pytest.fixture(scope="module")
def shared_simulator() -> Iterator[RunningSimulator]:
    with running_simulator(devices=DEVICES) as simulator:
        yield simulator


@pytest.fixture
def simulator(shared_simulator: RunningSimulator) -> RunningSimulator:
    shared_simulator.control.clear_faults()
    return shared_simulator


def client(simulator: RunningSimulator, **options) -> AppleSchool:
    given = simulator.credentials
    return AppleSchool(
        Credentials(
            client_id=given.client_id,
            key_id=given.key_id,
            private_key=PrivateKey.from_pem(given.private_key_path.read_bytes()),
        ),
        api_url=simulator.api_url,
        token_url=simulator.token_url,
        **({"limits": Limits(max_rate=0, concurrency=8), "clock": TurnedClock(time.time())} | options),
    )


async def listed(apple: AppleSchool, *, limit: int = 100) -> list[OrgDevice | UnreadableRecord]:
    return [record async for page in apple.org_devices(limit=limit) for record in page.records]


async def test_every_device_is_read_without_a_problem(simulator):
    async with client(simulator) as apple:
        records = await listed(apple)
    assert [record.problems for record in records] == [()] * DEVICES
    devices = list(simulator.world.devices())
    assert {record.serial_number for record in records} == {device.serial for device in devices}
    for record in records:
        for field, name in FIELDS_BY_NAME.items():
            assert getattr(record, field) == record.attributes.get(name)
        assert (record.capacity_bytes is None) == (not record.device_capacity)


async def test_every_coverage_is_read_without_a_problem(simulator):
    serials = [device.serial for device in simulator.world.devices()]
    async with client(simulator) as apple:
        answers = await asyncio.gather(*(apple.apple_care_coverage(serial) for serial in serials))
    for serial, coverages in zip(serials, answers, strict=True):
        assert all(coverage.problems == () for coverage in coverages)
        assert len(coverages) == len(simulator.world.coverage(serial))


async def test_the_servers_and_the_devices_on_them_agree_with_each_device(simulator):
    async with client(simulator) as apple:
        pages = [page async for page in apple.mdm_servers()]
        servers = [server for page in pages for server in page.records]
        assert [server.problems for server in servers] == [()] * len(servers)
        on_first = [
            serial async for page in apple.mdm_server_device_ids(servers[0].id) for serial in page.records
        ]
        for serial in on_first[:3]:
            assert await apple.assigned_server_id(serial) == servers[0].id
            assert (await apple.assigned_server(serial)).name == servers[0].name
        assert (await apple.mdm_server(servers[0].id)).id == servers[0].id
        assert (await apple.activation_lock_status(on_first[0])).problems == ()


async def test_what_apple_does_not_know_is_not_found(simulator):
    async with client(simulator) as apple:
        with pytest.raises(NotFound):
            await apple.org_device("NOSUCH0001")
        with pytest.raises(NotFound):
            await apple.apple_care_coverage("NOSUCH0001")
        with pytest.raises(NotFound):
            await apple.activity("nosuch")
        assert await apple.assigned_server_id("NOSUCH0001") is None


@pytest.mark.parametrize(
    "fault",
    [
        Fault.THROTTLED,
        Fault.THROTTLED_DATE,
        Fault.THROTTLED_SILENT,
        Fault.TOKEN_THROTTLED,
        Fault.SERVER_ERROR,
        Fault.UNAVAILABLE,
        Fault.CUT_BODY,
        Fault.BROKEN_JSON,
        Fault.DROPPED,
        Fault.UNAUTHORIZED,
    ],
)
async def test_a_passing_trouble_does_not_show(simulator, fault):
    simulator.control.switch_on(fault, count=1)
    async with client(simulator) as apple:
        assert len(await listed(apple)) == DEVICES


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.FORBIDDEN, Forbidden),
        (Fault.TOKEN_REFUSED, InvalidClient),
        (Fault.STALE_CURSOR, StaleCursor),
        (Fault.FOREIGN_NEXT, ForeignLink),
    ],
)
async def test_a_lasting_trouble_has_its_name(simulator, fault, kind):
    simulator.control.switch_on(fault)
    async with client(simulator) as apple:
        with pytest.raises(kind):
            await listed(apple)


async def test_no_cover_is_an_empty_list_or_not_found(simulator):
    world = simulator.world
    serial = next(device.serial for device in world.devices() if not world.coverage(device.serial))
    async with client(simulator) as apple:
        assert await apple.apple_care_coverage(serial) == []
        simulator.control.switch_on(Fault.COVERAGE_NOT_FOUND)
        with pytest.raises(NotFound):
            await apple.apple_care_coverage(serial)


@pytest.mark.parametrize(
    "fault",
    [Fault.PURCHASE_SOURCE_UID, Fault.UNKNOWN_ATTRIBUTES, Fault.UNKNOWN_ENUM, Fault.MAC_ARRAYS],
)
async def test_a_change_of_apples_format_is_taken_as_it_comes(simulator, fault):
    simulator.control.switch_on(fault)
    async with client(simulator) as apple:
        records = await listed(apple)
    assert len(records) == DEVICES
    assert all(record.problems == () for record in records)
    assert any(record.purchase_source_id for record in records)
    assert any(record.wifi_mac_addresses for record in records)


async def test_an_odd_record_stands_among_the_others(simulator):
    simulator.control.switch_on(Fault.NO_SERIAL, count=1)
    simulator.control.switch_on(Fault.BAD_DATE, count=1)
    async with client(simulator) as apple:
        records = await listed(apple)
    assert len(records) == DEVICES
    assert sum(isinstance(record, UnreadableRecord) for record in records) <= 1
    assert sum(bool(record.problems) for record in records if isinstance(record, OrgDevice)) == 1


async def test_an_unset_server_is_none(simulator):
    simulator.control.switch_on(Fault.EMPTY_SERVER_ID)
    async with client(simulator) as apple:
        assert await apple.assigned_server_id(simulator.world.device_at(0).serial) is None


async def test_built_in_device_management_is_read_without_a_problem():
    with running_simulator("business", devices=200) as business:
        server = business.world.built_in_server.id
        enrolled = [device.serial for device in business.world.devices() if device.server_id == server]
        business.control.switch_on(Fault.OTHER_MDM_IDS)
        async with client(business, kind=Kind.BUSINESS) as apple:
            devices = [record async for page in apple.mdm_devices(limit=7) for record in page.records]
            assert [device.serial_number for device in devices] == enrolled
            details = [await apple.mdm_device_details(device.id) for device in devices]
            with pytest.raises(NotFound):
                await apple.mdm_device_details("NOSUCH0001")
    assert [record.problems for record in (*devices, *details)] == [()] * 2 * len(enrolled)
    assert [each.serial_number for each in details] == enrolled
    assert any(each.os_version for each in details)
    assert all((each.os_version is None) == (each.last_check_in_at is None) for each in details)
    assert all(each.storage_free < each.storage_total for each in details)


async def test_a_school_has_no_built_in_device_management(simulator):
    async with client(simulator) as apple:
        with pytest.raises(NotFound):
            await anext(apple.mdm_devices())
