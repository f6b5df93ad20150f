"""One box to Apple: filled unit by unit, then shipped as a whole, after which it stays as it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from homeroom.audit.actors import Actor
from homeroom.audit.verbs import Told, changed_values, record, record_each
from homeroom.incidents.models import Incident, Shipment, ShipmentUnit
from homeroom.incidents.preflight import Concerns, PreflightConcerns, preflight
from homeroom.incidents.verbs.incidents import change_standing, locked
from homeroom.incidents.verbs.repairs import day_of_shipping, refusal_to_send, send_all
from homeroom.insurance.queries import today
from homeroom.inventory.verbs.saving import assign, check_and_save, values_of
from homeroom.web.errors import Refused

SHIPMENT_VALUES = frozenset({"reference", "carrier", "tracking_number"})
MOST_UNITS = 500
"""Beyond this it is a truck and no box: pages and packing lists are made for less."""
NAMED = 10


@dataclass(frozen=True, slots=True)
class Shipped:
    """What became of a shipment's units."""

    shipment: Shipment
    sent: Sequence[Incident]
    left_out: Sequence[Incident] = ()


@transaction.atomic
def create_shipment(*, actor: Actor, **values: Any) -> Shipment:
    """Begin a box. `values` are of SHIPMENT_VALUES."""
    shipment = Shipment(opened_by=actor.label[:200], opened_by_id=actor.id)
    assign(shipment, values, allowed=SHIPMENT_VALUES)
    check_and_save(shipment)
    known = {name: value for name, value in values_of(shipment, SHIPMENT_VALUES).items() if value}
    record(actor, "shipment.created", shipment, after=known)
    return shipment


@transaction.atomic
def update_shipment(shipment: Shipment, *, actor: Actor, **values: Any) -> Shipment:
    """Change what people wrote of it, also once it is under way: the carrier's number often comes later."""
    stored = _locked(shipment)
    before = values_of(stored, SHIPMENT_VALUES)
    assign(stored, values, allowed=SHIPMENT_VALUES)
    old, new = changed_values(before, values_of(stored, SHIPMENT_VALUES))
    if new:
        check_and_save(stored)
        record(actor, "shipment.updated", stored, before=old, after=new)
    return stored


@transaction.atomic
def add_unit(shipment: Shipment, incident: Incident, *, actor: Actor) -> Incident:
    """Put the device of an open incident into an open shipment."""
    box = _locked_open(shipment)
    stored = locked(incident)
    if (refusal := refusal_to_send(stored)) is not None:
        raise refusal
    if stored.shipment_id == box.pk:
        raise Refused(_("%(device)s is in this shipment already.") % {"device": stored.device})
    if stored.shipment is not None and stored.shipment.is_open:
        raise Refused(
            _("%(device)s is in shipment %(shipment)s. Take it out there first.")
            % {"device": stored.device, "shipment": stored.shipment}
        )
    if box.units.count() >= MOST_UNITS:
        raise Refused(_("A shipment holds %(most)d units at most.") % {"most": MOST_UNITS})
    ShipmentUnit.objects.create(shipment=box, incident=stored)
    return change_standing(stored, "incident.packed", shipment=box, actor=actor)


@transaction.atomic
def remove_unit(shipment: Shipment, incident: Incident, *, actor: Actor) -> Incident:
    """Take a unit out again, as long as the box is open."""
    box = _locked_open(shipment)
    stored = locked(incident)
    if stored.shipment_id != box.pk:
        raise Refused(_("%(device)s is not in this shipment.") % {"device": stored.device})
    ShipmentUnit.objects.filter(shipment=box, incident=stored).delete()
    return change_standing(stored, "incident.unpacked", shipment=None, actor=actor)


