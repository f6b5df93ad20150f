"""What can be done with an incident: open it, change it, move it on, close it."""

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from homeroom.accounts.models import User
from homeroom.accounts.policy import Permission
from homeroom.audit.actors import Actor
from homeroom.audit.verbs import changed_values, record
from homeroom.incidents.models import Comment, Incident, IncidentStatus
from homeroom.incidents.verbs.statuses import default_status
from homeroom.inventory.models import Device
from homeroom.inventory.queries import open_assignment
from homeroom.inventory.verbs.saving import assign, check_and_save, values_of
from homeroom.web.errors import Refused

INCIDENT_VALUES = frozenset({"kind", "summary", "description", "technician", "repair_number"})
STANDING = frozenset({"status", "sent_at", "shipped_on", "closed_at", "outcome", "shipment"})
"""What only verbs of its own change."""


@transaction.atomic
def open_incident(device: Device, *, summary: str, actor: Actor, **values: Any) -> Incident:
    """Open an incident about a device, with the person who has it now. `values` are of INCIDENT_VALUES."""
    assignment = open_assignment(device)
    incident = Incident(
        device=device,
        person=assignment.person if assignment else None,
        status=default_status(is_open=True),
        opened_by=actor.label[:200],
        opened_by_id=actor.id,
    )
    _assign(incident, values | {"summary": summary})
    check_and_save(incident)
    record(
        actor,
        "incident.opened",
        incident,
        after={"device": device} | _known(incident),
        personal_after={"name": incident.person.name} if incident.person else None,
    )
    return incident


@transaction.atomic
def update_incident(incident: Incident, *, actor: Actor, **values: Any) -> Incident:
    """Change what people wrote of it: values of INCIDENT_VALUES."""
    stored = locked(incident)
    before = values_of(stored, INCIDENT_VALUES)
    _assign(stored, values)
    old, new = changed_values(before, values_of(stored, INCIDENT_VALUES))
    if new:
        check_and_save(stored)
        record(actor, "incident.updated", stored, before=old, after=new)
    return stored


@transaction.atomic
def set_status(incident: Incident, status: IncidentStatus, *, outcome: str = "", actor: Actor) -> Incident:
    """Set one of the district's own statuses; a closed one closes the incident and needs an outcome.

    A system status may be left so, never entered: `send_to_apple` and replacement processing enter theirs.
    """
    if status.is_system:
        raise refused_system_status(status)
    stored = locked(incident)
    if status.is_open and outcome:
        raise Refused(_("Only a closed incident has an outcome."), field="outcome")
    if not status.is_open:
        outcome = outcome or stored.outcome
        if outcome not in Incident.Outcome.values:
            raise Refused(_("Say how it ended: an incident is closed with its outcome."), field="outcome")
    return change_standing(
        stored,
        "incident.status_set" if status.is_open else "incident.closed",
        status=status,
        outcome=outcome,
        closed_at=None if status.is_open else stored.closed_at or timezone.now(),
        actor=actor,
    )


def close_incident(
    incident: Incident, *, outcome: str, status: IncidentStatus | None = None, actor: Actor
) -> Incident:
    """Close it, with how it ended; without a status it is *Closed*."""
    return set_status(incident, status or default_status(is_open=False), outcome=outcome, actor=actor)


@transaction.atomic
def reopen_incident(incident: Incident, *, actor: Actor) -> Incident:
    """Open a closed incident again, in the status of a new one."""
    stored = locked(incident)
    if stored.is_open:
        raise Refused(_("Incident %(incident)s is open.") % {"incident": stored})
    return set_status(stored, default_status(is_open=True), actor=actor)


@transaction.atomic
def comment(incident: Incident, text: str, *, actor: Actor) -> Comment:
    """Write on the incident; a comment is never changed afterwards."""
    if not text.strip():
        raise Refused(_("Write something first."), field="text")
    written = Comment.objects.create(
        incident=incident, text=text.strip(), written_by=actor.label[:200], written_by_id=actor.id
    )
    record(actor, "incident.commented", incident, after={"comment": written.pk})
    return written


def locked(incident: Incident) -> Incident:
    """The incident as it is stored now; others wait until the transaction ends."""
    related = ("device", "status", "person", "technician", "shipment")
    stored = Incident.objects.select_for_update(of=("self",)).select_related(*related)
    return stored.get(pk=incident.pk)


def change_standing(
    stored: Incident,
    action: str,
    *,
    actor: Actor,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    **values: Any,
) -> Incident:
    """Write values of STANDING to a locked incident, with the entry; `before` and `after` tell more of it.

    Of the verbs that move incidents on; they check first.
    """
    old_values = values_of(stored, STANDING)
    assign(stored, values, allowed=STANDING)
    old, new = changed_values(old_values, values_of(stored, STANDING))
    if new:
        check_and_save(stored)
        record(actor, action, stored, before=old | (before or {}), after=new | (after or {}))
    return stored


def refused_system_status(status: IncidentStatus) -> Refused:
    sentences = {
        IncidentStatus.SystemKey.SENT_FOR_APPLECARE_REPAIR: _(
            "“%(status)s” is set by sending the device to Apple, which looks first at what would go wrong."
        ),
        IncidentStatus.SystemKey.APPLECARE_REPLACEMENT_RECEIVED: _(
            "“%(status)s” is set by AppleCare replacement processing alone."
        ),
    }
    key = IncidentStatus.SystemKey(status.system_key or "")
    return Refused(sentences[key] % {"status": status}, field="status")


def _assign(incident: Incident, values: dict[str, Any]) -> None:
    assign(incident, values, allowed=INCIDENT_VALUES)
    incident.repair_number = incident.repair_number.upper()
    if incident.technician:
        _refuse_who_can_not_work_on_it(incident.technician)


def _refuse_who_can_not_work_on_it(technician: User) -> None:
    if not technician.is_active or not technician.viewer().may(Permission.EDIT_INCIDENTS):
        raise Refused(_("%(user)s does not work on incidents.") % {"user": technician}, field="technician")


def _known(incident: Incident) -> dict[str, Any]:
    values = values_of(incident, INCIDENT_VALUES | {"status"})
    return {name: value for name, value in values.items() if value not in (None, "")}
