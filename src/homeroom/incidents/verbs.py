"""Incident statuses: the district's own, and those that belong to the Apple School Manager integration."""

from django.db import transaction

from homeroom.audit.actors import Actor
from homeroom.audit.verbs import record
from homeroom.incidents.models import IncidentStatus
from homeroom.inventory.verbs.statuses import free_name, make_room_for, refuse_system, system_name

_Key = IncidentStatus.SystemKey


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
    refuse_system(status)
    before = {"name": status.name, "is_open": status.is_open}
    status.name = free_name(name, IncidentStatus, but=status)
    status.is_open = status.is_open if is_open is None else is_open
    after = {"name": status.name, "is_open": status.is_open}
    if before != after:
        status.save()
        record(actor, "incident_status.updated", status, before=before, after=after)
    return status


@transaction.atomic
def delete_status(status: IncidentStatus, *, actor: Actor) -> None:
    refuse_system(status)
    record(actor, "incident_status.deleted", status, before={"name": status.name, "is_open": status.is_open})
    status.delete()
