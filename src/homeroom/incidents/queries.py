"""What can be asked about incidents."""

from django.db.models import QuerySet

from homeroom.incidents.models import IncidentStatus


def incident_statuses() -> QuerySet[IncidentStatus]:
    """Takes no viewer: a setting of the whole district."""
    return IncidentStatus.objects.order_by("-is_open", "name")
