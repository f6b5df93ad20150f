"""From the box into the inventory: scan the new serial number, and do what is left to do."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.policy import Permission
from homeroom.applesync.models import Replacement
from homeroom.applesync.queries import receiving as queries
from homeroom.applesync.queries.connections import standings
from homeroom.applesync.queries.receiving import Receiving
from homeroom.applesync.queries.replacements import replacements, shown
from homeroom.applesync.reviewing.forms import ReplacementForm, StepsForm, TagForm
from homeroom.applesync.verbs.receiving import receive_into_inventory
from homeroom.applesync.verbs.refresh import look_up
from homeroom.web.errors import Refused

LONGEST = 100


@requires(Permission.EDIT_INVENTORY)
def scan(request: ViewerRequest) -> HttpResponse:
    """A serial number out of the box leads to what can be done with it."""
    asked = request.GET.get("serial", "").strip()[:LONGEST]
    found = queries.scanned(request.viewer, asked) if asked else None
    if found and found.replacement:
        return redirect("applesync:receive-replacement", pk=found.replacement.pk)
    if found and found.candidate:
        messages.info(
            request, _("No incident is known yet for this device. Choose the one that it belongs to.")
        )
        return redirect("applesync:replacement-candidate", pk=found.candidate.pk)
    if found and found.device_id:
        messages.info(request, _("This device is in the inventory already, and replaces none of ours."))
        return redirect("inventory:device", pk=found.device_id)
    context = {"asked": asked, "found": found, "standings": _active(request) if asked else []}
    return render(request, "applesync/replacements/scan.html", context)


@require_POST
@requires(Permission.REFRESH_DEVICES)
def look_up_scanned(request: ViewerRequest) -> HttpResponse:
    """Ask Apple now whether it lists the device, without waiting for a sync."""
    asked = request.POST.get("serial", "").strip()[:LONGEST]
    try:
        row = look_up(asked, actor=request.viewer.actor)
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, _("Apple lists %(serial)s.") % {"serial": row})
        asked = row.serial_number
    return redirect(f"{reverse('applesync:scan-replacement')}?{urlencode({'serial': asked})}")


@requires(Permission.EDIT_INVENTORY)
def receive(request: ViewerRequest, pk: int) -> HttpResponse:
    """The form that is filled in already, with the checklist: now, or later."""
    rows = shown(replacements(request.viewer)).filter(state=Replacement.State.APPLIED)
    found = get_object_or_404(rows, pk=pk)
    standing = queries.receiving(found)
    device_form, steps = _forms(request, standing)
    if request.method == "POST" and _are_valid(device_form, steps):
        values = device_form.cleaned_data if device_form else {}
        try:
            device = receive_into_inventory(
                found, actor=request.viewer.actor, **_given(values), **steps.wanted
            )
        except Refused as refusal:
            _tell(refusal, device_form, steps)
        else:
            messages.success(request, _sentence(queries.receiving(rows.get(pk=pk)), str(device)))
            return redirect("applesync:scan-replacement" if "another" in request.POST else found)
    context = {"replacement": found, "standing": standing, "form": device_form, "steps": steps}
    return render(request, "applesync/replacements/receive.html", context)


def _forms(request: ViewerRequest, standing: Receiving) -> tuple[forms.BaseForm | None, StepsForm]:
    sent = request.POST if request.method == "POST" else None
    steps = StepsForm(sent, standing=standing)
    if standing.device is None:
        return ReplacementForm(sent, standing=standing, viewer=request.viewer), steps
    return (None if standing.device.asset_tag else TagForm(sent)), steps


def _are_valid(device_form: forms.BaseForm | None, steps: StepsForm) -> bool:
    are_valid = [form.is_valid() for form in (device_form, steps) if form is not None]
    return all(are_valid)


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != "serial_number"}


def _tell(refusal: Refused, device_form: forms.BaseForm | None, steps: StepsForm) -> None:
    if device_form is not None and refusal.field in device_form.fields:
        device_form.add_error(refusal.field, refusal.sentence)
    else:
        steps.add_error(None, refusal.sentence)


def _sentence(standing: Receiving, device: str) -> str:
    if not standing.left:
        return _("%(device)s is received: nothing is left to do.") % {"device": device}
    return _("%(device)s is in the inventory. The rest can be done later.") % {"device": device}


def _active(request: ViewerRequest) -> list[object]:
    """When Apple's lists were read last."""
    return [standing for standing in standings(request.viewer) if standing.connection.active]


urlpatterns = [
    path("replacements/scan/", scan, name="scan-replacement"),
    path("replacements/scan/look-up/", look_up_scanned, name="look-up-replacement"),
    path("replacements/<int:pk>/receive/", receive, name="receive-replacement"),
]
