"""Devices on their way to Apple and back: singly, and as shipments."""

from datetime import date
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Query, Router

from homeroom.accounts.policy import Permission
from homeroom.api.authentication import ApiRequest, requires
from homeroom.api.paging import PageOf, PageQuery, page_of, row_of
from homeroom.api.values import Body
from homeroom.incidents.inquiry import ask_now, request_answers
from homeroom.incidents.models import Incident, Shipment
from homeroom.incidents.queries import at_apple, incidents
from homeroom.incidents.shipping import queries
from homeroom.incidents.shipping.columns import AT_APPLE
from homeroom.incidents.verbs import repairs, shipments
from homeroom.inventory.queries import device_by_serial_or_tag
from homeroom.web.errors import Refused

router = Router(tags=["shipments"])

PATIENCE = 8.0
"""Seconds that a request may wait for Apple; what is not answered by then could not be asked."""


class SendToApple(Body):
    """`reason` overrides what speaks against sending."""

    repair_number: str = ""
    reason: str = ""
    shipped_on: date | None = None


class ReceiveBack(Body):
    outcome: Incident.Outcome = Incident.Outcome.REPAIRED


class ShipmentValues(Body):
    reference: str | None = None
    carrier: str | None = None
    tracking_number: str | None = None


class UnitIn(Body):
    """The open incident of a device, named by serial number or asset tag; or the incident's number."""

    device: str = ""
    incident: int | None = None


class Ship(Body):
    """Where something speaks against a unit: one `reason` for all, or `leave_out` those."""

    reason: str = ""
    leave_out: bool = False
    shipped_on: date | None = None


@router.get("/at-apple", response=PageOf)
@requires(Permission.VIEW_INCIDENTS)
def away(request: ApiRequest, query: Query[PageQuery]) -> Any:
    """Every unit that is at Apple."""
    return page_of(AT_APPLE, at_apple(request.viewer), request.viewer, query)


@router.post("/incidents/{pk}/send-to-apple", response=dict[str, Any])
@requires(Permission.SEND_TO_APPLE)
def send_to_apple(request: ApiRequest, pk: int, values: SendToApple) -> Any:
    """Asks Apple first, a few seconds long. 422 lists as `concerns` what speaks against it, if no reason is given."""
    found = _incident(request, pk)
    if (refusal := repairs.refusal_to_send(found)) is not None:
        raise refusal
    ask_now([found], patience=PATIENCE)
    repairs.send_to_apple(found, actor=request.viewer.actor, **values.dict())
    return _incident_row(request, pk)


@router.post("/incidents/{pk}/receive-back", response=dict[str, Any])
@requires(Permission.SEND_TO_APPLE)
def receive_back(request: ApiRequest, pk: int, values: ReceiveBack) -> Any:
    """The same unit came back: its incident is closed."""
    repairs.receive_back(_incident(request, pk), outcome=values.outcome, actor=request.viewer.actor)
    return _incident_row(request, pk)


@router.get("/shipments", response=PageOf)
@requires(Permission.VIEW_INCIDENTS)
def all_shipments(request: ApiRequest, query: Query[PageQuery]) -> Any:
    return page_of("shipments", queries.shipments(request.viewer), request.viewer, query)


@router.post("/shipments", response={201: dict[str, Any]})
@requires(Permission.SEND_TO_APPLE)
def create_shipment(request: ApiRequest, values: ShipmentValues) -> Any:
    return _row(request, shipments.create_shipment(actor=request.viewer.actor, **_given(values)))


@router.get("/shipments/{pk}", response=dict[str, Any])
@requires(Permission.VIEW_INCIDENTS)
def shipment(request: ApiRequest, pk: int) -> Any:
    """With its `contents`: of each unit what speaks against sending it, and whether Apple is still being asked."""
    found = _shipment(request, pk)
    inside = queries.contents(request.viewer, found)
    return _row(request, found) | {"contents": [_unit_row(unit) for unit in inside.in_order]}


@router.patch("/shipments/{pk}", response=dict[str, Any])
@requires(Permission.SEND_TO_APPLE)
def change_shipment(request: ApiRequest, pk: int, values: ShipmentValues) -> Any:
    found = _shipment(request, pk)
    return _row(request, shipments.update_shipment(found, actor=request.viewer.actor, **_given(values)))


