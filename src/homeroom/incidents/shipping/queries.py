"""What can be asked about devices on their way to Apple and back. Every answer is cut to what the viewer sees."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import (
    Case,
    Count,
    Exists,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.utils import timezone

from homeroom.accounts.policy import Permission, Viewer
from homeroom.incidents.inquiry import Answer, answers_about
from homeroom.incidents.models import Incident, Shipment, ShipmentUnit
from homeroom.incidents.preflight import Concern, preflight
from homeroom.incidents.queries import at_apple, incidents, is_at_apple
from homeroom.inventory.models import Assignment, Device
from homeroom.inventory.queries import of_visible_devices

NOBODY_ASKS_AFTER = timedelta(seconds=20)
RECENT = timedelta(days=14)
MOST_RECENT = 50
UNASKED = Answer(is_good=True)
"""Of what nobody can be asked about."""


def shipments(viewer: Viewer) -> QuerySet[Shipment]:
    """Those that hold a unit the viewer sees, and those they began."""
    if not viewer.may(Permission.VIEW_INCIDENTS):
        return Shipment.objects.none()
    if viewer.site_ids is None:
        return Shipment.objects.all()
    seen = ShipmentUnit.objects.filter(shipment=OuterRef("pk"), incident__in=incidents(viewer))
    return Shipment.objects.filter(Exists(seen) | Q(opened_by_id=viewer.actor.id))


def for_shipment_list(found: QuerySet[Shipment]) -> QuerySet[Shipment]:
    """With how many units each has, and how many of them are still away."""
    units = ShipmentUnit.objects.filter(shipment=OuterRef("pk")).order_by().values("shipment")
    away = Incident.objects.filter(is_at_apple(), shipment=OuterRef("pk")).order_by().values("shipment")
    return found.annotate(unit_count=_count(units), away_count=_count(away))


def _count(grouped: QuerySet[Any, Any]) -> Coalesce:
    return Coalesce(Subquery(grouped.annotate(count=Count("pk")).values("count")), 0)


@dataclass(frozen=True, slots=True)
class Unit:
    """A line of a shipment: what speaks against sending it, and what was asked outside."""

    line: int
    incident: Incident
    concerns: Sequence[Concern] = ()
    answer: Answer = UNASKED
    lends: bool = False
    """Whether a loaner can be given for it: its person has it, and has no loaner."""


@dataclass(frozen=True, slots=True)
class Contents:
    """A shipment's units, the last packed first, and how far the asking outside is."""

    units: Sequence[Unit]
    elsewhere: int
    """Units of sites that the viewer does not see; they are in the box all the same."""

    @property
    def in_order(self) -> Sequence[Unit]:
        return self.units[::-1]

    @property
    def seen(self) -> int:
        return len(self.units)

    @property
    def total(self) -> int:
        return len(self.units) + self.elsewhere

    @property
    def worrying(self) -> Sequence[Unit]:
        return [unit for unit in self.units if unit.concerns]

    @property
    def fine(self) -> int:
        return len(self.units) - len(self.worrying)

    @property
    def awaited(self) -> int:
        return sum(unit.answer.is_awaited for unit in self.units)

    @property
    def to_ask(self) -> int:
        """Units that nobody has asked about, or too long ago."""
        return sum(not unit.answer.is_good and not unit.answer.is_awaited for unit in self.units)

    @property
    def asked(self) -> int:
        return len(self.units) - self.awaited


def contents(viewer: Viewer, shipment: Shipment) -> Contents:
    """While the box is open with all that speaks against sending; afterwards as it was packed."""
    lines = list(shipment.units.order_by("pk").values_list("incident", flat=True))
    seen = with_people(incidents(viewer)).in_bulk(lines)
    in_order = [seen[number] for number in lines if number in seen]
    if shipment.is_open:
        units = units_of(in_order)
    else:
        units = [Unit(line, incident) for line, incident in enumerate(in_order, start=1)]
    return Contents(units[::-1], elsewhere=len(lines) - len(in_order))


def nobody_asks(units: Iterable[Unit]) -> bool:
    """Whether what is awaited seems to be taken up by no worker."""
    lately = timezone.now() - NOBODY_ASKS_AFTER
    answers = [unit.answer for unit in units]
    waiting = any(answer.awaited_since and answer.awaited_since < lately for answer in answers)
    return waiting and not any(answer.asked_at and answer.asked_at > lately for answer in answers)