@transaction.atomic
def ship(
    shipment: Shipment,
    *,
    actor: Actor,
    reason: str = "",
    leave_out: bool = False,
    shipped_on: date | None = None,
) -> Shipped:
    """Send every unit to Apple: all or none, in one transaction.

    Where something speaks against a unit, either one `reason` overrides it for all of them, or those units are
    left out; otherwise PreflightConcerns is raised. It asks nobody: what Apple says has to be known before.
    """
    box = _locked_open(shipment)
    units = _locked_units(box)
    if not units:
        raise Refused(_("Shipment %(shipment)s is empty.") % {"shipment": box})
    _refuse_what_can_not_be_sent(units)
    day = day_of_shipping(shipped_on)
    concerns = preflight(units)
    left_out = [unit for unit in units if leave_out and unit.number in concerns]
    sent = [unit for unit in units if not (leave_out and unit.number in concerns)]
    if not sent:
        raise Refused(_("Something speaks against each unit, so there would be nothing to ship."))
    if concerns and not left_out and not reason.strip():
        raise PreflightConcerns(concerns)
    _take_out(box, left_out, actor=actor)
    send_all(sent, concerns=concerns, reason=reason, shipped_on=day, actor=actor)
    box.shipped_at = _moment(day)
    box.save(update_fields=["shipped_at"])
    record(actor, "shipment.shipped", box, after=_told(sent, left_out, concerns, reason, day))
    return Shipped(box, sent, left_out)


@transaction.atomic
def cancel_shipment(shipment: Shipment, *, actor: Actor) -> None:
    """Do away with a box that was not shipped; its units are as if they had not been packed."""
    box = _locked_open(shipment)
    units = _locked_units(box)
    _take_out(box, units, actor=actor)
    before = values_of(box, SHIPMENT_VALUES) | {"units": [unit.number for unit in units]}
    record(actor, "shipment.cancelled", box, before=before)
    box.delete()


def _locked(shipment: Shipment) -> Shipment:
    stored = Shipment.objects.select_for_update().filter(pk=shipment.pk).first()
    if stored is None:
        raise Refused(_("Shipment %(shipment)s was cancelled.") % {"shipment": shipment})
    return stored


def _locked_open(shipment: Shipment) -> Shipment:
    stored = _locked(shipment)
    if not stored.is_open:
        raise Refused(_("Shipment %(shipment)s is on its way already.") % {"shipment": stored})
    return stored


def _locked_units(box: Shipment) -> list[Incident]:
    units = Incident.objects.select_for_update(of=("self",)).filter(shipment=box)
    return list(units.select_related("device", "status", "person", "shipment").order_by("number"))


def _refuse_what_can_not_be_sent(units: Sequence[Incident]) -> None:
    """A unit's incident may have been closed since it was packed."""
    refusals = [refusal.sentence for unit in units if (refusal := refusal_to_send(unit)) is not None]
    if refusals:
        raise Refused(" ".join([*refusals[:NAMED], _("Take out what can't be sent.")]))


def _take_out(box: Shipment, units: Sequence[Incident], *, actor: Actor) -> None:
    numbers = [unit.number for unit in units]
    ShipmentUnit.objects.filter(shipment=box, incident__in=numbers).delete()
    Incident.objects.filter(pk__in=numbers).update(shipment=None)
    record_each(
        actor, "incident.unpacked", [Told(unit, {"shipment": box}, {"shipment": None}) for unit in units]
    )


def _moment(day: date) -> datetime:
    """Now, or the district's midnight of an earlier day."""
    return timezone.now() if day == today() else datetime.combine(day, time(), ZoneInfo(settings.TIME_ZONE))


def _told(
    sent: Sequence[Incident], left_out: Sequence[Incident], concerns: Concerns, reason: str, day: date
) -> dict[str, Any]:
    told: dict[str, Any] = {"units": [unit.number for unit in sent], "shipped_on": day}
    overridden = [unit.number for unit in sent if unit.number in concerns]
    if overridden:
        told |= {"overridden": overridden, "reason": reason.strip()}
    if left_out:
        told["left_out"] = [unit.number for unit in left_out]
    return told