@router.delete("/shipments/{pk}", response={204: None})
@requires(Permission.SEND_TO_APPLE)
def cancel_shipment(request: ApiRequest, pk: int) -> Any:
    """Of one that was not shipped; its units are free again."""
    found = _shipment(request, pk)
    _refuse_units_of_others(request, found)
    shipments.cancel_shipment(found, actor=request.viewer.actor)
    return None


@router.post("/shipments/{pk}/units", response={201: dict[str, Any]})
@requires(Permission.SEND_TO_APPLE)
def add_unit(request: ApiRequest, pk: int, values: UnitIn) -> Any:
    """Puts a unit in, and has a worker ask Apple about it."""
    found = _shipment(request, pk)
    incident = _unit_named(request, values)
    shipments.add_unit(found, incident, actor=request.viewer.actor)
    request_answers([incident])
    return _row(request, found)


@router.delete("/shipments/{pk}/units/{incident}", response={204: None})
@requires(Permission.SEND_TO_APPLE)
def remove_unit(request: ApiRequest, pk: int, incident: int) -> Any:
    shipments.remove_unit(_shipment(request, pk), _incident(request, incident), actor=request.viewer.actor)
    return None


@router.post("/shipments/{pk}/ask-apple", response={202: dict[str, Any]})
@requires(Permission.SEND_TO_APPLE)
def ask_apple(request: ApiRequest, pk: int) -> Any:
    """Has a worker ask Apple about every unit that has no good answer; see `contents` of the shipment."""
    found = _shipment(request, pk)
    inside = queries.contents(request.viewer, found)
    if found.is_open:
        request_answers([unit.incident for unit in inside.units])
    return _row(request, found)


@router.post("/shipments/{pk}/ship", response=dict[str, Any])
@requires(Permission.SEND_TO_APPLE)
def ship(request: ApiRequest, pk: int, values: Ship) -> Any:
    """All or none. Asks nobody: see first that Apple has been asked about each."""
    found = _shipment(request, pk)
    _refuse_units_of_others(request, found)
    shipments.ship(found, actor=request.viewer.actor, **values.dict())
    return _row(request, found)


def _given(values: ShipmentValues) -> dict[str, Any]:
    return {name: value for name, value in values.dict(exclude_unset=True).items() if value is not None}


def _incident(request: ApiRequest, pk: int) -> Incident:
    return get_object_or_404(queries.with_people(incidents(request.viewer)), pk=pk)


def _incident_row(request: ApiRequest, pk: int) -> dict[str, Any]:
    return row_of("incidents", Incident.objects.filter(pk=pk), request.viewer)


def _shipment(request: ApiRequest, pk: int) -> Shipment:
    return get_object_or_404(queries.shipments(request.viewer), pk=pk)


def _refuse_units_of_others(request: ApiRequest, found: Shipment) -> None:
    if queries.contents(request.viewer, found).elsewhere:
        raise Refused(_("The shipment holds units of sites that you don't see."))


def _row(request: ApiRequest, found: Shipment) -> dict[str, Any]:
    return row_of("shipments", Shipment.objects.filter(pk=found.pk), request.viewer)


def _unit_row(unit: queries.Unit) -> dict[str, Any]:
    incident, device = unit.incident, unit.incident.device
    return {
        "incident": incident.number,
        "asset_tag": device.asset_tag,
        "serial_number": device.serial_number,
        "model": device.model or None,
        "summary": incident.summary,
        "repair_number": incident.repair_number or None,
        "asking_apple": unit.answer.is_awaited,
        "concerns": [
            {"check": concern.check, "sentence": concern.sentence, "fix": concern.fix or None}
            for concern in unit.concerns
        ],
    }


def _unit_named(request: ApiRequest, values: UnitIn) -> Incident:
    if values.incident is not None:
        return _incident(request, values.incident)
    device = device_by_serial_or_tag(request.viewer, values.device) if values.device else None
    if device is None:
        raise Refused(
            _("You see no device with the serial number or tag “%(device)s”.") % {"device": values.device},
            field="device",
        )
    incident = queries.open_incident_of(request.viewer, device)
    if incident is None:
        raise Refused(_("%(device)s has no open incident.") % {"device": device}, field="device")
    return incident
