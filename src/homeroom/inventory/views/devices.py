from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.policy import Permission
from homeroom.inventory import queries
from homeroom.inventory.additions import added_columns, with_additions
from homeroom.inventory.exports.views import export_response
from homeroom.inventory.filters import DeviceFilter
from homeroom.inventory.forms import DeviceForm
from homeroom.inventory.models import Device
from homeroom.inventory.profile import actions_for, panels_of
from homeroom.inventory.tables import DeviceTable
from homeroom.inventory.timeline import timeline
from homeroom.inventory.verbs import devices as verbs
from homeroom.inventory.views.lists import paged
from homeroom.web.errors import Refused
from homeroom.web.keys import key_of


@requires(Permission.VIEW_INVENTORY)
def devices(request: ViewerRequest) -> HttpResponseBase:
    """The list. A search that names one device exactly goes straight to it, whatever its site."""
    scanned = request.GET.get("q", "")
    if scanned and not request.headers.get("HX-Request") and (pk := queries.device_scanned(scanned)):
        return redirect("inventory:device", pk=pk)
    found = DeviceFilter(request.GET, queries.visible_devices(request.viewer), request=request)
    rows = with_additions(queries.for_list(found.qs))
    count, columns = found.qs.count(), added_columns()
    table = paged(
        DeviceTable,
        rows,
        request,
        found=found.qs,
        count=count,
        order_by="asset_tag",
        extra_columns=columns,
    )
    if "format" in request.GET:
        return export_response("devices", table.data.data, request.viewer, request.GET["format"])
    return render(request, "inventory/devices.html", {"table": table, "filter": found})


@requires(Permission.VIEW_INVENTORY)
def device(request: ViewerRequest, pk: int) -> HttpResponse:
    """The profile; of a device of a site that the viewer doesn't see, only where it belongs."""
    found = queries.devices_for_list(request.viewer).filter(pk=pk).first()
    if found is None:
        return _elsewhere(request, pk)
    return render(
        request,
        "inventory/device.html",
        {
            "device": found,
            "assignment": queries.open_assignment(found),
            "assignments": queries.assignments_of_device(found),
            "panels": list(panels_of(request.viewer, found)),
            "profile_actions": actions_for(request.viewer),
            "timeline": timeline(found),
        },
    )


def _elsewhere(request: ViewerRequest, pk: int) -> HttpResponse:
    device = queries.device_elsewhere(pk)
    if device is None:
        raise Http404
    return render(request, "inventory/device_elsewhere.html", {"device": device})


@requires(Permission.EDIT_INVENTORY)
def device_new(request: ViewerRequest) -> HttpResponse:
    form = DeviceForm(request.POST or None, viewer=request.viewer)
    if request.method == "POST" and form.is_valid():
        try:
            device = verbs.create_device(actor=request.viewer.actor, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(refusal.field, refusal.sentence)
        else:
            messages.success(request, _("%(device)s is in the inventory now.") % {"device": device})
            if "another" in request.POST:
                return redirect("inventory:device-new")
            return redirect(device)
    return render(request, "inventory/device_form.html", {"form": form})


@requires(Permission.EDIT_INVENTORY)
def device_edit(request: ViewerRequest, pk: int) -> HttpResponse:
    device = _visible(request, pk)
    form = DeviceForm(request.POST or None, instance=_visible(request, pk), viewer=request.viewer)
    if request.method == "POST" and form.is_valid():
        try:
            verbs.update_device(device, actor=request.viewer.actor, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(refusal.field, refusal.sentence)
        else:
            messages.success(request, _("Saved."))
            return redirect(device)
    return render(request, "inventory/device_form.html", {"form": form, "device": device})


@requires(Permission.EDIT_INVENTORY)
def device_status(request: ViewerRequest, pk: int) -> HttpResponse:
    """A page of one button per status, for a thumb."""
    device = _visible(request, pk)
    if request.method == "POST":
        status = get_object_or_404(queries.statuses(), pk=key_of(request.POST.get("status")))
        try:
            verbs.set_status(device, status, actor=request.viewer.actor)
        except Refused as refusal:
            messages.error(request, refusal.sentence)
        else:
            messages.success(
                request, _("%(device)s is now: %(status)s.") % {"device": device, "status": status}
            )
        return redirect(device)
    return render(
        request, "inventory/device_status.html", {"device": device, "statuses": queries.choosable_statuses()}
    )


@requires(Permission.DELETE_DEVICES)
def device_delete(request: ViewerRequest, pk: int) -> HttpResponse:
    device = _visible(request, pk)
    if request.method == "POST":
        try:
            verbs.delete_device(device, actor=request.viewer.actor)
        except Refused as refusal:
            messages.error(request, refusal.sentence)
            return redirect(device)
        messages.success(request, _("%(device)s is deleted.") % {"device": device})
        return redirect("inventory:devices")
    return render(request, "inventory/device_delete.html", {"device": device})


def _visible(request: ViewerRequest, pk: int) -> Device:
    devices = queries.visible_devices(request.viewer).select_related("site", "status")
    return get_object_or_404(devices, pk=pk)
