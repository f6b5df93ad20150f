from django.http import HttpResponse
from django.shortcuts import render

from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.policy import Permission
from homeroom.web import dashboard


@requires(Permission.OWN_ACCOUNT)
def home(request: ViewerRequest) -> HttpResponse:
    """What waits for whoever has signed in, then how the district stands."""
    viewer = request.viewer
    shown = {
        "waiting": dashboard.waiting_for(viewer),
        "steps": dashboard.first_steps(viewer),
        "sections": dashboard.sections_for(viewer),
    }
    return render(request, "web/dashboard.html", shown)


@requires(Permission.MANAGE_SETTINGS)
def settings_index(request: ViewerRequest) -> HttpResponse:
    return render(request, "web/settings.html")
