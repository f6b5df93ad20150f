"""How incidents look: the tone of a status, the icon of a kind, how long a device is away."""

from dataclasses import dataclass

from django import template
from django.conf import settings
from django.utils.safestring import SafeString

from homeroom.incidents.models import Incident, IncidentStatus
from homeroom.insurance.queries import today
from homeroom.web.templatetags.homeroom import icon

register = template.Library()


@dataclass(frozen=True, slots=True)
class Look:
    icon: str


_Kind = Incident.Kind
KIND_LOOKS = {
    _Kind.HARDWARE: Look(icon="tool"),
    _Kind.SCREEN: Look(icon="device-tablet-x"),
    _Kind.BATTERY: Look(icon="battery-1"),
    _Kind.LIQUID: Look(icon="droplet"),
    _Kind.LOST: Look(icon="map-search"),
    _Kind.STOLEN: Look(icon="lock-open"),
    _Kind.OTHER: Look(icon="help-circle"),
}
SYSTEM_TONES = {
    IncidentStatus.SystemKey.SENT_FOR_APPLECARE_REPAIR: "purple",
    IncidentStatus.SystemKey.APPLECARE_REPLACEMENT_RECEIVED: "green",
}


@register.filter
def status_tone(status: IncidentStatus) -> str:
    if status.system_key:
        return SYSTEM_TONES[IncidentStatus.SystemKey(status.system_key)]
    return "blue" if status.is_open else "secondary"


@register.filter
def kind_icon(kind: str) -> SafeString:
    return icon(KIND_LOOKS[_Kind(kind)].icon)


@register.filter
def days_out(incident: Incident) -> int | None:
    """How many days its device has been at Apple; None for one that is not there."""
    if not incident.is_at_apple or incident.shipped_on is None:
        return None
    return (today() - incident.shipped_on).days


@register.filter
def is_overdue(incident: Incident) -> bool:
    return (days_out(incident) or 0) > settings.CONFIGURATION.repair_overdue_days
