"""Opening an incident: scan or type which device, then say what befell it."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.policy import Permission
from homeroom.incidents import queries
from homeroom.incidents.advice import advice
from homeroom.incidents.forms import NewIncidentForm
from homeroom.incidents.models import Incident
from homeroom.incidents.verbs.attachments import open_incident_with
from homeroom.inventory.models import Device
from homeroom.inventory.queries import device_scanned, devices_for_list, search_devices
from homeroom.web.errors import Refused

MOST_ANSWERS = 20


@requires(Permission.EDIT_INCIDENTS)
def new(request: ViewerRequest) -> HttpResponse:
    """Which device. A scanner types the tag or serial number and presses Enter, and is there."""
    words = request.GET.get("q", "").strip()
    if words and not request.headers.get("HX-Request") and (pk := device_scanned(words)):
        return redirect("incidents:new-of-device", device_pk=pk)
    answers: list[Device] = []
    if words:
        answers = list(search_devices(devices_for_list(request.viewer), words)[: MOST_ANSWERS + 1])
    return render(
        request,
        "incidents/new.html",
        {"words": words, "answers": answers[:MOST_ANSWERS], "more": len(answers) > MOST_ANSWERS},
    )


@requires(Permission.EDIT_INCIDENTS)
def new_of_device(request: ViewerRequest, device_pk: int) -> HttpResponse:
    """What befell it. A device of another site is answered for by its own page: where it belongs."""
    device = devices_for_list(request.viewer).filter(pk=device_pk).first()
    if device is None:
        return redirect("inventory:device", pk=device_pk)
    open_ones = list(queries.incidents_of_device(device).filter(queries.OPEN))
    known = " ".join(str(incident.number) for incident in open_ones)
    form = NewIncidentForm(request.POST or None, request.FILES or None, device=device)
    if request.method == "POST" and form.is_valid():
        if request.POST.get("known", "") != known:
            form.add_error(None, _("Somebody else has just opened an incident of this device: see above."))
        elif (incident := _opened(request, device, form)) is not None:
            messages.success(request, _("Incident %(incident)s is open.") % {"incident": incident})
            return redirect(incident)
    context = {
        "device": device,
        "form": form,
        "open_ones": open_ones,
        "known": known,
        "advice": advice(device),
    }
    return render(request, "incidents/new_of_device.html", context)


def _opened(request: ViewerRequest, device: Device, form: NewIncidentForm) -> Incident | None:
    """None where it was refused, and the form says why."""
    values = dict(form.cleaned_data)
    try:
        return open_incident_with(device, values.pop("file"), actor=request.viewer.actor, **values)
    except Refused as refusal:
        form.add_error(refusal.field, refusal.sentence)
        return None
