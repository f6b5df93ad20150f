"""Assigning, unassigning, migrating and releasing devices: the API's only write."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import msgspec

from appleschool_sim.devices import Device, digest
from appleschool_sim.errors import Refusal, no_such
from appleschool_sim.kinds import Kind
from appleschool_sim.rendering import with_milliseconds
from appleschool_sim.routes import LOG_PATH
from appleschool_sim.world import World

KEPT = timedelta(days=30)
DURATION = timedelta(seconds=10)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
FARTHEST_DEADLINE = timedelta(days=90)
ASSIGN = {"ASSIGN_DEVICES", "ASSIGN_DEVICES_WITH_MDM_MIGRATION_DEADLINE"}
NEEDS_SERVER = ASSIGN | {"UNASSIGN_DEVICES"}
NEEDS_DEADLINE = {"ASSIGN_DEVICES_WITH_MDM_MIGRATION_DEADLINE", "UPDATE_MDM_MIGRATION_DEADLINE"}
EVERYWHERE = NEEDS_SERVER | NEEDS_DEADLINE | {"CANCEL_MDM_MIGRATION"}
BUSINESS_ONLY = {"RELEASE_DEVICES"}


class _Identifier(msgspec.Struct):
    type: str
    id: str


class _ToOne(msgspec.Struct):
    data: _Identifier


class _ToMany(msgspec.Struct):
    data: list[_Identifier]


class _Relationships(msgspec.Struct, rename="camel"):
    devices: _ToMany
    mdm_server: _ToOne | None = None


class _Metadata(msgspec.Struct, rename="camel"):
    mdm_migration_deadline_date_time: datetime | None = None


class _Attributes(msgspec.Struct, rename="camel"):
    activity_type: str
    activity_type_metadata: _Metadata | None = None


class _Request(msgspec.Struct):
    type: str
    attributes: _Attributes
    relationships: _Relationships


class _Document(msgspec.Struct):
    data: _Request


class Activity(msgspec.Struct, frozen=True):
    """Which devices it was done to, by serial; False where it could not be done."""

    id: str
    created: datetime
    outcomes: dict[str, bool]


class Activities:
    """Takes activities and tells how far they are.

    The devices change at once; the activity ends ten seconds later.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._made: dict[str, Activity] = {}

    def create(self, body: bytes, now: datetime) -> dict[str, Any]:
        request = self._parsed(body)
        devices = [self._device(each) for each in request.relationships.devices.data]
        server_id = self._server_id(request)
        deadline = self._deadline(request, now)
        kind = request.attributes.activity_type
        outcomes = {device.serial: self._change(device, kind, server_id, deadline, now) for device in devices}
        identity = UUID(bytes=digest(self._world.seed, "activity", len(self._made))[:16], version=4)
        made = Activity(str(identity), now, outcomes)
        self._made[made.id] = made
        return self._resource(made, now, base="")

    def show(self, identity: str, now: datetime, *, base: str) -> dict[str, Any]:
        return self._resource(self._kept(identity, now), now, base=base)

    def log(self, identity: str, signature: str, now: datetime) -> bytes:
        """The file behind a `downloadUrl`, whose signature is all the permission it needs."""
        if signature != self._signature(identity):
            raise Refusal(403, "The signature does not match")
        made = self._kept(identity, now)
        rows = [f"{serial},{'SUCCESS' if done else 'ERROR'}" for serial, done in made.outcomes.items()]
        return "\r\n".join(("serialNumber,status", *rows, "")).encode()

    def _kept(self, identity: str, now: datetime) -> Activity:
        made = self._made.get(identity)
        if made is None or now - made.created > KEPT:
            raise no_such("orgDeviceActivities", identity)
        return made

    def _signature(self, identity: str) -> str:
        return digest(self._world.seed, "activity log", identity).hex()

    def _parsed(self, body: bytes) -> _Request:
        try:
            request = msgspec.json.decode(body, type=_Document).data
        except msgspec.DecodeError as error:
            raise Refusal(422, f"The request entity is not valid: {error}") from error
        known = EVERYWHERE | BUSINESS_ONLY if self._world.kind is Kind.BUSINESS else EVERYWHERE
        kind = request.attributes.activity_type
        if request.type != "orgDeviceActivities" or kind not in known:
            raise Refusal(
                422,
                f"'{kind}' is not a valid activityType",
                source={"pointer": "/data/attributes/activityType"},
            )
        if not request.relationships.devices.data:
            raise _conflict("devices", "at least one device is needed")
        return request

    def _device(self, identifier: _Identifier) -> Device:
        device = self._world.device(identifier.id) if identifier.type == "orgDevices" else None
        if device is None or device.released is not None:
            raise _conflict("devices", f"there is no device '{identifier.id}'")
        return device

    def _server_id(self, request: _Request) -> str | None:
        kind, named = request.attributes.activity_type, request.relationships.mdm_server
        if kind not in NEEDS_SERVER:
            return None
        if named is None or self._world.server(named.data.id) is None:
            raise _conflict("mdmServer", "a valid device management service is needed")
        return named.data.id

    @staticmethod
    def _deadline(request: _Request, now: datetime) -> datetime | None:
        kind, metadata = request.attributes.activity_type, request.attributes.activity_type_metadata
        if kind not in NEEDS_DEADLINE:
            return None
        deadline = None if metadata is None else metadata.mdm_migration_deadline_date_time
        is_zoned = deadline is not None and deadline.tzinfo is not None
        if deadline is None or not is_zoned or not LONG_AGO < deadline <= now + FARTHEST_DEADLINE:
            raise Refusal(
                409,
                "The migration deadline must be given and lie no more than 90 days ahead",
                code="ENTITY_ERROR.ATTRIBUTE.INVALID",
                source={"pointer": "/data/attributes/activityTypeMetadata/mdmMigrationDeadlineDateTime"},
            )
        return deadline.astimezone(UTC)

    def _change(
        self, device: Device, kind: str, server_id: str | None, deadline: datetime | None, now: datetime
    ) -> bool:
        """Do it to one device; False where Apple's log would show an error."""
        changed: dict[str, Any] = {"updated": now}
        if kind in ASSIGN:
            changed["server_id"] = server_id
        if kind == "UNASSIGN_DEVICES":
            changed["server_id"] = None
        if kind == "RELEASE_DEVICES":
            changed |= {"server_id": None, "released": now}
        if kind in NEEDS_DEADLINE:
            changed |= {"migration_status": "REQUESTED", "migration_deadline": deadline}
        if kind == "CANCEL_MDM_MIGRATION":
            changed |= {"migration_status": None, "migration_deadline": None}
        if kind == "ASSIGN_DEVICES" and device.server_id == server_id:
            return False
        if kind == "UNASSIGN_DEVICES" and device.server_id != server_id:
            return False
        self._world.change(msgspec.structs.replace(device, **changed))
        return True

    def _resource(self, activity: Activity, now: datetime, *, base: str) -> dict[str, Any]:
        attributes: dict[str, Any] = {
            "status": "IN_PROGRESS",
            "subStatus": "SUBMITTED" if now == activity.created else "PROCESSING",
            "createdDateTime": with_milliseconds(activity.created),
        }
        if now - activity.created >= DURATION:
            is_done = all(activity.outcomes.values())
            name = quote(f'attachment;filename="activity-{activity.id}.csv"')
            signature = self._signature(activity.id)
            log = f"{LOG_PATH}{activity.id}?response-content-disposition={name}&signature={signature}"
            attributes |= {
                "status": "COMPLETED",
                "subStatus": "COMPLETED_WITH_SUCCESS" if is_done else "COMPLETED_WITH_ERROR",
                "completedDateTime": with_milliseconds(activity.created + DURATION),
                "downloadUrl": base + log,
            }
        return {"type": "orgDeviceActivities", "id": activity.id, "attributes": attributes}


def _conflict(relationship: str, detail: str) -> Refusal:
    return Refusal(
        409,
        f"The relationship '{relationship}' is not valid: {detail}",
        source={"pointer": f"/data/relationships/{relationship}"},
    )
