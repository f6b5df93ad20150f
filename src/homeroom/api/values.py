"""What requests name by its own name: sites, statuses, people, technicians."""

from homeroom.accounts.models import User
from homeroom.accounts.policy import Viewer
from homeroom.incidents.models import IncidentStatus
from homeroom.incidents.queries import incident_statuses, technicians
from homeroom.inventory import queries
from homeroom.inventory.models import DeviceStatus, Person, Site
from homeroom.web.errors import Refused


def site_named(viewer: Viewer, name: str) -> Site:
    site = queries.visible_sites(viewer).filter(name=name).first()
    if site is None:
        raise Refused(f"There is no site “{name}” that you see.", field="site")
    return site


def status_named(name: str) -> DeviceStatus:
    status = queries.statuses().filter(name=name).first()
    if status is None:
        raise Refused(f"There is no status “{name}”.", field="status")
    return status


def person_with(viewer: Viewer, external_id: str) -> Person:
    person = queries.visible_people(viewer).filter(external_id=external_id).first()
    if person is None:
        raise Refused(
            f"There is no person with the external ID “{external_id}” that you see.", field="person"
        )
    return person


def incident_status_named(name: str) -> IncidentStatus:
    status = incident_statuses().filter(name=name).first()
    if status is None:
        raise Refused(f"There is no incident status “{name}”.", field="status")
    return status


def technician_with(email: str) -> User:
    user = technicians().filter(email__iexact=email.strip()).first()
    if user is None:
        raise Refused(f"Nobody with the email address “{email}” works on incidents.", field="technician")
    return user
