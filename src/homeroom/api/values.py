"""What requests name by its own name: sites, statuses, people, technicians; and kinds of things."""

from collections.abc import Mapping
from typing import Annotated, Any

from django.db.models import Choices
from django.utils.translation import gettext as _
from ninja import Schema
from pydantic import WithJsonSchema, model_validator

from homeroom.accounts.models import User
from homeroom.accounts.policy import Viewer
from homeroom.incidents.models import Incident, IncidentStatus
from homeroom.incidents.queries import incident_statuses, technicians
from homeroom.insurance.models import Kind
from homeroom.inventory import queries
from homeroom.inventory.models import Assignment, DeviceStatus, Person, Site
from homeroom.web.errors import Refused


def _one_of(choices: type[Choices]) -> WithJsonSchema:
    """Describe the words where they are used: definitions of classes of the same name would displace each other."""
    return WithJsonSchema({"type": "string", "enum": choices.values})


class Body(Schema):
    """What a request brings. Where every field may be left out, the library would take anything for an object."""

    @model_validator(mode="before")
    @classmethod
    def _is_an_object(cls, value: Any) -> Any:
        brought = getattr(value, "_obj", value)  # within the library's reader of attributes
        if not isinstance(brought, Mapping):
            raise ValueError(_("Send a JSON object."))  # noqa: TRY004 - pydantic tells of this one
        return value


PersonKind = Annotated[Person.Kind, _one_of(Person.Kind)]
AssignmentKind = Annotated[Assignment.Kind, _one_of(Assignment.Kind)]
InsuranceKind = Annotated[Kind, _one_of(Kind)]
IncidentKind = Annotated[Incident.Kind, _one_of(Incident.Kind)]
SiteKind = Annotated[Site.Kind, _one_of(Site.Kind)]


def site_named(viewer: Viewer, name: str) -> Site:
    site = queries.visible_sites(viewer).filter(name=name).first()
    if site is None:
        raise Refused(_("There is no site “%(name)s” that you see.") % {"name": name}, field="site")
    return site


def status_named(name: str) -> DeviceStatus:
    status = queries.statuses().filter(name=name).first()
    if status is None:
        raise Refused(_("There is no status “%(name)s”.") % {"name": name}, field="status")
    return status


def person_with(viewer: Viewer, external_id: str) -> Person:
    person = queries.visible_people(viewer).filter(external_id=external_id).first()
    if person is None:
        raise Refused(
            _("There is no person with the external ID “%(id)s” that you see.") % {"id": external_id},
            field="person",
        )
    return person


def incident_status_named(name: str) -> IncidentStatus:
    status = incident_statuses().filter(name=name).first()
    if status is None:
        raise Refused(_("There is no incident status “%(name)s”.") % {"name": name}, field="status")
    return status


def technician_with(email: str) -> User:
    user = technicians().filter(email__iexact=email.strip()).first()
    if user is None:
        raise Refused(
            _("Nobody with the email address “%(email)s” works on incidents.") % {"email": email},
            field="technician",
        )
    return user
