"""What is at Apple, and taking it back."""

from collections.abc import Sequence

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.policy import Permission
from homeroom.incidents.models import Incident
from homeroom.incidents.page import scanned_elsewhere
from homeroom.incidents.queries import at_apple, incidents
from homeroom.incidents.shipping import queries
from homeroom.incidents.shipping.columns import AT_APPLE
from homeroom.incidents.shipping.filters import AtAppleFilter
from homeroom.incidents.shipping.tables import AtAppleTable
from homeroom.incidents.shipping.views.sending import incident_of
from homeroom.incidents.verbs import repairs as verbs
from homeroom.inventory.exports.views import export_response
from homeroom.inventory.queries import device_scanned
from homeroom.inventory.views.lists import paged
from homeroom.web.errors import Refused
from homeroom.web.returning import next_address

Outcome = Incident.Outcome
OTHER_OUTCOMES = (Outcome.RETURNED_UNREPAIRED, Outcome.NOT_COVERED, Outcome.OTHER)


@requires(Permission.VIEW_INCIDENTS)
def board(request: ViewerRequest) -> HttpResponseBase:
    """Every unit away, the longest away first; below, what came back lately."""
    found = AtAppleFilter(request.GET, at_apple(request.viewer), request=request)
    rows = queries.for_board(found.qs)
    table = paged(AtAppleTable, rows, request, count=found.qs.count(), order_by="shipped_on")
    if "format" in request.GET:
        return export_response(AT_APPLE, table.data.data, request.viewer, request.GET["format"])
    back = list(queries.with_people(queries.received_back(request.viewer))[: queries.MOST_RECENT])
    loaners = queries.loaners_to_take_back(request.viewer, back)
    context = {
        "table": table,
        "filter": found,
        "back": [(incident, loaners.get(incident.number, ())) for incident in back],
    }
    return render(request, "incidents/board/board.html", context)


@requires(Permission.SEND_TO_APPLE)
def receive_back(request: ViewerRequest, number: int) -> HttpResponse:
    """A page of one button per outcome; the board's own button sends the usual one here."""
    found = incident_of(request, number)
    if request.method == "POST":
        _receive(request, found, request.POST.get("outcome", ""))
        # A depot's technician sees what is at Apple, and no longer what has come back.
        still_seen = incidents(request.viewer).filter(pk=number).exists()
        return redirect((still_seen and next_address(request)) or "incidents:at-apple")
    if not found.is_at_apple:
        messages.error(request, _("%(device)s is not at Apple.") % {"device": found.device})
        return redirect("incidents:at-apple")
    outcomes = [Outcome.REPAIRED, *OTHER_OUTCOMES]
    context = {"incident": found, "outcomes": outcomes, "next": next_address(request)}
    return render(request, "incidents/receive_back.html", context)


@require_POST
@requires(Permission.SEND_TO_APPLE)
def receive_scanned(request: ViewerRequest) -> HttpResponse:
    """A unit is scanned out of the box: received, if it is one that is at Apple."""
    code = request.POST.get("code", "").strip()
    device_id = device_scanned(code) if code else None
    found = queries.unit_at_apple(request.viewer, device_id) if device_id else None
    if found is not None:
        _receive(request, found, Outcome.REPAIRED)
    elif code and (address := scanned_elsewhere(request.viewer, code)):
        return redirect(address)
    elif code:
        messages.error(
            request,
            _(
                "“%(code)s” is not the tag or serial number of a device that is at Apple. "
                "If Apple sent another unit in its place, it is received as a replacement."
            )
            % {"code": code},
        )
    return redirect("incidents:at-apple")


def _receive(request: ViewerRequest, incident: Incident, outcome: str) -> None:
    try:
        verbs.receive_back(incident, outcome=outcome, actor=request.viewer.actor)
    except Refused as refusal:
        messages.error(request, refusal.sentence)
        return
    told = {"device": incident.device, "outcome": Outcome(outcome).label, "incident": incident}
    messages.success(request, _("%(device)s is back: %(outcome)s. Incident %(incident)s is closed.") % told)
    incident = get_object_or_404(queries.with_people(Incident.objects.all()), pk=incident.pk)
    _tell_of_loaners(request, incident)


def _tell_of_loaners(request: ViewerRequest, incident: Incident) -> None:
    loaners: Sequence[object] = queries.loaners_to_take_back(request.viewer, [incident]).get(
        incident.number, ()
    )
    if loaners:
        names = ", ".join(str(loaner.device) for loaner in loaners)  # type: ignore[attr-defined]
        messages.warning(
            request,
            _("The loaner %(loaner)s is still with %(person)s: take it back.")
            % {"loaner": names, "person": incident.person},
        )
