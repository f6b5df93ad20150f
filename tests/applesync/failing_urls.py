"""Homeroom's addresses, and one that fails with a private key in its hands."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from homeroom.applesync.forms import ConnectionForm
from homeroom.config.urls import urlpatterns as real_urlpatterns


def fails(request: HttpRequest) -> HttpResponse:
    form = ConnectionForm(request.POST, request.FILES)
    form.is_valid()
    changes = form.changes()
    pem = changes.private_key
    raise RuntimeError(f"failed with {len(pem or '')} characters of a key in hand")


urlpatterns = [path("fails/", fails), *real_urlpatterns]
