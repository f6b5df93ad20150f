"""Pairings of replacements with incidents: applied, dismissed, undone. A replacement is never applied twice."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from homeroom.applesync.models import AppleDevice, Replacement
from homeroom.applesync.notifications import tell_that_it_is_applied
from homeroom.audit.actors import Actor
from homeroom.audit.verbs import record
from homeroom.incidents.models import Incident
from homeroom.incidents.verbs.incidents import locked
from homeroom.incidents.verbs.repairs import receive_replacement, take_back_replacement
from homeroom.inventory.models import Assignment, Device, DeviceStatus
from homeroom.inventory.queries import open_assignment
from homeroom.inventory.verbs.assignments import check_in, restore_assignment
from homeroom.inventory.verbs.devices import locked_device, mark_replaced_by_applecare, set_status
from homeroom.web.errors import Refused

State = Replacement.State


@transaction.atomic
def apply_replacement(replacement: Replacement, *, actor: Actor) -> Replacement:
    """The original becomes *Replaced by AppleCare*, its incident *AppleCare Replacement Received*; its assignment ends.

    Replacement processing applies what is certain; of anything else a person decides and is the actor. Refused where
    the device is no longer at Apple, or either side has another replacement by now. Other suggestions for either
    side are dropped. Who wants to know is told by mail.
    """
    stored = locked_replacement(replacement)
    incident = stored.incident
    if stored.state == State.APPLIED:
        raise Refused(_("This replacement is applied already."))
    if incident is None:
        raise Refused(_("Choose the incident whose device it replaces."), field="incident")
    locked(incident)
    original = locked_device(incident.device)
    _refuse_second_use(stored)
    assignment = open_assignment(original)
    stored.restores = {"status": original.status_id, "assignment": assignment.pk if assignment else None}
    receive_replacement(incident, actor=actor)
    mark_replaced_by_applecare(original, actor=actor)
    if assignment:
        check_in(original, actor=actor)
    _drop_other_suggestions(stored)
    stored.original_serial = original.serial_number or ""
    stored.applied_at = timezone.now()
    applied = _decide(stored, State.APPLIED, "replacement.applied", actor=actor)
    tell_that_it_is_applied(applied)
    return applied


@transaction.atomic
def pair_replacement(candidate: AppleDevice, incident: Incident, *, actor: Actor) -> Replacement:
    """A person says which incident's device this new one replaces, whatever was suggested; it is applied."""
    _refuse_another_connection(candidate, incident)
    _of(candidate).filter(incident__isnull=True).delete()  # it is ours after all
    pairing, _created = Replacement.objects.get_or_create(
        connection=candidate.connection,
        replacement_serial=candidate.serial_number,
        incident=incident,
        defaults=_facts(candidate) | {"original_serial": incident.device.serial_number or ""},
    )
    return apply_replacement(pairing, actor=actor)


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of many: those that were refused stay as they are, each with the sentence that says why."""

    applied: list[Replacement]
    refused: list[tuple[Replacement, str]]


def apply_many(pairings: Iterable[Replacement], *, actor: Actor) -> Decided:
    """Apply each by itself: that somebody has decided about one meanwhile does not stop the others."""
    decided = Decided([], [])
    for pairing in pairings:
        try:
            decided.applied.append(apply_replacement(pairing, actor=actor))
        except Refused as refusal:
            decided.refused.append((pairing, refusal.sentence))
    return decided


@transaction.atomic
def dismiss_replacement(replacement: Replacement, *, reason: str = "", actor: Actor) -> Replacement:
    """Say that a suggested pairing is wrong; it is not suggested again. The device may still replace another one."""
    stored = locked_replacement(replacement)
    if stored.state != State.SUGGESTED:
        raise Refused(_("Only a suggestion can be dismissed."))
    stored.reason = reason.strip()
    return _decide(stored, State.DISMISSED, "replacement.dismissed", actor=actor)


@transaction.atomic
def dismiss_candidate(candidate: AppleDevice, *, reason: str = "", actor: Actor) -> Replacement:
    """Say that a new device replaces none of ours, such as one of a reseller's orders; all its suggestions go."""
    same_device = _of(candidate)
    if same_device.filter(state=State.APPLIED).exists():
        raise Refused(_("This replacement is applied already."))
    same_device.filter(state=State.SUGGESTED).delete()
    pairing, _created = Replacement.objects.get_or_create(
        connection=candidate.connection,
        replacement_serial=candidate.serial_number,
        incident=None,
        defaults=_facts(candidate) | {"state": State.DISMISSED},
    )
    pairing.reason = reason.strip()
    return _decide(pairing, State.DISMISSED, "replacement.not_ours", actor=actor)


