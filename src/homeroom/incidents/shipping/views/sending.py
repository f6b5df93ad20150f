"""One device on its way to Apple: what speaks against it, sending it, the day that it left."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.policy import Permission
from homeroom.incidents.inquiry import request_answers
from homeroom.incidents.models import Incident
from homeroom.incidents.queries import incidents
from homeroom.incidents.shipping import queries
from homeroom.incidents.shipping.forms import SendForm, ShippingDayForm
from homeroom.incidents.verbs import repairs as verbs
from homeroom.web.errors import Refused

NOTHING_NEW = 204
"""htmx leaves the page as it is, so that nothing moves under a thumb."""


@requires(Permission.SEND_TO_APPLE)
def send_to_apple(request: ViewerRequest, number: int) -> HttpResponse:
    found = incident_of(request, number)
    if (refusal := verbs.refusal_to_send(found)) is not None:
        messages.error(request, refusal.sentence)
        return redirect(found)
    form = SendForm(request.POST or None, initial={"repair_number": found.repair_number})
    if request.method == "POST" and form.is_valid():
        try:
            verbs.send_to_apple(found, actor=request.viewer.actor, **form.cleaned_data)
        except Refused as refused:
            form.add_error(refused.field, refused.sentence)
        else:
            messages.success(request, _("%(device)s is on its way to Apple.") % {"device": found.device})
            return redirect(found)
    context = {"form": form} | _before_sending(found, asks_by_itself=request.method == "GET")
    status = 422 if form.is_bound else 200
    return render(request, "incidents/send_to_apple.html", context, status=status)


@requires(Permission.SEND_TO_APPLE)
def before_sending(request: ViewerRequest, number: int) -> HttpResponse:
    """The part of the page that tells what speaks against it. A POST has Apple asked, by a worker."""
    found = incident_of(request, number)
    if request.method == "POST":
        request_answers([found], anew="anew" in request.POST)
        if not request.headers.get("HX-Request"):
            return redirect("incidents:send-to-apple", number)
    context = _before_sending(found)
    if request.GET.get("known") == context["known"]:
        return HttpResponse(status=NOTHING_NEW)
    return render(request, "incidents/_before_sending.html", context)


@requires(Permission.SEND_TO_APPLE)
def shipping_day(request: ViewerRequest, number: int) -> HttpResponse:
    """Correct the day on which it was shipped."""
    found = incident_of(request, number)
    form = ShippingDayForm(request.POST or None, initial={"shipped_on": found.shipped_on})
    if request.method == "POST" and form.is_valid():
        try:
            verbs.correct_shipping_day(found, actor=request.viewer.actor, **form.cleaned_data)
        except Refused as refused:
            form.add_error(refused.field, refused.sentence)
        else:
            messages.success(request, _("Saved."))
            return redirect(found)
    return render(request, "incidents/shipping_day.html", {"form": form, "incident": found})


def incident_of(request: ViewerRequest, number: int) -> Incident:
    return get_object_or_404(queries.with_people(incidents(request.viewer)), pk=number)


def _before_sending(found: Incident, *, asks_by_itself: bool = False) -> dict[str, Any]:
    (unit,) = queries.units_of([found])
    nobody_asks = queries.nobody_asks([unit])
    return {
        "incident": found,
        "unit": unit,
        "asks_by_itself": asks_by_itself and not unit.answer.is_good and not unit.answer.is_awaited,
        "nobody_asks": nobody_asks,
        "known": f"{unit.answer.is_awaited:d}.{nobody_asks:d}",
    }
