"""Scanning devices into a box. Each answer says in words and color what became of the scan."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.policy import Permission
from homeroom.incidents.inquiry import request_answers
from homeroom.incidents.models import Incident, Shipment
from homeroom.incidents.queries import incidents
from homeroom.incidents.shipping import queries
from homeroom.incidents.shipping.forms import OpenInPlaceForm
from homeroom.incidents.shipping.views.shipments import packed, shipment_of
from homeroom.incidents.verbs.incidents import open_incident
from homeroom.incidents.verbs.shipments import add_unit, remove_unit
from homeroom.inventory.models import Device
from homeroom.inventory.queries import DeviceElsewhere, device_elsewhere, device_scanned, visible_devices
from homeroom.web.errors import Refused
from homeroom.web.keys import key_of


@dataclass(frozen=True, slots=True)
class Feedback:
    """What the last scan came to. `form` offers to open an incident about `device`."""

    sentence: str
    is_good: bool = False
    device: Device | None = None
    form: OpenInPlaceForm | None = None
    elsewhere: DeviceElsewhere | None = None


@require_POST
@requires(Permission.SEND_TO_APPLE)
def scan(request: ViewerRequest, number: int) -> HttpResponse:
    """Add the open incident of the device that a label means."""
    shipment = shipment_of(request, number)
    return _answer(request, shipment, _scanned(request, shipment, request.POST.get("code", "").strip()))


@require_POST
@requires(Permission.SEND_TO_APPLE)
def open_in_place(request: ViewerRequest, number: int) -> HttpResponse:
    """Open an incident about a scanned device that has none, and add it."""
    shipment = shipment_of(request, number)
    form = OpenInPlaceForm(request.POST)
    key = form["device"].value() or ""
    device = get_object_or_404(visible_devices(request.viewer), pk=key_of(key))
    if not form.is_valid():
        sentence = _("Say in a few words what is wrong with %(device)s.") % {"device": device}
        return _answer(request, shipment, Feedback(sentence, device=device, form=form))
    values = {name: form.cleaned_data[name] for name in ("kind", "summary")}
    try:
        incident = open_incident(device, actor=request.viewer.actor, **values)
    except Refused as refusal:
        form.add_error(refusal.field, refusal.sentence)
        return _answer(request, shipment, Feedback(refusal.sentence, device=device, form=form))
    return _answer(request, shipment, _added(request, shipment, incident))


@require_POST
@requires(Permission.SEND_TO_APPLE)
def remove(request: ViewerRequest, number: int) -> HttpResponse:
    shipment = shipment_of(request, number)
    key = request.POST.get("incident", "")
    found = incidents(request.viewer).select_related("device")
    incident = get_object_or_404(found, pk=key_of(key))
    try:
        remove_unit(shipment, incident, actor=request.viewer.actor)
    except Refused as refusal:
        return _answer(request, shipment, Feedback(refusal.sentence))
    sentence = _("%(device)s is taken out.") % {"device": incident.device}
    return _answer(request, shipment, Feedback(sentence, is_good=True))


def _scanned(request: ViewerRequest, shipment: Shipment, code: str) -> Feedback:
    if not code:
        return Feedback(_("Scan or type an asset tag or a serial number."))
    key = device_scanned(code)
    if key is None:
        return Feedback(_("No device has the tag or serial number “%(code)s”.") % {"code": code})
    device = visible_devices(request.viewer).filter(pk=key).first()
    if device is None:
        sentence = _("“%(code)s” belongs to another site.") % {"code": code}
        return Feedback(sentence, elsewhere=device_elsewhere(key))
    incident = queries.open_incident_of(request.viewer, device)
    if incident is None:
        sentence = _("%(device)s has no open incident.") % {"device": device}
        form = OpenInPlaceForm(initial={"device": device.pk})
        return Feedback(sentence, device=device, form=form)
    return _added(request, shipment, incident)


def _added(request: ViewerRequest, shipment: Shipment, incident: Incident) -> Feedback:
    try:
        add_unit(shipment, incident, actor=request.viewer.actor)
    except Refused as refusal:
        return Feedback(refusal.sentence)
    request_answers([incident])
    told = {"device": incident.device, "incident": incident, "summary": incident.summary}
    return Feedback(_("%(device)s is in: incident %(incident)s, %(summary)s") % told, is_good=True)


def _answer(request: ViewerRequest, shipment: Shipment, feedback: Feedback) -> HttpResponse:
    """With htmx what became of it and the units; otherwise the whole page."""
    context: dict[str, Any] = packed(request, shipment) | {"feedback": feedback}
    if request.headers.get("HX-Request"):
        return render(request, "incidents/shipments/_scanned.html", context)
    return render(request, "incidents/shipments/shipment.html", context)
