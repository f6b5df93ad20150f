"""How a device's way to Apple and back is told on pages."""

from collections.abc import Sequence

from django import template

from homeroom.accounts.policy import Viewer
from homeroom.incidents.models import Incident
from homeroom.incidents.shipping import queries
from homeroom.incidents.verbs.repairs import refusal_to_send
from homeroom.inventory.models import Assignment

register = template.Library()


@register.filter
def can_be_sent(incident: Incident) -> bool:
    """Whether sending it is a step that could come next: there must be something to send."""
    is_missing = incident.kind in {Incident.Kind.LOST, Incident.Kind.STOLEN}
    return not is_missing and refusal_to_send(incident) is None


@register.filter
def loaners_to_take_back(incident: Incident, viewer: Viewer) -> Sequence[Assignment]:
    return queries.loaners_to_take_back(viewer, [incident]).get(incident.number, ())
