"""Who has which device. An assignment is only ever ended, so that the history stays whole."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from homeroom.audit.actors import Actor
from homeroom.audit.verbs import record
from homeroom.inventory.models import Assignment, Device, DeviceStatus, Person
from homeroom.web.errors import Refused

Kind = Assignment.Kind


@transaction.atomic
def check_out(
    device: Device, person: Person, *, kind: str = Kind.PRIMARY, actor: Actor, at: datetime | None = None
) -> Assignment:
    """Give a device that nobody has to a person."""
    _lock(device)
    current = _open_assignment(device)
    if current is not None:
        raise _already_out(current)
    assignment = _start(device, person, kind=kind, at=_moment(at))
    _record("device.checked_out", assignment, actor=actor)
    return assignment


@transaction.atomic
def check_in(device: Device, *, actor: Actor, at: datetime | None = None) -> Assignment:
    """Take a device back from whoever has it."""
    _lock(device)
    assignment = _end(device, at=_moment(at))
    _record("device.checked_in", assignment, actor=actor)
    return assignment


@transaction.atomic
def transfer(
    device: Device, to_person: Person, *, kind: str | None = None, actor: Actor, at: datetime | None = None
) -> Assignment:
    """Hand a device on from the person who has it to another."""
    _lock(device)
    moment = _moment(at)
    ended = _end(device, at=moment)
    if ended.person_id == to_person.pk:
        raise Refused(_("%(person)s has this device already.") % {"person": to_person}, field="person")
    assignment = _start(device, to_person, kind=kind or ended.kind, at=moment)
    _record("device.transferred", assignment, before=ended, actor=actor)
    return assignment


@transaction.atomic
def swap_for_loaner(
    device: Device, loaner: Device, *, actor: Actor, at: datetime | None = None
) -> Assignment:
    """Give the person who has the device a loaner for it.

    A primary device stays the person's own while it is away; a loaner that is swapped comes back.
    """
    _lock(device, loaner)
    if device.pk == loaner.pk:
        raise Refused(_("A device can't be the loaner for itself."), field="loaner")
    current = _open_assignment(device)
    if current is None:
        raise _not_out(device)
    taken = _open_assignment(loaner)
    if taken is not None:
        raise _already_out(taken, field="loaner")
    moment = _moment(at)
    if current.kind == Kind.LOANER:
        _record("device.checked_in", _end(device, at=moment), actor=actor)
    assignment = _start(loaner, current.person, kind=Kind.LOANER, at=moment)
    _record("device.lent", assignment, loaner_for=device, actor=actor)
    return assignment


@transaction.atomic
def restore_assignment(assignment: Assignment, *, actor: Actor) -> bool:
    """Let an assignment go on as if it had not ended; whether it could: somebody else may have the device now."""
    _lock(assignment.device)
    if _open_assignment(assignment.device) is not None or not assignment.person.active:
        return False
    assignment.ended_at = None
    assignment.save(update_fields=["ended_at"])
    _record("device.assignment_restored", assignment, actor=actor)
    return True


def _lock(*devices: Device) -> None:
    """Make two desks that check out the same device wait for one another."""
    list(Device.objects.select_for_update().filter(pk__in=[device.pk for device in devices]).order_by("pk"))


def _open_assignment(device: Device) -> Assignment | None:
    return device.assignments.filter(ended_at__isnull=True).select_related("person", "device").first()


def _start(device: Device, person: Person, *, kind: str, at: datetime) -> Assignment:
    if not person.active:
        raise Refused(_("%(person)s is not active.") % {"person": person}, field="person")
    if device.status.kind == DeviceStatus.Kind.RETIRED:
        raise Refused(_("%(device)s is retired (%(status)s).") % {"device": device, "status": device.status})
    if device.assignments.filter(ended_at__gt=at).exists():
        raise Refused(_("Somebody else still had the device at that time."), field="at")
    return Assignment.objects.create(device=device, person=person, kind=Kind(kind), started_at=at)


def _end(device: Device, *, at: datetime) -> Assignment:
    assignment = _open_assignment(device)
    if assignment is None:
        raise _not_out(device)
    if at < assignment.started_at:
        raise Refused(_("The device was checked out after that time."), field="at")
    assignment.ended_at = at
    assignment.save(update_fields=["ended_at"])
    return assignment


def _moment(at: datetime | None) -> datetime:
    now = timezone.now()
    if at is not None and at > now:
        raise Refused(_("That time is still to come."), field="at")
    return at or now


def _already_out(assignment: Assignment, *, field: str | None = None) -> Refused:
    return Refused(
        _("%(device)s is with %(person)s. Check it in or transfer it.")
        % {"device": assignment.device, "person": assignment.person},
        field=field,
    )


def _not_out(device: Device) -> Refused:
    return Refused(_("%(device)s is not checked out to anybody.") % {"device": device})


def _record(
    action: str,
    assignment: Assignment,
    *,
    before: Assignment | None = None,
    loaner_for: Device | None = None,
    actor: Actor,
) -> None:
    after = {"person": assignment.person.external_id, "kind": assignment.kind, "from": assignment.started_at}
    if assignment.ended_at is not None:
        after["until"] = assignment.ended_at
    if loaner_for is not None:
        after["loaner_for"] = str(loaner_for)
    record(
        actor,
        action,
        assignment.device,
        before={"person": before.person.external_id, "kind": before.kind} if before else None,
        after=after,
        personal_before={"name": before.person.name} if before else None,
        personal_after={"name": assignment.person.name},
    )
