"""Incident statuses: the district's own, and those that belong to the Apple School Manager integration."""

from django.db import transaction
from django.utils.translation import gettext as _

from homeroom.audit.actors import Actor
from homeroom.audit.verbs import record
from homeroom.incidents.models import Incident, IncidentStatus
from homeroom.inventory.verbs.statuses import as_stored, free_name, make_room_for, refuse_system, system_name
from homeroom.web.errors import Refused

DEFAULT_OPEN, DEFAULT_CLOSED = "New", "Closed"
DEFAULT_STATUSES = {DEFAULT_OPEN: True, "In progress": True, DEFAULT_CLOSED: False}

_Key = IncidentStatus.SystemKey


@transaction.atomic
def add_default_statuses() -> None:
    """Give an installation without statuses of its own its first ones."""
    if not IncidentStatus.objects.district_own().exists():
        IncidentStatus.objects.bulk_create(
            IncidentStatus(name=name, is_open=is_open) for name, is_open in DEFAULT_STATUSES.items()
        )


def default_status(*, is_open: bool) -> IncidentStatus:
    """The status of a new or a closed incident: *New* or *Closed*, or the oldest of the district's own of its kind."""
    name = DEFAULT_OPEN if is_open else DEFAULT_CLOSED
    own = IncidentStatus.objects.district_own().filter(is_open=is_open)
    status = own.filter(name=name).first() or own.order_by("pk").first()
    return status or IncidentStatus.objects.create(name=name, is_open=is_open)


@transaction.atomic
def ensure_system_statuses(*, actor: Actor) -> None:
    """Create the statuses of the AppleCare replacement workflow, where they are missing. Both are open."""
    present = set(
        IncidentStatus.objects.filter(system_key__isnull=False).values_list("system_key", flat=True)
    )
    for key in _Key:
        if key not in present:
            name = system_name(key)
            make_room_for(name, IncidentStatus, actor=actor)
            status = IncidentStatus.objects.create(name=name, is_open=True, system_key=key)
            record(actor, "incident_status.created", status, after={"name": name, "is_open": True})


@transaction.atomic
def create_status(*, name: str, is_open: bool, actor: Actor) -> IncidentStatus:
    status = IncidentStatus(name=free_name(name, IncidentStatus), is_open=is_open)
    status.save()
    record(actor, "incident_status.created", status, after={"name": status.name, "is_open": is_open})
    return status


@transaction.atomic
def rename_status(
    status: IncidentStatus, *, name: str, is_open: bool | None = None, actor: Actor
) -> IncidentStatus:
    """Rename a status of the district's own, and open or close it where that is given."""
    status = as_stored(status)
    refuse_system(status)
    before = {"name": status.name, "is_open": status.is_open}
    status.name = free_name(name, IncidentStatus, but=status)
    if is_open is not None and is_open is not status.is_open:
        _refuse_if_used(status)
        status.is_open = is_open
    after = {"name": status.name, "is_open": status.is_open}
    if before != after:
        status.save()
        record(actor, "incident_status.updated", status, before=before, after=after)
    return status


@transaction.atomic
def delete_status(status: IncidentStatus, *, actor: Actor) -> None:
    status = as_stored(status)
    refuse_system(status)
    _refuse_if_used(status)
    record(actor, "incident_status.deleted", status, before={"name": status.name, "is_open": status.is_open})
    status.delete()


def _refuse_if_used(status: IncidentStatus) -> None:
    """Whether an incident is open is told by its status, so that can't change beneath incidents."""
    if Incident.objects.filter(status=status).exists():
        raise Refused(
            _("Incidents have the status “%(name)s”. Give them another status first.") % {"name": status}
        )
