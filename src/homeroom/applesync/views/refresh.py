"""*Refresh this device now* on the device profile."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRefresh

from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.policy import Permission
from homeroom.applesync.verbs.refresh import refresh_device
from homeroom.inventory.queries import visible_devices
from homeroom.web.errors import Refused


@require_POST
@requires(Permission.REFRESH_DEVICES)
def refresh(request: ViewerRequest, pk: int) -> HttpResponse:
    """With htmx a refusal appears beside the button; what succeeds shows on the whole page."""
    device = get_object_or_404(visible_devices(request.viewer), pk=pk)
    by_htmx = request.headers.get("HX-Request") == "true"
    try:
        refreshed = refresh_device(device, actor=request.viewer.actor)
    except Refused as refusal:
        if by_htmx:
            return render(request, "applesync/_refused.html", {"sentence": refusal.sentence})
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, refreshed.sentence)
    return HttpResponseClientRefresh() if by_htmx else redirect(device)


urlpatterns = [path("devices/<int:pk>/refresh/", refresh, name="refresh")]
