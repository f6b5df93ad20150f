from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.policy import Permission
from homeroom.inventory import queries
from homeroom.inventory.exports.views import export_response
from homeroom.inventory.filters import PersonFilter
from homeroom.inventory.forms import PersonForm
from homeroom.inventory.profile import panels_of_person
from homeroom.inventory.tables import PersonTable
from homeroom.inventory.verbs import people as verbs
from homeroom.inventory.views.lists import paged
from homeroom.web.errors import Refused


@requires(Permission.VIEW_INVENTORY)
def people(request: ViewerRequest) -> HttpResponseBase:
    found = PersonFilter(request.GET, queries.people_for_list(request.viewer), request=request)
    table = paged(PersonTable, found.qs, request, count=found.qs.count(), order_by="name")
    if "format" in request.GET:
        return export_response("people", table.data.data, request.viewer, request.GET["format"])
    return render(request, "inventory/people.html", {"table": table, "filter": found})


@requires(Permission.VIEW_INVENTORY)
def person(request: ViewerRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(queries.visible_people(request.viewer).select_related("site"), pk=pk)
    assignments = list(queries.assignments_of_person(request.viewer, found))
    return render(
        request,
        "inventory/person.html",
        {
            "person": found,
            "present": [assignment for assignment in assignments if assignment.ended_at is None],
            "past": [assignment for assignment in assignments if assignment.ended_at is not None],
            "panels": list(panels_of_person(request.viewer, found)),
        },
    )


@requires(Permission.EDIT_INVENTORY)
def person_new(request: ViewerRequest) -> HttpResponse:
    form = PersonForm(request.POST or None, viewer=request.viewer)
    if request.method == "POST" and form.is_valid():
        try:
            person = verbs.create_person(actor=request.viewer.actor, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(refusal.field, refusal.sentence)
        else:
            messages.success(request, _("%(person)s is there now.") % {"person": person})
            return redirect(person)
    return render(request, "inventory/person_form.html", {"form": form})


@requires(Permission.EDIT_INVENTORY)
def person_edit(request: ViewerRequest, pk: int) -> HttpResponse:
    visible = queries.visible_people(request.viewer).select_related("site")
    person = get_object_or_404(visible, pk=pk)
    form = PersonForm(request.POST or None, instance=get_object_or_404(visible, pk=pk), viewer=request.viewer)
    if request.method == "POST" and form.is_valid():
        try:
            verbs.update_person(person, actor=request.viewer.actor, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(refusal.field, refusal.sentence)
        else:
            messages.success(request, _("Saved."))
            return redirect(person)
    return render(request, "inventory/person_form.html", {"form": form, "person": person})
