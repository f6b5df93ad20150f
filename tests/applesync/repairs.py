"""Devices at Apple and what may replace them, without asking anybody."""

from datetime import UTC, datetime
from typing import Any

from homeroom.applesync.models import AppleDevice, Connection, Replacement
from homeroom.applesync.replacements.evidence import Evidence, Kind, stored
from homeroom.audit.actors import COMMAND_LINE
from homeroom.incidents.models import Incident
from homeroom.incidents.verbs.incidents import open_incident
from homeroom.incidents.verbs.repairs import send_to_apple
from homeroom.incidents.verbs.statuses import ensure_system_statuses as ensure_incident_statuses
from homeroom.inventory.models import Device, Person
from homeroom.inventory.verbs.assignments import check_out
from homeroom.inventory.verbs.statuses import ensure_system_statuses as ensure_device_statuses
from tests.applesync.mirrors import make_connection, make_listed
from tests.builders import make_device, make_person

EVIDENCE = (
    Evidence(Kind.SAME_MODEL, original="iPad (10th generation)", replacement="iPad (10th generation)"),
    Evidence(Kind.STILL_LISTED, original="OLD1"),
    Evidence(Kind.OTHER_COLOR, original="SILVER", replacement="BLUE"),
)


def connected(**values: Any) -> Connection:
    """A connection, with the statuses that one brings."""
    ensure_device_statuses(actor=COMMAND_LINE)
    ensure_incident_statuses(actor=COMMAND_LINE)
    return make_connection(**values)


def make_at_apple(
    connection: Connection | None = None, *, person: Person | None = None, shipment: Any = None, **values: Any
) -> Incident:
    """An incident whose device is at Apple; a person had it. `values` are the device's."""
    device = make_device(**values)
    if connection:
        make_listed(device.serial_number or "", connection, device=device, order_number="4711")
    check_out(device, person or make_person(site=device.site), actor=COMMAND_LINE)
    incident = open_incident(device, summary="Cracked screen", actor=COMMAND_LINE)
    return send_to_apple(incident, reason="Tested.", actor=COMMAND_LINE, shipment=shipment)


def suggest(candidate: AppleDevice, incident: Incident, **values: Any) -> Replacement:
    given: dict[str, Any] = {
        "original_serial": incident.device.serial_number or "",
        "order_number": candidate.order_number,
        "evidence": [stored(each) for each in EVIDENCE],
    }
    return Replacement.objects.create(
        connection=candidate.connection,
        incident=incident,
        replacement_serial=candidate.serial_number,
        apple_device=candidate,
        **given | values,
    )


def make_candidate(serial_number: str, connection: Connection, **values: Any) -> AppleDevice:
    """A new device with an order number as Apple's replacements have it."""
    given = {"order_number": f"R{serial_number}", "added_at": datetime.now(UTC)}
    return make_listed(serial_number, connection, **given | values)


def device_of(serial_number: str) -> Device:
    return Device.objects.get(serial_number=serial_number)