@transaction.atomic
def undo_replacement(replacement: Replacement, *, reason: str, actor: Actor) -> Replacement:
    """Take an applied pairing back, with its effects; it is not applied again by itself.

    The original has its former status, its person has it again unless somebody else does, and the incident is
    *Sent for AppleCare Repair* as before.
    """
    stored = locked_replacement(replacement)
    if stored.state != State.APPLIED or stored.incident is None:
        raise Refused(_("Only an applied replacement can be undone."))
    if not reason.strip():
        raise Refused(_("Say why it is undone."), field="reason")
    take_back_replacement(stored.incident, reason=reason.strip(), actor=actor)
    _restore_original(stored.incident.device, stored.restores or {}, actor=actor)
    stored.reason = reason.strip()
    stored.applied_at = None
    stored.restores = None
    return _decide(stored, State.UNDONE, "replacement.undone", actor=actor)


def locked_replacement(replacement: Replacement) -> Replacement:
    """As it is stored now; others wait until the transaction ends."""
    related = ("connection", "incident__device__status", "incident__device__site", "apple_device")
    stored = Replacement.objects.select_for_update(of=("self",)).select_related(*related)
    found = stored.defer("connection__private_key").filter(pk=replacement.pk).first()
    if found is None:
        raise Refused(_("Somebody else has just decided about %(pair)s.") % {"pair": replacement})
    return found


def _refuse_another_connection(candidate: AppleDevice, incident: Incident) -> None:
    """Replacements are paired within one connection, and no device replaces itself."""
    if incident.device.serial_number == candidate.serial_number:
        raise Refused(_("A device does not replace itself."), field="incident")
    original = AppleDevice.objects.filter(device=incident.device_id).select_related("connection").first()
    if original and original.connection_id != candidate.connection_id:
        raise Refused(
            _("%(original)s is of the connection “%(connection)s”, and Apple replaces within one account.")
            % {"original": original, "connection": original.connection.name},
            field="incident",
        )


def _refuse_second_use(pairing: Replacement) -> None:
    """Of the replacement, or of the original: a device may have more than one incident at Apple."""
    applied = Replacement.objects.filter(state=State.APPLIED)
    if other := applied.filter(
        connection=pairing.connection_id, replacement_serial=pairing.replacement_serial
    ).first():
        raise Refused(
            _("%(serial)s replaces %(original)s already. Undo that first.")
            % {"serial": pairing.replacement_serial, "original": other.original_serial}
        )
    if other := applied.filter(incident__device__incidents=pairing.incident_id).first():
        raise Refused(
            _("%(original)s is replaced by %(serial)s already. Undo that first.")
            % {"serial": other.replacement_serial, "original": other.original_serial}
        )


def _drop_other_suggestions(applied: Replacement) -> None:
    suggested = Replacement.objects.filter(state=State.SUGGESTED).exclude(pk=applied.pk)
    suggested.filter(connection=applied.connection_id, replacement_serial=applied.replacement_serial).delete()
    suggested.filter(incident=applied.incident_id).delete()


def _restore_original(original: Device, restores: dict[str, Any], *, actor: Actor) -> None:
    if original.status.system_key == DeviceStatus.SystemKey.REPLACED_BY_APPLECARE:
        status = DeviceStatus.objects.district_own().filter(pk=restores.get("status", 0)).first()
        set_status(original, status or _in_repair(), actor=actor)
    ended = Assignment.objects.filter(pk=restores.get("assignment") or 0).select_related("device", "person")
    for assignment in ended:
        restore_assignment(assignment, actor=actor)


def _in_repair() -> DeviceStatus:
    """For an original whose former status was deleted meanwhile."""
    own = DeviceStatus.objects.district_own().order_by("pk")
    return own.filter(kind=DeviceStatus.Kind.IN_REPAIR).first() or own[0]


def _of(candidate: AppleDevice) -> QuerySet[Replacement]:
    return Replacement.objects.filter(
        connection=candidate.connection_id, replacement_serial=candidate.serial_number
    )


def _facts(candidate: AppleDevice) -> dict[str, Any]:
    return {"apple_device": candidate, "order_number": candidate.order_number}


def _decide(pairing: Replacement, state: str, action: str, *, actor: Actor) -> Replacement:
    pairing.state = state
    pairing.decided_by, pairing.decided_by_id = actor.label[:200], actor.id
    pairing.decided_at = timezone.now()
    try:
        with transaction.atomic():
            pairing.save()
    except IntegrityError:
        raise Refused(_("Somebody else has just decided about this replacement.")) from None
    told = {
        "incident": pairing.incident_id,
        "original": pairing.original_serial,
        "replacement": pairing.replacement_serial,
        "reason": pairing.reason,
    }
    record(actor, action, pairing, after={name: value for name, value in told.items() if value})
    return pairing
