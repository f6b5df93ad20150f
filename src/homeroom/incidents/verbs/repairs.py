"""A device on its way to Apple and back. Only these verbs let an incident enter a status of the integration."""

from collections.abc import Sequence
from datetime import date

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from homeroom.audit.actors import Actor
from homeroom.audit.verbs import Told, changed_values, record_each
from homeroom.incidents.models import Incident, IncidentStatus, Shipment, ShipmentUnit
from homeroom.incidents.preflight import Concerns, PreflightConcerns, preflight
from homeroom.incidents.verbs.incidents import STANDING, change_standing, close_incident, locked
from homeroom.insurance.queries import today
from homeroom.inventory.system_statuses import integration_sets_status
from homeroom.inventory.verbs.saving import values_of
from homeroom.web.errors import Refused

SystemKey = IncidentStatus.SystemKey
RECEIVED_BACK = frozenset(
    {
        Incident.Outcome.REPAIRED,
        Incident.Outcome.RETURNED_UNREPAIRED,
        Incident.Outcome.NOT_COVERED,
        Incident.Outcome.OTHER,
    }
)
"""How a unit can come back with its own serial number."""


@transaction.atomic
def send_to_apple(
    incident: Incident,
    *,
    actor: Actor,
    repair_number: str = "",
    reason: str = "",
    shipped_on: date | None = None,
    shipment: Shipment | None = None,
) -> Incident:
    """Set *Sent for AppleCare Repair*: the device is shipped to Apple.

    Raises PreflightConcerns where the preflight has any and no `reason` overrides them. `shipped_on` is today
    unless told: the status is often set the day after. What is in an open shipment is sent by shipping that.
    """
    stored = locked(incident)
    if (refusal := refusal_to_send(stored)) is not None:
        raise refusal
    box = stored.shipment
    if box is not None and box.is_open and box != shipment:
        raise Refused(
            _("Incident %(incident)s is in shipment %(shipment)s. Ship that, or take it out first.")
            % {"incident": stored, "shipment": box}
        )
    concerns = preflight([stored])
    if concerns and not reason.strip():
        raise PreflightConcerns(concerns)
    if repair_number.strip():
        stored.repair_number = repair_number.strip().upper()
    if shipment is not None:
        ShipmentUnit.objects.get_or_create(shipment=shipment, incident=stored)
    told = {"repair_number": stored.repair_number} | _overridden(stored, concerns, reason)
    with integration_sets_status():
        return change_standing(
            stored,
            "incident.sent_to_apple",
            status=_system_status(SystemKey.SENT_FOR_APPLECARE_REPAIR),
            sent_at=timezone.now(),
            shipped_on=day_of_shipping(shipped_on),
            shipment=shipment,
            after={name: value for name, value in told.items() if value},
            actor=actor,
        )


def send_all(
    stored: Sequence[Incident], *, concerns: Concerns, reason: str, shipped_on: date, actor: Actor
) -> None:
    """Set *Sent for AppleCare Repair* for the locked units of a shipment, in one statement and an entry each.

    Called by shipping alone, which has checked each.
    """
    entered = {
        "status": _system_status(SystemKey.SENT_FOR_APPLECARE_REPAIR),
        "sent_at": timezone.now(),
        "shipped_on": shipped_on,
    }
    told = []
    for incident in stored:
        before = values_of(incident, STANDING)
        for name, value in entered.items():
            setattr(incident, name, value)
        old, new = changed_values(before, values_of(incident, STANDING))
        new |= {"shipment": incident.shipment} | _overridden(incident, concerns, reason)
        told.append(Told(incident, old, new))
    with integration_sets_status():
        Incident.objects.filter(pk__in=[incident.pk for incident in stored]).update(**entered)
    record_each(actor, "incident.sent_to_apple", told)


def refusal_to_send(incident: Incident) -> Refused | None:
    """Why it can't be sent whatever the reason; None if it can."""
    if not incident.is_open:
        return Refused(_("Incident %(incident)s is closed. Open it again first.") % {"incident": incident})
    if incident.is_at_apple:
        return Refused(_("The device of incident %(incident)s is at Apple already.") % {"incident": incident})
    if incident.status.system_key == SystemKey.APPLECARE_REPLACEMENT_RECEIVED:
        return Refused(_("Apple has replaced the device of incident %(incident)s.") % {"incident": incident})
    return None


@transaction.atomic
def correct_shipping_day(incident: Incident, *, shipped_on: date, reason: str, actor: Actor) -> Incident:
    """Say that the device was shipped on an earlier day than the status was set."""
    stored = locked(incident)
    if not stored.is_at_apple:
        raise _not_at_apple(stored)
    if not reason.strip():
        raise Refused(_("Say why the day is corrected."), field="reason")
    return change_standing(
        stored,
        "incident.shipping_day_corrected",
        shipped_on=day_of_shipping(shipped_on),
        after={"reason": reason.strip()},
        actor=actor,
    )


def receive_back(incident: Incident, *, outcome: str = Incident.Outcome.REPAIRED, actor: Actor) -> Incident:
    """The same unit came back from Apple: close the incident."""
    if outcome not in RECEIVED_BACK:
        raise Refused(
            _("A unit that came back with its own serial number was not replaced."), field="outcome"
        )
    with transaction.atomic():
        stored = locked(incident)
        if not stored.is_at_apple:
            raise _not_at_apple(stored)
        return close_incident(stored, outcome=outcome, actor=actor)


@transaction.atomic
def receive_replacement(incident: Incident, *, actor: Actor) -> Incident:
    """Set *AppleCare Replacement Received*. Called by replacement processing alone, for nothing else may."""
    stored = locked(incident)
    if not stored.is_at_apple:
        raise _not_at_apple(stored)
    status = _system_status(SystemKey.APPLECARE_REPLACEMENT_RECEIVED)
    with integration_sets_status():
        return change_standing(stored, "incident.replacement_received", status=status, actor=actor)


@transaction.atomic
def take_back_replacement(incident: Incident, *, reason: str, actor: Actor) -> Incident:
    """Back to *Sent for AppleCare Repair*, since when it was sent: a replacement that was applied is undone."""
    stored = locked(incident)
    if stored.sent_at is None:
        raise _not_at_apple(stored)
    with integration_sets_status():
        return change_standing(
            stored,
            "incident.replacement_taken_back",
            status=_system_status(SystemKey.SENT_FOR_APPLECARE_REPAIR),
            closed_at=None,
            outcome="",
            after={"reason": reason},
            actor=actor,
        )


def _system_status(key: SystemKey) -> IncidentStatus:
    """Refused in an installation that has never been connected to Apple."""
    status = IncidentStatus.objects.filter(system_key=key).first()
    if status is None:
        raise Refused(_("Connect Apple School Manager first: it brings the statuses of AppleCare repairs."))
    return status


def _overridden(incident: Incident, concerns: Concerns, reason: str) -> dict[str, object]:
    sentences = [concern.sentence for concern in concerns.get(incident.number, ())]
    return {"overridden": sentences, "reason": reason.strip()} if sentences else {}


def day_of_shipping(shipped_on: date | None) -> date:
    """Any day up to today: an incident may have been opened only after its device was shipped."""
    day = shipped_on or today()
    if day > today():
        raise Refused(_("That day is still to come."), field="shipped_on")
    return day


def _not_at_apple(incident: Incident) -> Refused:
    return Refused(_("The device of incident %(incident)s is not at Apple.") % {"incident": incident})
