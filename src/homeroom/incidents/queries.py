"""What can be asked about incidents. Every answer is cut to what the viewer sees."""

from django.db.models import Q, QuerySet

from homeroom.accounts.policy import Permission, Viewer
from homeroom.incidents.models import Incident, IncidentStatus
from homeroom.inventory.models import Device
from homeroom.inventory.queries import visible_devices


def incident_statuses() -> QuerySet[IncidentStatus]:
    """Takes no viewer: a setting of the whole district."""
    return IncidentStatus.objects.order_by("-is_open", "name")


def choosable_statuses() -> QuerySet[IncidentStatus]:
    """What a person may set by hand."""
    return incident_statuses().filter(system_key__isnull=True)


def incidents(viewer: Viewer) -> QuerySet[Incident]:
    """Of the devices that the viewer sees."""
    if not viewer.may(Permission.VIEW_INCIDENTS):
        return Incident.objects.none()
    if viewer.site_ids is None:
        return Incident.objects.all()
    return Incident.objects.filter(device__in=visible_devices(viewer))


def at_apple(viewer: Viewer) -> QuerySet[Incident]:
    """Incidents whose device is at Apple, the longest away first."""
    return incidents(viewer).filter(is_at_apple()).order_by("sent_at", "number")


def is_at_apple(path: str = "") -> Q:
    """Of incidents, or with a `path` of what has them."""
    return Q(**{f"{path}status__system_key": IncidentStatus.SystemKey.SENT_FOR_APPLECARE_REPAIR})


def incidents_of_device(device: Device) -> QuerySet[Incident]:
    """Takes no viewer: who sees the device sees what befell it."""
    return device.incidents.select_related("status", "person", "technician").order_by("-number")


def devices_at_apple(viewer: Viewer) -> Q | None:
    """What a depot's technician sees of other sites' devices."""
    if not viewer.works_at_depot:
        return None
    return Q(pk__in=Incident.objects.filter(is_at_apple()).order_by().values("device"))
