"""Incidents that are ready for Apple, and others that are not."""

from typing import Any

from django.utils import timezone

from homeroom.applesync.models import Connection, RepairCheck
from homeroom.audit.actors import COMMAND_LINE
from homeroom.incidents.models import Attachment, Incident, Shipment
from homeroom.incidents.verbs.incidents import open_incident
from homeroom.incidents.verbs.repairs import send_to_apple
from homeroom.incidents.verbs.shipments import add_unit, create_shipment
from homeroom.inventory.models import Assignment, Device, Person
from homeroom.inventory.verbs.assignments import check_out
from tests.applesync.mirrors import make_connection
from tests.builders import make_device, make_person
from tests.insurance.records import make_synced_record


def cracked(device: Device | None = None, **values: Any) -> Incident:
    given = {"summary": "Cracked screen"} | values
    return open_incident(device or make_device(), actor=COMMAND_LINE, **given)


def ready(device: Device | None = None) -> Incident:
    """Covered, photographed, nobody's, and Apple says that all is well."""
    if not Connection.objects.filter(active=True).exists():
        make_connection()
    incident = cracked(device)
    make_synced_record(incident.device)
    Attachment.objects.create(incident=incident, kind="photo", file="incidents/gone.jpg", size=1)
    apple_says(incident.device)
    return incident


def apple_says(device: Device, **values: Any) -> RepairCheck:
    """Unless told otherwise: known, not assigned to anything, not locked, asked just now."""
    given = {"standing": "known", "is_assigned": False, "product_family": "iPad", "asked_at": timezone.now()}
    return RepairCheck.objects.update_or_create(device=device, defaults=given | values)[0]


def sent(device: Device | None = None, **values: Any) -> Incident:
    return send_to_apple(cracked(device), reason="Tested.", actor=COMMAND_LINE, **values)


def box_of(*incidents: Incident, **values: Any) -> Shipment:
    box = create_shipment(actor=COMMAND_LINE, **values)
    for incident in incidents:
        add_unit(box, incident, actor=COMMAND_LINE)
    return box


def lent(person: Person, **values: Any) -> Device:
    """A loaner that the person has now."""
    loaner = make_device(**values)
    check_out(loaner, person, kind=Assignment.Kind.LOANER, actor=COMMAND_LINE)
    return loaner


def in_use(**values: Any) -> tuple[Device, Person]:
    device, person = make_device(**values), make_person()
    check_out(device, person, actor=COMMAND_LINE)
    return device, person
