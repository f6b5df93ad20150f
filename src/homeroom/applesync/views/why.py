"""*Why?*: one serial number or asset tag, and every question about it answered."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path

from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.policy import Permission
from homeroom.applesync.queries import why as queries

LONGEST = 100


@requires(Permission.VIEW_SYNC)
def why(request: ViewerRequest) -> HttpResponse:
    asked = request.GET.get("q", "").strip()[:LONGEST]
    answer = queries.why(request.viewer, asked) if asked else None
    return render(request, "applesync/why/why.html", {"asked": asked, "answer": answer})


urlpatterns = [path("why/", why, name="why")]
