"""Saved views: what somebody asks of a report again and again, kept to themselves or shared."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.policy import Permission
from homeroom.inventory.exports.reports import report_named
from homeroom.reports.forms import SavedViewForm
from homeroom.reports.queries.reports import visible_report
from homeroom.reports.queries.saved import changeable_views, is_own
from homeroom.reports.verbs import saved as verbs
from homeroom.web.errors import Refused


@require_POST
@requires(Permission.VIEW_INVENTORY)
def new(request: ViewerRequest) -> HttpResponse:
    if not request.POST.get("report"):
        return redirect("reports:reports")
    found = visible_report(request.viewer, request.POST["report"])
    query = request.POST.get("query", "")
    try:
        view = verbs.save_view(
            found,
            name=request.POST.get("name", ""),
            query=query,
            shared="shared" in request.POST,
            owner=request.user,
            viewer=request.viewer,
        )
    except Refused as refusal:
        messages.error(request, refusal.sentence)
        return redirect(f"{reverse('reports:report', args=[found.name])}?{query}")
    messages.success(request, _("“%(view)s” is saved.") % {"view": view})
    return redirect(view)


@requires(Permission.VIEW_INVENTORY)
def edit(request: ViewerRequest, pk: int) -> HttpResponse:
    """Its name, and who sees it."""
    views = changeable_views(request.viewer)
    view = get_object_or_404(views, pk=pk)
    form = SavedViewForm(request.POST or None, instance=get_object_or_404(views, pk=pk))
    if request.method == "POST" and form.is_valid():
        try:
            changed = verbs.change_view(view, viewer=request.viewer, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(refusal.field, refusal.sentence)
        else:
            messages.success(request, _("Saved."))
            own = is_own(request.viewer, changed)
            return redirect(changed if own or changed.shared else "reports:reports")
    context = {"form": form, "view": view, "report": report_named(view.report)}
    return render(request, "reports/view_form.html", context)


@require_POST
@requires(Permission.VIEW_INVENTORY)
def save_again(request: ViewerRequest, pk: int) -> HttpResponse:
    """With what its report's page is asked for now."""
    view = get_object_or_404(changeable_views(request.viewer), pk=pk)
    try:
        view = verbs.change_view(view, viewer=request.viewer, query=request.POST.get("query", ""))
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, _("“%(view)s” is saved.") % {"view": view})
    return redirect(view)


@require_POST
@requires(Permission.VIEW_INVENTORY)
def delete(request: ViewerRequest, pk: int) -> HttpResponse:
    view = get_object_or_404(changeable_views(request.viewer), pk=pk)
    verbs.delete_view(view, actor=request.viewer.actor)
    messages.success(request, _("“%(view)s” is deleted.") % {"view": view})
    return redirect("reports:report", name=view.report)
