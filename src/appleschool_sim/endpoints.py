"""What each of the API's endpoints answers."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol

import msgspec

from appleschool_sim.activities import Activities
from appleschool_sim.built_in import DETAIL_FIELDS, MDM_DEVICE_FIELDS, OTHER_ID, details_of, mdm_device
from appleschool_sim.clock import Clock
from appleschool_sim.counters import Counters
from appleschool_sim.devices import Device
from appleschool_sim.errors import Refusal, no_such
from appleschool_sim.faults import Fault, Faults
from appleschool_sim.kinds import RequestKind
from appleschool_sim.paging import Cursors, PageRequest, check_parameters, parse_fields, parse_limit
from appleschool_sim.rendering import (
    ACTIVITY_FIELDS,
    COVERAGE_FIELDS,
    DEVICE_FIELDS,
    LOCK_FIELDS,
    SERVER_FIELDS,
    chosen,
    coverage_attributes,
    damage_coverage,
    damage_device,
    device_attributes,
    device_resource,
    server_resource,
)
from appleschool_sim.world import MdmServer, World

FOREIGN_HOST = "https://apple.attacker.example"
NO_PARAMETERS: frozenset[str] = frozenset()


class Call(NamedTuple):
    """A request that may be answered: who asks is settled."""

    kind: RequestKind
    identity: str
    query: Mapping[str, str]
    base: str
    path: str
    body: bytes = b""

    @property
    def link(self) -> str:
        return self.base + self.path


class Answer(NamedTuple):
    status: int
    content: dict[str, Any]


class Endpoint(Protocol):
    def __call__(self, call: Call) -> Answer: ...


class Endpoints:
    """Answers calls from the world. Authentication, limits and faults of transport lie before it."""

    def __init__(
        self, world: World, clock: Clock, faults: Faults, counters: Counters, activities: Activities
    ) -> None:
        self._world = world
        self._clock = clock
        self._faults = faults
        self._counters = counters
        self._activities = activities
        self._device_cursors = Cursors(world.seed, "orgDevices", DEVICE_FIELDS)
        self._server_cursors = Cursors(world.seed, "mdmServers", SERVER_FIELDS)
        self._mdm_cursors = Cursors(world.seed, "mdmDevices", MDM_DEVICE_FIELDS)
        self._endpoints: dict[RequestKind, Endpoint] = {
            RequestKind.DEVICES: self._devices,
            RequestKind.DEVICE: self._device,
            RequestKind.COVERAGE: self._coverage,
            RequestKind.ASSIGNED_SERVER_LINKAGE: self._assigned_server_linkage,
            RequestKind.ASSIGNED_SERVER: self._assigned_server,
            RequestKind.ACTIVATION_LOCK: self._activation_lock,
            RequestKind.SERVERS: self._servers,
            RequestKind.SERVER: self._server,
            RequestKind.SERVER_DEVICES: self._server_devices,
            RequestKind.MDM_DEVICES: self._mdm_devices,
            RequestKind.MDM_DEVICE_DETAILS: self._mdm_device_details,
            RequestKind.CREATE_ACTIVITY: self._create_activity,
            RequestKind.ACTIVITY: self._activity,
        }

    def answer(self, call: Call) -> Answer:
        return self._endpoints[call.kind](call)

    def _devices(self, call: Call) -> Answer:
        check_parameters(call.query, frozenset({"limit", "cursor", "fields[orgDevices]"}))
        page = self._device_cursors.read(call.query)
        self._refuse_stale(call, self._device_cursors)
        listed, following = self._page(page, self._world.devices(page.position))
        self._counters.devices_listed += len(listed)
        resources = [self._device_resource(device, call, page.fields) for device in listed]
        return self._list(call, resources, page, following, self._device_cursors)

    def _device(self, call: Call) -> Answer:
        check_parameters(call.query, frozenset({"fields[orgDevices]"}))
        fields = parse_fields(call.query, "orgDevices", DEVICE_FIELDS)
        resource = self._device_resource(self._known(call.identity), call, fields)
        return Answer(200, {"data": resource, "links": {"self": call.link}})

    def _coverage(self, call: Call) -> Answer:
        check_parameters(call.query, frozenset({"limit", "fields[appleCareCoverage]"}))
        fields = parse_fields(call.query, "appleCareCoverage", COVERAGE_FIELDS)
        limit = parse_limit(call.query) or 100
        device = self._known(call.identity)
        self._counters.covered(device.index)
        now = self._clock.now()
        records = self._world.coverage_at(device.index, now)
        if self._faults.active:
            if not any(record.is_plan for record in records) and self._strikes(
                Fault.COVERAGE_NOT_FOUND, call
            ):
                raise no_such("appleCareCoverage", call.identity)
            if self._strikes(Fault.COVERAGE_FAILING, call):
                raise Refusal(500, "An unexpected error occurred on the server side")
        resources = []
        for record in records[:limit]:
            attributes = chosen(
                coverage_attributes(record, now.date(), leaves_out_empty=device.index % 3 == 1), fields
            )
            if self._faults.active:
                damage_coverage(attributes, device.serial, self._faults)
            resources.append({"type": "appleCareCoverage", "id": record.id, "attributes": attributes})
        content = {"data": resources, "links": {"self": call.link}, "meta": {"paging": {"limit": limit}}}
        return Answer(200, content)

    def _assigned_server_linkage(self, call: Call) -> Answer:
        check_parameters(call.query, NO_PARAMETERS)
        server_id = self._server_id_of(call)
        related = call.link.replace("/relationships/", "/")
        content = {
            "data": {"type": "mdmServers", "id": server_id},
            "links": {"self": call.link, "related": related},
        }
        return Answer(200, content)

    def _assigned_server(self, call: Call) -> Answer:
        check_parameters(call.query, frozenset({"fields[mdmServers]"}))
        fields = parse_fields(call.query, "mdmServers", SERVER_FIELDS)
        server = self._world.server(self._server_id_of(call))
        data = (
            {"type": "mdmServers", "id": ""}
            if server is None
            else self._server_resource(server, call, fields)
        )
        return Answer(200, {"data": data, "links": {"self": call.link}})

    def _activation_lock(self, call: Call) -> Answer:
        check_parameters(call.query, frozenset({"fields[activationLockStatus]"}))
        fields = parse_fields(call.query, "activationLockStatus", LOCK_FIELDS)
        device = self._known(call.identity)
        if device.server_id is None or device.released is not None:
            raise no_such("activationLockStatus", call.identity)
        lock = ("MDM", "MDM", "USER", "NONE")[device.index % 4]
        attributes = chosen({"isLocked": lock != "NONE", "lockType": lock}, fields)
        data = {"type": "activationLockStatus", "id": device.serial, "attributes": attributes}
        return Answer(200, {"data": data, "links": {"self": call.link}})

    def _servers(self, call: Call) -> Answer:
        check_parameters(call.query, frozenset({"limit", "cursor", "fields[mdmServers]"}))
        page = self._server_cursors.read(call.query)
        servers = self._world.servers[page.position : page.position + page.limit]
        end = page.position + page.limit
        following = end if end < len(self._world.servers) else None
        resources = [self._server_resource(server, call, page.fields) for server in servers]
        return self._list(call, resources, page, following, self._server_cursors)

    def _server(self, call: Call) -> Answer:
        check_parameters(call.query, frozenset({"fields[mdmServers]"}))
        fields = parse_fields(call.query, "mdmServers", SERVER_FIELDS)
        resource = self._server_resource(self._known_server(call.identity), call, fields)
        return Answer(200, {"data": resource, "links": {"self": call.link}})

    def _server_devices(self, call: Call) -> Answer:
        check_parameters(call.query, frozenset({"limit", "cursor"}))
        server = self._known_server(call.identity)
        cursors = Cursors(self._world.seed, f"mdmServers/{server.id}", None)
        page = cursors.read(call.query)
        self._refuse_stale(call, cursors)
        serials, following = self._page_of_server(server, page)
        resources = [{"type": "orgDevices", "id": serial} for serial in serials]
        return self._list(call, resources, page, following, cursors)

    def _mdm_devices(self, call: Call) -> Answer:
        server = self._built_in_server(call)
        check_parameters(call.query, frozenset({"limit", "cursor", "fields[mdmDevices]"}))
        page = self._mdm_cursors.read(call.query)
        self._refuse_stale(call, self._mdm_cursors)
        serials, following = self._page_of_server(server, page)
        prefix = OTHER_ID if self._strikes(Fault.OTHER_MDM_IDS, call) else ""
        resources = [
            mdm_device(
                self._world.seed,
                self._known(serial),
                mdm_id=prefix + serial,
                base=call.base,
                fields=page.fields,
            )
            for serial in serials
        ]
        return self._list(call, resources, page, following, self._mdm_cursors)

    def _mdm_device_details(self, call: Call) -> Answer:
        server = self._built_in_server(call)
        check_parameters(call.query, frozenset({"fields[mdmDeviceDetails]"}))
        fields = parse_fields(call.query, "mdmDeviceDetails", DETAIL_FIELDS)
        device = self._world.device(call.identity.removeprefix(OTHER_ID))
        if device is None or device.server_id != server.id or device.released is not None:
            raise no_such("mdmDevices", call.identity)
        attributes = chosen(details_of(self._world.seed, device, self._clock.now()), fields)
        if self._strikes(Fault.NO_OS_VERSION, call):
            attributes.pop("osVersion", None)
        data = {"type": "mdmDeviceDetails", "id": call.identity, "attributes": attributes}
        return Answer(200, {"data": data, "links": {"self": call.link}})

    def _built_in_server(self, call: Call) -> MdmServer:
        if (server := self._world.built_in_server) is None:
            raise Refusal(404, f"The path provided does not match a defined resource type: {call.path}")
        return server

    def _page_of_server(self, server: MdmServer, page: PageRequest) -> tuple[list[str], int | None]:
        """Serials of a server's devices, and the position at which the next page begins."""
        world = self._world
        serials: list[str] = []
        for index in range(page.position, world.positions):
            if world.server_id_at(index) != server.id or world.is_released(index):
                continue
            if len(serials) == page.limit:
                return serials, index
            serials.append(world.serial_at(index))
        return serials, None

    def _create_activity(self, call: Call) -> Answer:
        check_parameters(call.query, NO_PARAMETERS)
        return Answer(
            201, {"data": self._activities.create(call.body, self._clock.now()), "links": {"self": call.link}}
        )

    def _activity(self, call: Call) -> Answer:
        check_parameters(call.query, frozenset({"fields[orgDeviceActivities]"}))
        fields = parse_fields(call.query, "orgDeviceActivities", ACTIVITY_FIELDS)
        data = self._activities.show(call.identity, self._clock.now(), base=call.base)
        data["attributes"] = chosen(data["attributes"], fields)
        return Answer(200, {"data": data, "links": {"self": call.link}})

    def _known(self, serial: str) -> Device:
        if (device := self._world.device(serial)) is None:
            raise no_such("orgDevices", serial)
        return device

    def _known_server(self, server_id: str) -> MdmServer:
        if (server := self._world.server(server_id)) is None:
            raise no_such("mdmServers", server_id)
        return server

    def _server_id_of(self, call: Call) -> str:
        """The device's server; empty where Apple answers for an unassigned device without one."""
        device = self._known(call.identity)
        if device.server_id is not None and device.released is None:
            return device.server_id
        if self._strikes(Fault.EMPTY_SERVER_ID, call):
            return ""
        raise Refusal(404, f"There is no related resource 'assignedServer' for device '{call.identity}'")

    def _strikes(self, fault: Fault, call: Call) -> bool:
        return self._faults.strikes(fault, call.kind, call.identity) is not None

    def _refuse_stale(self, call: Call, cursors: Cursors) -> None:
        if "cursor" in call.query and self._strikes(Fault.STALE_CURSOR, call):
            raise cursors.stale(call.query["cursor"])

    @staticmethod
    def _page(page: PageRequest, devices: Iterator[Device]) -> tuple[list[Device], int | None]:
        """A page's devices and the position at which the next page begins."""
        listed: list[Device] = []
        for device in devices:
            if len(listed) == page.limit:
                return listed, device.index
            listed.append(device)
        return listed, None

    def _device_resource(self, device: Device, call: Call, fields: frozenset[str] | None) -> dict[str, Any]:
        attributes = chosen(device_attributes(device, shows_release=call.kind is RequestKind.DEVICE), fields)
        if self._faults.active:
            damage_device(attributes, device, self._faults, call.kind)
        return device_resource(device, attributes, base=call.base, fields=fields)

    def _server_resource(
        self, server: MdmServer, call: Call, fields: frozenset[str] | None
    ) -> dict[str, Any]:
        count = self._world.device_count(server.id)
        return server_resource(
            server, device_count=count, seen=self._clock.now(), base=call.base, fields=fields
        )

    def _list(
        self, call: Call, resources: list[Any], page: PageRequest, following: int | None, cursors: Cursors
    ) -> Answer:
        links = {"self": call.link}
        paging: dict[str, Any] = {"limit": page.limit}
        if following is not None:
            cursor = cursors.write(page, following)
            host = FOREIGN_HOST if self._strikes(Fault.FOREIGN_NEXT, call) else call.base
            links["next"] = f"{host}{call.path}?{cursors.next_query(page, cursor)}"
            paging["nextCursor"] = cursor
        return Answer(200, {"data": resources, "links": links, "meta": {"paging": paging}})


def to_json(answer: Answer) -> bytes:
    return msgspec.json.encode(answer.content)
