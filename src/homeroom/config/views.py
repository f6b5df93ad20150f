from django.http import HttpResponse
from django.shortcuts import redirect, render

from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.policy import Permission


@requires(Permission.VIEW_INVENTORY)
def home(request: ViewerRequest) -> HttpResponse:
    return redirect("inventory:devices")


@requires(Permission.MANAGE_SETTINGS)
def settings_index(request: ViewerRequest) -> HttpResponse:
    return render(request, "web/settings.html")
