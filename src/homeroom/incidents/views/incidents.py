"""The list of incidents, the page of one, and what is done there."""

from dataclasses import dataclass

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.policy import Permission
from homeroom.incidents import queries
from homeroom.incidents.advice import advice
from homeroom.incidents.filters import ME, IncidentFilter
from homeroom.incidents.forms import IncidentForm
from homeroom.incidents.models import Incident, IncidentStatus
from homeroom.incidents.page import incident_panels
from homeroom.incidents.tables import IncidentTable
from homeroom.incidents.timeline import incident_timeline
from homeroom.incidents.verbs import incidents as verbs
from homeroom.inventory.exports.views import export_response
from homeroom.inventory.queries import open_assignment
from homeroom.inventory.views.lists import paged
from homeroom.web.errors import Refused
from homeroom.web.keys import key_of


@dataclass(frozen=True, slots=True)
class Tab:
    """A filter that is always at hand, and what it says where nothing fits it."""

    label: str | Promise
    empty: str | Promise
    state: str
    technician: str = ""

    @property
    def query(self) -> str:
        return f"state={self.state}" + (f"&technician={self.technician}" if self.technician else "")

    def is_chosen(self, chosen: QueryDict) -> bool:
        return (chosen.get("state", ""), chosen.get("technician", "")) == (self.state, self.technician)


TABS = (
    Tab(gettext_lazy("Mine"), gettext_lazy("No open incident is yours"), "open", ME),
    Tab(gettext_lazy("Open"), gettext_lazy("No incident is open"), "open"),
    Tab(gettext_lazy("At Apple"), gettext_lazy("No device is at Apple"), "at-apple"),
    Tab(gettext_lazy("Overdue"), gettext_lazy("No device is overdue at Apple"), "overdue"),
    Tab(gettext_lazy("All"), gettext_lazy("No incidents yet"), ""),
)


@requires(Permission.VIEW_INCIDENTS)
def incidents(request: ViewerRequest) -> HttpResponseBase:
    """The open ones, unless the address says otherwise. `#12` goes straight to the incident."""
    typed = request.GET.get("q", "").strip()
    if typed.startswith("#") and not request.headers.get("HX-Request"):
        number = queries.incident_number(typed)
        if number is not None and queries.incidents(request.viewer).filter(pk=number).exists():
            return redirect("incidents:incident", number=number)
    chosen = request.GET.copy()
    chosen.setdefault("state", "open")
    found = IncidentFilter(chosen, queries.incidents(request.viewer), request=request)
    count, rows = found.qs.count(), queries.for_list(found.qs)
    table = paged(IncidentTable, rows, request, count=count, order_by="-number")
    if "format" in request.GET:
        return export_response("incidents", table.data.data, request.viewer, request.GET["format"])
    searching = any(chosen.get(name) for name in ("q", "status", "kind", "site"))
    context = {
        "table": table,
        "filter": found,
        "tabs": TABS,
        "chosen": None if searching else next((tab for tab in TABS if tab.is_chosen(chosen)), None),
    }
    return render(request, "incidents/incidents.html", context)


@requires(Permission.VIEW_INCIDENTS)
def incident(request: ViewerRequest, number: int) -> HttpResponse:
    found = _incident(request, number)
    attachments = list(queries.attachments(found))
    now = open_assignment(found.device) if found.person else None
    return render(
        request,
        "incidents/incident.html",
        {
            "incident": found,
            "advice": advice(found.device, found.kind, sent=found.sent_at is not None),
            "photos": [attachment for attachment in attachments if attachment.is_photo],
            "files": [attachment for attachment in attachments if not attachment.is_photo],
            "timeline": incident_timeline(found),
            "others": queries.incidents_of_device(found.device).exclude(pk=found.pk)[:10],
            "loans": queries.loans(found.person) if found.person else (),
            "still_has": now is not None and now.person_id == found.person_id,
            "sees_person": found.person and request.viewer.sees_site(found.person.site_id),
            "outcomes": Incident.Outcome.choices,
            "suggested_outcome": _suggested_outcome(found),
            "panels": list(incident_panels(request.viewer, found)),
        },
    )


@requires(Permission.EDIT_INCIDENTS)
def edit(request: ViewerRequest, number: int) -> HttpResponse:
    found = _incident(request, number)
    form = IncidentForm(request.POST or None, instance=_incident(request, number))
    if request.method == "POST" and form.is_valid():
        try:
            verbs.update_incident(found, actor=request.viewer.actor, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(refusal.field, refusal.sentence)
        else:
            messages.success(request, _("Saved."))
            return redirect(found)
    return render(request, "incidents/incident_form.html", {"form": form, "incident": found})


@requires(Permission.EDIT_INCIDENTS)
def status(request: ViewerRequest, number: int) -> HttpResponse:
    """A page of one button per status, for a thumb."""
    found = _incident(request, number)
    if request.method == "POST":
        chosen = get_object_or_404(queries.incident_statuses(), pk=key_of(request.POST.get("status")))
        try:
            verbs.set_status(
                found, chosen, outcome=request.POST.get("outcome", ""), actor=request.viewer.actor
            )
        except Refused as refusal:
            messages.error(request, refusal.sentence)
            return redirect("incidents:status", number=number)
        messages.success(
            request, _("Incident %(incident)s is now: %(status)s.") % {"incident": found, "status": chosen}
        )
        return redirect(found)
    context = {
        "incident": found,
        "statuses": queries.choosable_statuses(),
        "outcomes": Incident.Outcome.choices,
        "suggested_outcome": _suggested_outcome(found),
    }
    return render(request, "incidents/incident_status.html", context)


@require_POST
@requires(Permission.EDIT_INCIDENTS)
def close(request: ViewerRequest, number: int) -> HttpResponse:
    found = _incident(request, number)
    try:
        verbs.close_incident(found, outcome=request.POST.get("outcome", ""), actor=request.viewer.actor)
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, _("Incident %(incident)s is closed.") % {"incident": found})
    return redirect(found)


@require_POST
@requires(Permission.EDIT_INCIDENTS)
def reopen(request: ViewerRequest, number: int) -> HttpResponse:
    found = _incident(request, number)
    try:
        verbs.reopen_incident(found, actor=request.viewer.actor)
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, _("Incident %(incident)s is open again.") % {"incident": found})
    return redirect(found)


@require_POST
@requires(Permission.EDIT_INCIDENTS)
def take(request: ViewerRequest, number: int) -> HttpResponse:
    found = _incident(request, number)
    verbs.update_incident(found, technician=request.user, actor=request.viewer.actor)
    messages.success(request, _("Incident %(incident)s is yours.") % {"incident": found})
    return redirect(found)


@require_POST
@requires(Permission.EDIT_INCIDENTS)
def comment(request: ViewerRequest, number: int) -> HttpResponse:
    found = _incident(request, number)
    try:
        verbs.comment(found, request.POST.get("text", ""), actor=request.viewer.actor)
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    return redirect(f"{found.get_absolute_url()}#timeline")


def visible_incidents(request: ViewerRequest) -> QuerySet[Incident]:
    return queries.incident_page(request.viewer)


def _incident(request: ViewerRequest, number: int) -> Incident:
    return get_object_or_404(visible_incidents(request), pk=number)


def _suggested_outcome(incident: Incident) -> str:
    """What a press will say most likely."""
    received = IncidentStatus.SystemKey.APPLECARE_REPLACEMENT_RECEIVED
    return Incident.Outcome.REPLACED if incident.status.system_key == received else ""
