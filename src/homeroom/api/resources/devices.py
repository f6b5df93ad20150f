from datetime import date
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from django.http import Http404
from django.utils.translation import gettext as _
from ninja import Query, Router
from ninja.errors import HttpError

from homeroom.accounts.policy import Permission
from homeroom.api.authentication import ApiRequest, requires
from homeroom.api.paging import PageOf, PageQuery, page_of, row_of
from homeroom.api.values import AssignmentKind, Body, person_with, site_named, status_named
from homeroom.applesync.verbs.refresh import refresh_device
from homeroom.insurance.lists import in_state
from homeroom.insurance.rules import CoverageState
from homeroom.inventory import queries
from homeroom.inventory.models import Assignment, Device
from homeroom.inventory.verbs import assignments
from homeroom.inventory.verbs.devices import create_device, delete_device, update_device
from homeroom.inventory.verbs.statuses import default_status

router = Router(tags=["devices"])


class DevicesQuery(PageQuery):
    q: str = ""
    serial_number: str = ""
    asset_tag: str = ""
    coverage: CoverageState | None = None


class DeviceChanges(Body):
    asset_tag: str | None = None
    serial_number: str | None = None
    name: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    product_family: Device.ProductFamily | None = None
    site: str | None = None
    status: str | None = None
    purchase_date: date | None = None
    cost: Decimal | None = None
    purchase_order: str | None = None
    funding_source: str | None = None
    notes: str | None = None
    replaces_serial: str | None = None


class DeviceIn(DeviceChanges):
    site: str


class CheckOut(Body):
    """`person` is an external ID."""

    person: str
    kind: AssignmentKind = Assignment.Kind.PRIMARY


@router.get("/devices", response=PageOf)
@requires(Permission.VIEW_INVENTORY)
def devices(request: ApiRequest, query: Query[DevicesQuery]) -> Any:
    found = queries.visible_devices(request.viewer)
    exact = {name: getattr(query, name) for name in ("serial_number", "asset_tag")}
    found = found.filter(**{name: value for name, value in exact.items() if value})
    if query.q:
        found = queries.search_devices(found, query.q)
    if query.coverage:
        found = in_state(found, query.coverage)
    return page_of("devices", found, request.viewer, query)


@router.get("/devices/{pk}", response=dict[str, Any])
@requires(Permission.VIEW_INVENTORY)
def device(request: ApiRequest, pk: int) -> Any:
    return _row(request, _device(request, pk))


@router.post("/devices", response={201: dict[str, Any]})
@requires(Permission.EDIT_INVENTORY)
def add_device(request: ApiRequest, values: DeviceIn) -> Any:
    given = {"status": default_status()} | _values(request, values)
    return _row(request, create_device(actor=request.viewer.actor, **given))


@router.patch("/devices/{pk}", response=dict[str, Any])
@requires(Permission.EDIT_INVENTORY)
def change_device(request: ApiRequest, pk: int, values: DeviceChanges) -> Any:
    found = _device(request, pk)
    return _row(request, update_device(found, actor=request.viewer.actor, **_values(request, values)))


@router.delete("/devices/{pk}", response={204: None})
@requires(Permission.DELETE_DEVICES)
def remove_device(request: ApiRequest, pk: int) -> Any:
    delete_device(_device(request, pk), actor=request.viewer.actor)
    return None


@router.post("/devices/{pk}/check-out", response=dict[str, Any])
@requires(Permission.ASSIGN_DEVICES)
def check_out(request: ApiRequest, pk: int, values: CheckOut) -> Any:
    found = _device(request, pk)
    person = person_with(request.viewer, values.person)
    assignments.check_out(found, person, kind=values.kind, actor=request.viewer.actor)
    return _row(request, found)


@router.post("/devices/{pk}/check-in", response=dict[str, Any])
@requires(Permission.ASSIGN_DEVICES)
def check_in(request: ApiRequest, pk: int) -> Any:
    found = _device(request, pk)
    assignments.check_in(found, actor=request.viewer.actor)
    return _row(request, found)


@router.post("/devices/{pk}/refresh", response=dict[str, Any])
@requires(Permission.REFRESH_DEVICES)
def refresh(request: ApiRequest, pk: int) -> Any:
    """Ask Apple for the device and its coverage now; 409 says why it could not be asked."""
    found = _device(request, pk)
    refresh_device(found, actor=request.viewer.actor)
    return _row(request, found)


def _device(request: ApiRequest, pk: int) -> Device:
    """Of a device of a site that the viewer doesn't see, only where it belongs is told."""
    found = queries.visible_devices(request.viewer).filter(pk=pk).first()
    if found is not None:
        return found
    elsewhere = queries.device_elsewhere(pk)
    if elsewhere is None:
        raise Http404
    sentence = _("The device with asset tag “%(tag)s” belongs to %(site)s, a site that you don't see.")
    told = sentence % {"tag": elsewhere.asset_tag, "site": elsewhere.site}
    raise HttpError(HTTPStatus.NOT_FOUND, f"{told} {elsewhere.whom_to_call}")


def _row(request: ApiRequest, device: Device) -> dict[str, Any]:
    return row_of("devices", Device.objects.filter(pk=device.pk), request.viewer)


def _values(request: ApiRequest, given: DeviceChanges) -> dict[str, Any]:
    values = given.dict(exclude_unset=True)
    if values.get("site") is not None:
        values["site"] = site_named(request.viewer, values["site"])
    if values.get("status") is not None:
        values["status"] = status_named(values["status"])
    nullable = {"asset_tag", "serial_number", "purchase_date", "cost"}
    return {name: value for name, value in values.items() if value is not None or name in nullable}