def units_of(found: Sequence[Incident]) -> list[Unit]:
    """Takes no viewer: they see these incidents."""
    concerns, answers = preflight(found), answers_about(found)
    holders = dict(
        Assignment.objects.filter(
            device__in=[incident.device_id for incident in found], ended_at__isnull=True
        ).values_list("device", "person")
    )
    return [
        Unit(
            line,
            incident,
            concerns.get(incident.number, ()),
            answers.get(incident.number, UNASKED),
            lends=incident.person_id is not None
            and holders.get(incident.device_id) == incident.person_id
            and any(concern.check == "no-loaner" for concern in concerns.get(incident.number, ())),
        )
        for line, incident in enumerate(found, start=1)
    ]


def with_people(found: QuerySet[Incident]) -> QuerySet[Incident]:
    return found.select_related("device__site", "status", "person", "shipment")


def open_incident_of(viewer: Viewer, device: Device) -> Incident | None:
    """The one that a scan of the device means: what can still be sent before what can't, the latest first."""
    at_apple_last = Case(When(status__system_key__isnull=True, then=Value(0)), default=Value(1))
    found = with_people(incidents(viewer)).filter(device=device, closed_at__isnull=True)
    return found.order_by(at_apple_last, "-number").first()


def for_board(found: QuerySet[Incident]) -> QuerySet[Incident]:
    """With person, shipment and the loaner that the person has meanwhile. Count before: these joins cost."""
    return with_loaner(with_people(found))


def with_loaner(found: QuerySet[Incident]) -> QuerySet[Incident]:
    """Annotate `loaner`, what is written on it, and `loaner_id`."""
    lent = (
        Assignment.objects.filter(
            person=OuterRef("person"), kind=Assignment.Kind.LOANER, ended_at__isnull=True
        )
        .exclude(device=OuterRef("device"))
        .order_by("-started_at", "-pk")
    )
    written = lent.annotate(written=Coalesce("device__asset_tag", "device__serial_number"))
    return found.annotate(
        loaner=Subquery(written.values("written")[:1]), loaner_id=Subquery(lent.values("device")[:1])
    )


def received_back(viewer: Viewer) -> QuerySet[Incident]:
    """Units that came back lately with their own serial number, the latest first."""
    return (
        incidents(viewer)
        .filter(sent_at__isnull=False, closed_at__gt=timezone.now() - RECENT)
        .exclude(outcome=Incident.Outcome.REPLACED)
        .order_by("-closed_at", "-number")
    )


def unit_at_apple(viewer: Viewer, device_id: int) -> Incident | None:
    return with_people(at_apple(viewer)).filter(device=device_id).first()


def loaners_to_take_back(viewer: Viewer, found: Iterable[Incident]) -> Mapping[int, Sequence[Assignment]]:
    """Loaners that are still out though the reason is gone, by incident.

    The reason is gone when the unit came back, or when the person has another device of their own since it was sent:
    the replacement was handed out.
    """
    people = {incident.person_id for incident in found if incident.person_id and incident.sent_at}
    if not people or not viewer.may(Permission.VIEW_INVENTORY):
        return {}
    present = Assignment.objects.filter(person__in=people, ended_at__isnull=True)
    lent = of_visible_devices(present.filter(kind=Assignment.Kind.LOANER), viewer)
    own = present.filter(kind=Assignment.Kind.PRIMARY).values_list("person", "device", "started_at")
    loaners: dict[int, list[Assignment]] = {}
    for assignment in lent.select_related("device", "person").order_by("started_at", "pk"):
        loaners.setdefault(assignment.person_id, []).append(assignment)
    owned = list(own) if loaners else []
    return {
        incident.number: loaners[incident.person_id]
        for incident in found
        if incident.person_id in loaners and incident.sent_at and _is_served(incident, owned)
    }


def _is_served(incident: Incident, owned: Iterable[tuple[int, int, Any]]) -> bool:
    if not incident.is_open:
        return True
    return any(
        person == incident.person_id and device != incident.device_id and since >= incident.sent_at
        for person, device, since in owned
    )
