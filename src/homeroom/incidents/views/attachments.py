"""Photos and files of an incident: private, so they are served here alone, to those who see the incident."""

from django.contrib import messages
from django.db.models.fields.files import FieldFile
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.policy import Permission
from homeroom.incidents.models import Attachment, Incident
from homeroom.incidents.verbs import attachments as verbs
from homeroom.incidents.views.incidents import visible_incidents
from homeroom.web.errors import Refused


@requires(Permission.VIEW_INCIDENTS)
def attachment(request: ViewerRequest, number: int, pk: int) -> HttpResponseBase:
    """A photo is shown; any other file is only ever downloaded."""
    found = _attachment(request, number, pk)
    return file_response(found, found.file)


@requires(Permission.VIEW_INCIDENTS)
def thumbnail(request: ViewerRequest, number: int, pk: int) -> HttpResponseBase:
    found = _attachment(request, number, pk)
    if not found.thumbnail:
        raise Http404
    return file_response(found, found.thumbnail)


@require_POST
@requires(Permission.EDIT_INCIDENTS)
def attach(request: ViewerRequest, number: int) -> HttpResponse:
    incident = _incident(request, number)
    try:
        verbs.attach(incident, request.FILES.getlist("file"), actor=request.viewer.actor)
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    return redirect(f"{incident.get_absolute_url()}#photos")


@require_POST
@requires(Permission.EDIT_INCIDENTS)
def remove(request: ViewerRequest, number: int, pk: int) -> HttpResponse:
    found = _attachment(request, number, pk)
    try:
        verbs.remove_attachment(found, actor=request.viewer.actor)
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, _("“%(name)s” is removed.") % {"name": found.name})
    return redirect(found.incident)


def file_response(attachment: Attachment, file: FieldFile) -> HttpResponseBase:
    """Its type is the one that was found at storing; a browser must not guess another."""
    try:
        opened = file.open("rb")
    except FileNotFoundError:
        raise Http404 from None
    response = FileResponse(
        opened,
        as_attachment=not attachment.is_photo,
        filename=attachment.name,
        content_type=attachment.content_type,
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, max-age=600"
    return response


def _incident(request: ViewerRequest, number: int) -> Incident:
    return get_object_or_404(visible_incidents(request), pk=number)


def _attachment(request: ViewerRequest, number: int, pk: int) -> Attachment:
    return get_object_or_404(_incident(request, number).attachments, pk=pk)
