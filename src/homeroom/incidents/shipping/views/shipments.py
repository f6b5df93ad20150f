"""Boxes to Apple: the list, one box being packed by scanning, shipping it, its packing list."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.policy import Permission
from homeroom.incidents.inquiry import request_answers
from homeroom.incidents.models import Shipment
from homeroom.incidents.preflight import PreflightConcerns
from homeroom.incidents.shipping import queries
from homeroom.incidents.shipping.filters import ShipmentFilter
from homeroom.incidents.shipping.forms import ShipmentForm, ShippingForm
from homeroom.incidents.shipping.tables import ShipmentTable
from homeroom.incidents.shipping.views.sending import NOTHING_NEW
from homeroom.incidents.verbs import shipments as verbs
from homeroom.inventory.exports.views import export_response
from homeroom.inventory.views.lists import paged
from homeroom.web.errors import Refused


@requires(Permission.VIEW_INCIDENTS)
def shipments(request: ViewerRequest) -> HttpResponseBase:
    found = ShipmentFilter(request.GET, queries.shipments(request.viewer), request=request)
    rows = queries.for_shipment_list(found.qs)
    table = paged(ShipmentTable, rows, request, count=found.qs.count(), order_by="-number")
    if "format" in request.GET:
        return export_response("shipments", table.data.data, request.viewer, request.GET["format"])
    return render(request, "incidents/shipments/list.html", {"table": table, "filter": found})


@requires(Permission.SEND_TO_APPLE)
def shipment_new(request: ViewerRequest) -> HttpResponse:
    form = ShipmentForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            return redirect(verbs.create_shipment(actor=request.viewer.actor, **form.cleaned_data))
        except Refused as refusal:
            form.add_error(refusal.field, refusal.sentence)
    return render(request, "incidents/shipments/form.html", {"form": form})


@requires(Permission.SEND_TO_APPLE)
def shipment_edit(request: ViewerRequest, number: int) -> HttpResponse:
    shipment = shipment_of(request, number)
    form = ShipmentForm(request.POST or None, instance=shipment_of(request, number))
    if request.method == "POST" and form.is_valid():
        try:
            verbs.update_shipment(shipment, actor=request.viewer.actor, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(refusal.field, refusal.sentence)
        else:
            messages.success(request, _("Saved."))
            return redirect(shipment)
    return render(request, "incidents/shipments/form.html", {"form": form, "shipment": shipment})


@requires(Permission.VIEW_INCIDENTS)
def shipment(request: ViewerRequest, number: int) -> HttpResponse:
    return render(request, "incidents/shipments/shipment.html", packed(request, shipment_of(request, number)))


@requires(Permission.SEND_TO_APPLE)
def units(request: ViewerRequest, number: int) -> HttpResponse:
    """The part of the page that renews itself while Apple is asked. A POST has Apple asked, by a worker."""
    found = shipment_of(request, number)
    if request.method == "POST" and found.is_open:
        inside = [unit.incident for unit in queries.contents(request.viewer, found).units]
        request_answers(inside, anew="anew" in request.POST)
        if not request.headers.get("HX-Request"):
            return redirect(found)
    context = packed(request, found) | {"asks_by_itself": False}
    if request.GET.get("known") == context["known"]:
        return HttpResponse(status=NOTHING_NEW)
    return render(request, "incidents/shipments/_units.html", context)


@requires(Permission.SEND_TO_APPLE)
def shipment_ship(request: ViewerRequest, number: int) -> HttpResponse:
    """The last look before the box is closed for good."""
    found = shipment_of(request, number)
    context = packed(request, found)
    if not found.is_open or not context["contents"].total:
        return redirect(found)
    if context["contents"].elsewhere:
        messages.error(request, _units_of_others())
        return redirect(found)
    form = ShippingForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        leave_out = "leave_out" in request.POST
        try:
            shipped = verbs.ship(found, leave_out=leave_out, actor=request.viewer.actor, **form.cleaned_data)
        except PreflightConcerns as refusal:
            form.add_error("reason", refusal.sentence)
        except Refused as refusal:
            form.add_error(refusal.field, refusal.sentence)
        else:
            messages.success(request, _sentence(shipped))
            return redirect(found)
    status = 422 if form.is_bound else 200
    return render(request, "incidents/shipments/ship.html", context | {"form": form}, status=status)


@require_POST
@requires(Permission.SEND_TO_APPLE)
def shipment_cancel(request: ViewerRequest, number: int) -> HttpResponse:
    found = shipment_of(request, number)
    if queries.contents(request.viewer, found).elsewhere:
        messages.error(request, _units_of_others())
        return redirect(found)
    try:
        verbs.cancel_shipment(found, actor=request.viewer.actor)
    except Refused as refusal:
        messages.error(request, refusal.sentence)
        return redirect(found)
    messages.success(request, _("Shipment #%(number)d is cancelled.") % {"number": number})
    return redirect("incidents:shipments")


@requires(Permission.VIEW_INCIDENTS)
def packing_list(request: ViewerRequest, number: int) -> HttpResponse:
    """A page to print, and to lay into the box."""
    context = packed(request, shipment_of(request, number))
    return render(request, "incidents/shipments/packing_list.html", context)


def shipment_of(request: ViewerRequest, number: int) -> Shipment:
    return get_object_or_404(queries.shipments(request.viewer), pk=number)


def packed(request: ViewerRequest, shipment: Shipment) -> dict[str, Any]:
    inside = queries.contents(request.viewer, shipment)
    may_pack = shipment.is_open and request.viewer.may(Permission.SEND_TO_APPLE)
    nobody_asks = queries.nobody_asks(inside.units)
    return {
        "shipment": shipment,
        "contents": inside,
        "may_pack": may_pack,
        "asks_by_itself": may_pack and inside.to_ask > 0,
        "nobody_asks": nobody_asks,
        "known": f"{inside.total}.{inside.awaited}.{nobody_asks:d}",
    }


def _units_of_others() -> str:
    return _("This box holds units of sites that you don't see. Leave that to somebody who does.")


def _sentence(shipped: verbs.Shipped) -> str:
    sent = len(shipped.sent)
    sentence = ngettext(
        "%(count)d device is on its way to Apple.", "%(count)d devices are on their way to Apple.", sent
    ) % {"count": sent}
    if shipped.left_out:
        names = ", ".join(str(unit.device) for unit in shipped.left_out)
        return sentence + " " + _("Left out: %(devices)s.") % {"devices": names}
    return sentence
