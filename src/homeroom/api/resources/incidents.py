"""Incidents, with their comments and attachments. A status of the integration is refused: its own verbs set it."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import File, Query, Router, Schema
from ninja.files import UploadedFile

from homeroom.accounts.policy import Permission
from homeroom.api.authentication import ApiRequest, requires
from homeroom.api.paging import PageOf, PageQuery, page_of, row_of
from homeroom.api.values import Body, IncidentKind, incident_status_named, technician_with
from homeroom.incidents import queries
from homeroom.incidents.models import Attachment, Incident
from homeroom.incidents.verbs import incidents as verbs
from homeroom.incidents.verbs.attachments import attach, remove_attachment
from homeroom.incidents.views.attachments import file_response
from homeroom.inventory.queries import device_by_serial_or_tag
from homeroom.web.errors import Refused

router = Router(tags=["incidents"])


class IncidentsQuery(PageQuery):
    q: str = ""
    serial_number: str = ""
    status: str = ""
    kind: IncidentKind | None = None
    open: bool | None = None
    at_apple: bool | None = None
    overdue: bool | None = None


class IncidentChanges(Body):
    """`technician` is an email address; null is nobody. A closed `status` needs an `outcome`."""

    kind: IncidentKind | None = None
    summary: str | None = None
    description: str | None = None
    technician: str | None = None
    repair_number: str | None = None
    status: str | None = None
    outcome: Incident.Outcome | None = None


class IncidentIn(IncidentChanges):
    """`device` is a serial number or an asset tag."""

    device: str
    summary: str


class Closing(Body):
    """Without a `status` it is *Closed*."""

    outcome: Incident.Outcome
    status: str | None = None


class CommentIn(Body):
    text: str


class CommentOut(Schema):
    id: int
    text: str
    written_by: str
    written_at: datetime


class AttachmentOut(Schema):
    id: int
    kind: str
    name: str
    content_type: str
    size: int
    added_by: str
    added_at: datetime


@router.get("/incidents", response=PageOf)
@requires(Permission.VIEW_INCIDENTS)
def incidents(request: ApiRequest, query: Query[IncidentsQuery]) -> Any:
    found = queries.incidents(request.viewer)
    exact = {"device__serial_number": query.serial_number, "status__name": query.status, "kind": query.kind}
    found = found.filter(**{name: value for name, value in exact.items() if value})
    states = (
        (queries.OPEN, query.open),
        (queries.is_at_apple(), query.at_apple),
        (queries.is_overdue(), query.overdue),
    )
    for state, wanted in states:
        if wanted is not None:
            found = found.filter(state if wanted else ~state)
    if query.q:
        found = queries.search_incidents(found, query.q)
    return page_of("incidents", found, request.viewer, query)


@router.get("/incidents/{pk}", response=dict[str, Any])
@requires(Permission.VIEW_INCIDENTS)
def incident(request: ApiRequest, pk: int) -> Any:
    return _row(request, _incident(request, pk))


@router.post("/incidents", response={201: dict[str, Any]})
@requires(Permission.EDIT_INCIDENTS)
@transaction.atomic
def open_incident(request: ApiRequest, values: IncidentIn) -> Any:
    device = device_by_serial_or_tag(request.viewer, values.device)
    if device is None:
        raise Refused(
            _("There is no device “%(device)s” that you see.") % {"device": values.device}, field="device"
        )
    given = _values(values)
    given.pop("device")
    standing = _standing(given)
    opened = verbs.open_incident(device, actor=request.viewer.actor, **given)
    return _row(request, _with_standing(request, opened, **standing))


@router.patch("/incidents/{pk}", response=dict[str, Any])
@requires(Permission.EDIT_INCIDENTS)
@transaction.atomic
def change_incident(request: ApiRequest, pk: int, values: IncidentChanges) -> Any:
    given = _values(values)
    standing = _standing(given)
    changed = verbs.update_incident(_incident(request, pk), actor=request.viewer.actor, **given)
    return _row(request, _with_standing(request, changed, **standing))


@router.post("/incidents/{pk}/close", response=dict[str, Any])
@requires(Permission.EDIT_INCIDENTS)
def close_incident(request: ApiRequest, pk: int, values: Closing) -> Any:
    status = incident_status_named(values.status) if values.status else None
    if status is not None and status.is_open:
        raise Refused(_("“%(status)s” is a status of open incidents.") % {"status": status}, field="status")
    found = _incident(request, pk)
    closed = verbs.close_incident(found, outcome=values.outcome, status=status, actor=request.viewer.actor)
    return _row(request, closed)


@router.post("/incidents/{pk}/reopen", response=dict[str, Any])
@requires(Permission.EDIT_INCIDENTS)
def reopen_incident(request: ApiRequest, pk: int) -> Any:
    return _row(request, verbs.reopen_incident(_incident(request, pk), actor=request.viewer.actor))


@router.get("/incidents/{pk}/comments", response=list[CommentOut])
@requires(Permission.VIEW_INCIDENTS)
def comments(request: ApiRequest, pk: int) -> Any:
    return queries.comments(_incident(request, pk))


@router.post("/incidents/{pk}/comments", response={201: CommentOut})
@requires(Permission.EDIT_INCIDENTS)
def comment(request: ApiRequest, pk: int, values: CommentIn) -> Any:
    return verbs.comment(_incident(request, pk), values.text, actor=request.viewer.actor)


@router.get("/incidents/{pk}/attachments", response=list[AttachmentOut])
@requires(Permission.VIEW_INCIDENTS)
def attachments(request: ApiRequest, pk: int) -> Any:
    return queries.attachments(_incident(request, pk))


@router.post("/incidents/{pk}/attachments", response={201: AttachmentOut})
@requires(Permission.EDIT_INCIDENTS)
def add_attachment(request: ApiRequest, pk: int, file: File[UploadedFile]) -> Any:
    """A photo or a file, as multipart/form-data; what it is, is told by its content."""
    (added,) = attach(_incident(request, pk), [file], actor=request.viewer.actor)
    return added


@router.get("/incidents/{pk}/attachments/{attachment}")
@requires(Permission.VIEW_INCIDENTS)
def attachment(request: ApiRequest, pk: int, attachment: int) -> HttpResponseBase:
    """The photo or file itself."""
    found = _attachment(request, pk, attachment)
    return file_response(found, found.file)


@router.delete("/incidents/{pk}/attachments/{attachment}", response={204: None})
@requires(Permission.EDIT_INCIDENTS)
def remove(request: ApiRequest, pk: int, attachment: int) -> Any:
    remove_attachment(_attachment(request, pk, attachment), actor=request.viewer.actor)
    return None


def _incident(request: ApiRequest, pk: int) -> Incident:
    return get_object_or_404(queries.incidents(request.viewer), pk=pk)


def _attachment(request: ApiRequest, pk: int, attachment: int) -> Attachment:
    return get_object_or_404(_incident(request, pk).attachments, pk=attachment)


def _row(request: ApiRequest, incident: Incident) -> dict[str, Any]:
    return row_of("incidents", Incident.objects.filter(pk=incident.pk), request.viewer)


def _values(given: IncidentChanges) -> dict[str, Any]:
    values = given.dict(exclude_unset=True)
    if values.get("technician") is not None:
        values["technician"] = technician_with(values["technician"])
    return {name: value for name, value in values.items() if value is not None or name == "technician"}


def _standing(values: dict[str, Any]) -> dict[str, Any]:
    """What a verb of its own changes, taken out of the values."""
    return {name: values.pop(name) for name in ("status", "outcome") if name in values}


def _with_standing(
    request: ApiRequest, incident: Incident, *, status: str | None = None, outcome: str = ""
) -> Incident:
    if status is None and not outcome:
        return incident
    wanted = incident_status_named(status) if status else incident.status
    return verbs.set_status(incident, wanted, outcome=outcome, actor=request.viewer.actor)
