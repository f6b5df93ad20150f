"""Sites, and the words for the status of a device or an incident."""

from typing import Any

from django.shortcuts import get_object_or_404
from ninja import Router, Schema

from homeroom.accounts.policy import Permission
from homeroom.api.authentication import ApiRequest, requires
from homeroom.api.values import Body, SiteKind
from homeroom.incidents.queries import incident_statuses
from homeroom.inventory import queries
from homeroom.inventory.verbs.sites import create_site, update_site

router = Router(tags=["sites"])


class SiteOut(Schema):
    id: int
    name: str
    kind: str
    contact_name: str
    contact_phone: str
    address: str


class SiteChanges(Body):
    name: str | None = None
    kind: SiteKind | None = None
    contact_name: str | None = None
    contact_phone: str | None = None
    address: str | None = None


class SiteIn(SiteChanges):
    name: str


class StatusOut(Schema):
    id: int
    name: str
    kind: str
    is_system: bool


@router.get("/sites", response=list[SiteOut])
@requires(Permission.VIEW_INVENTORY)
def sites(request: ApiRequest) -> Any:
    return queries.visible_sites(request.viewer)


@router.get("/sites/{pk}", response=SiteOut)
@requires(Permission.VIEW_INVENTORY)
def site(request: ApiRequest, pk: int) -> Any:
    return get_object_or_404(queries.visible_sites(request.viewer), pk=pk)


@router.post("/sites", response={201: SiteOut})
@requires(Permission.MANAGE_SETTINGS)
def add_site(request: ApiRequest, values: SiteIn) -> Any:
    return create_site(actor=request.viewer.actor, **values.dict(exclude_none=True))


@router.patch("/sites/{pk}", response=SiteOut)
@requires(Permission.MANAGE_SETTINGS)
def change_site(request: ApiRequest, pk: int, values: SiteChanges) -> Any:
    found = get_object_or_404(queries.visible_sites(request.viewer), pk=pk)
    return update_site(found, actor=request.viewer.actor, **values.dict(exclude_none=True))


class IncidentStatusOut(Schema):
    id: int
    name: str
    is_open: bool
    is_system: bool


@router.get("/device-statuses", response=list[StatusOut], tags=["devices"])
@requires(Permission.VIEW_INVENTORY)
def device_statuses(request: ApiRequest) -> Any:
    return queries.statuses()


@router.get("/incident-statuses", response=list[IncidentStatusOut], tags=["incidents"])
@requires(Permission.VIEW_INCIDENTS)
def words_for_incidents(request: ApiRequest) -> Any:
    return incident_statuses()
