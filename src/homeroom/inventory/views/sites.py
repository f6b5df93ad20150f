from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.policy import Permission
from homeroom.inventory import queries
from homeroom.inventory.exports.views import export_response
from homeroom.inventory.forms import SiteForm
from homeroom.inventory.tables import SiteTable
from homeroom.inventory.verbs import sites as verbs
from homeroom.inventory.views.lists import paged
from homeroom.web.errors import Refused


@requires(Permission.VIEW_INVENTORY)
def sites(request: ViewerRequest) -> HttpResponseBase:
    found = queries.sites_for_list(request.viewer)
    table = paged(SiteTable, found, request, count=found.count(), order_by="name")
    if "format" in request.GET:
        return export_response("sites", table.data.data, request.viewer, request.GET["format"])
    return render(request, "inventory/sites.html", {"table": table})


@requires(Permission.VIEW_INVENTORY)
def site(request: ViewerRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(queries.sites_for_list(request.viewer), pk=pk)
    return render(
        request, "inventory/site.html", {"site": found, "statuses": queries.statuses_of_site(found)}
    )


@requires(Permission.MANAGE_SETTINGS)
def site_new(request: ViewerRequest) -> HttpResponse:
    form = SiteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            site = verbs.create_site(actor=request.viewer.actor, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(refusal.field, refusal.sentence)
        else:
            messages.success(request, _("%(site)s is there now.") % {"site": site})
            return redirect(site)
    return render(request, "inventory/site_form.html", {"form": form})


@requires(Permission.MANAGE_SETTINGS)
def site_edit(request: ViewerRequest, pk: int) -> HttpResponse:
    visible = queries.visible_sites(request.viewer)
    site = get_object_or_404(visible, pk=pk)
    form = SiteForm(request.POST or None, instance=get_object_or_404(visible, pk=pk))
    if request.method == "POST" and form.is_valid():
        try:
            verbs.update_site(site, actor=request.viewer.actor, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(refusal.field, refusal.sentence)
        else:
            messages.success(request, _("Saved."))
            return redirect(site)
    return render(request, "inventory/site_form.html", {"form": form, "site": site})


@require_POST
@requires(Permission.MANAGE_SETTINGS)
def site_delete(request: ViewerRequest, pk: int) -> HttpResponse:
    site = get_object_or_404(queries.visible_sites(request.viewer), pk=pk)
    name = site.name
    try:
        verbs.delete_site(site, actor=request.viewer.actor)
    except Refused as refusal:
        messages.error(request, refusal.sentence)
        return redirect("inventory:site", pk=pk)
    messages.success(request, _("%(site)s is deleted.") % {"site": name})
    return redirect("inventory:sites")
