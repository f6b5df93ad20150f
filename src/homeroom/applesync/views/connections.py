"""System Settings > MDM Settings: connections to Apple, their form, and the staged test."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.policy import Permission
from homeroom.applesync import checks
from homeroom.applesync.forms import ConnectionForm
from homeroom.applesync.models import Connection
from homeroom.applesync.queries import connections as queries
from homeroom.applesync.queries.coverage import coverage_outlook
from homeroom.applesync.verbs import connections as verbs
from homeroom.web.errors import Refused


@requires(Permission.MANAGE_CONNECTIONS)
def mdm_settings(request: ViewerRequest) -> HttpResponse:
    standings = queries.standings(request.viewer)
    context = {"standings": standings, "tile": queries.tile(standings)}
    return render(request, "applesync/connections/mdm_settings.html", context)


@requires(Permission.MANAGE_CONNECTIONS)
def detail(request: ViewerRequest, pk: int) -> HttpResponse:
    standing = queries.standing(_connection(request, pk))
    outlook = coverage_outlook(request.viewer, standing.connection)
    context = {"connection": standing.connection, "standing": standing, "outlook": outlook}
    return render(request, "applesync/connections/detail.html", context)


@requires(Permission.MANAGE_CONNECTIONS)
def activate(request: ViewerRequest) -> HttpResponse:
    form = ConnectionForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            connection = verbs.activate(form.changes(), actor=request.viewer.actor)
        except Refused as refusal:
            form.add_error(refusal.field, refusal.sentence)
        else:
            messages.success(
                request,
                _("%(name)s is active. Look at a preview of its first sync now.") % {"name": connection},
            )
            return redirect(connection)
    return render(request, "applesync/connections/form.html", {"form": form}, status=_status(form))


@requires(Permission.MANAGE_CONNECTIONS)
def edit(request: ViewerRequest, pk: int) -> HttpResponse:
    connection = _connection(request, pk)
    name = connection.name
    form = ConnectionForm(request.POST or None, request.FILES or None, instance=connection)
    if request.method == "POST" and form.is_valid():
        try:
            verbs.update(connection, form.changes(), actor=request.viewer.actor)
        except Refused as refusal:
            form.add_error(refusal.field, refusal.sentence)
        else:
            messages.success(request, _("Saved."))
            return redirect(connection)
    context = {"form": form, "connection": connection, "name": name}
    return render(request, "applesync/connections/form.html", context, status=_status(form))


@require_POST
@requires(Permission.MANAGE_CONNECTIONS)
def try_form(request: ViewerRequest, pk: int | None = None) -> HttpResponse:
    """Test what stands in the form. Nothing of it is kept."""
    connection = _connection(request, pk) if pk else None
    form = ConnectionForm(request.POST, request.FILES, instance=connection)
    form.is_valid()
    report = checks.check(form.draft())
    return render(request, "applesync/connections/_report.html", {"report": report})


@require_POST
@requires(Permission.MANAGE_CONNECTIONS)
def try_stored(request: ViewerRequest, pk: int) -> HttpResponse:
    report = checks.check_saved(_connection(request, pk))
    return render(request, "applesync/connections/_report.html", {"report": report})


@require_POST
@requires(Permission.MANAGE_CONNECTIONS)
def reactivate(request: ViewerRequest, pk: int) -> HttpResponse:
    connection = _connection(request, pk)
    verbs.reactivate(connection, actor=request.viewer.actor)
    messages.success(request, _("%(name)s is active.") % {"name": connection})
    return redirect(connection)


@require_POST
@requires(Permission.MANAGE_CONNECTIONS)
def deactivate(request: ViewerRequest, pk: int) -> HttpResponse:
    connection = _connection(request, pk)
    verbs.deactivate(connection, actor=request.viewer.actor)
    messages.success(
        request, _("%(name)s no longer syncs. What Homeroom learned from it stays.") % {"name": connection}
    )
    return redirect(connection)


def _connection(request: ViewerRequest, pk: int) -> Connection:
    return get_object_or_404(queries.connections(request.viewer), pk=pk)


def _status(form: ConnectionForm) -> int:
    return 422 if form.is_bound and form.errors else 200


urlpatterns = [
    path("settings/mdm/", mdm_settings, name="mdm-settings"),
    path("settings/mdm/activate/", activate, name="activate"),
    path("settings/mdm/activate/test/", try_form, name="test-new"),
    path("settings/mdm/<int:pk>/", detail, name="connection"),
    path("settings/mdm/<int:pk>/test/", try_stored, name="test"),
    path("settings/mdm/<int:pk>/edit/", edit, name="connection-edit"),
    path("settings/mdm/<int:pk>/edit/test/", try_form, name="test-edit"),
    path("settings/mdm/<int:pk>/reactivate/", reactivate, name="reactivate"),
    path("settings/mdm/<int:pk>/deactivate/", deactivate, name="deactivate"),
]
