"""What requests name by its own name: sites, statuses, people."""

from homeroom.accounts.policy import Viewer
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
