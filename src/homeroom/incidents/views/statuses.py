from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.policy import Permission
from homeroom.incidents import queries
from homeroom.incidents.forms import IncidentStatusForm
from homeroom.incidents.verbs import statuses as verbs
from homeroom.web.errors import Refused


@requires(Permission.MANAGE_SETTINGS)
def incident_statuses(request: ViewerRequest) -> HttpResponse:
    """The statuses, and a form for one more."""
    form = IncidentStatusForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            status = verbs.create_status(actor=request.viewer.actor, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(refusal.field, refusal.sentence)
        else:
            messages.success(request, _("“%(status)s” can be used now.") % {"status": status})
            return redirect("incidents:statuses")
    return render(request, "incidents/statuses.html", {"form": form, "statuses": queries.incident_statuses()})


@requires(Permission.MANAGE_SETTINGS)
def incident_status_edit(request: ViewerRequest, pk: int) -> HttpResponse:
    statuses = queries.incident_statuses()
    status = get_object_or_404(statuses, pk=pk)
    form = IncidentStatusForm(request.POST or None, instance=get_object_or_404(statuses, pk=pk))
    if request.method == "POST" and form.is_valid():
        try:
            verbs.rename_status(status, actor=request.viewer.actor, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(refusal.field, refusal.sentence)
        else:
            messages.success(request, _("Saved."))
            return redirect("incidents:statuses")
    return render(request, "incidents/status_form.html", {"form": form, "status": status})


@require_POST
@requires(Permission.MANAGE_SETTINGS)
def incident_status_delete(request: ViewerRequest, pk: int) -> HttpResponse:
    status = get_object_or_404(queries.incident_statuses(), pk=pk)
    try:
        verbs.delete_status(status, actor=request.viewer.actor)
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, _("“%(status)s” is deleted.") % {"status": status})
    return redirect("incidents:statuses")
