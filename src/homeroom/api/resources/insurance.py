from datetime import date
from decimal import Decimal
from typing import Any

from django.shortcuts import get_object_or_404
from ninja import Query, Router

from homeroom.accounts.policy import Permission
from homeroom.api.authentication import ApiRequest, requires
from homeroom.api.paging import PageOf, PageQuery, page_of, row_of
from homeroom.api.values import Body, InsuranceKind
from homeroom.insurance import queries, verbs
from homeroom.insurance.models import InsuranceRecord, Source
from homeroom.inventory.queries import visible_devices

router = Router(tags=["insurance"])


class InsuranceQuery(PageQuery):
    serial_number: str = ""
    source: Source | None = None


class InsuranceChanges(Body):
    provider: str | None = None
    plan: str | None = None
    agreement_number: str | None = None
    kind: InsuranceKind | None = None
    starts: date | None = None
    ends: date | None = None
    cancelled_on: date | None = None
    cost: Decimal | None = None
    source: Source | None = None


class InsuranceIn(InsuranceChanges):
    provider: str


@router.get("/insurance", response=PageOf)
@requires(Permission.VIEW_INVENTORY)
def records(request: ApiRequest, query: Query[InsuranceQuery]) -> Any:
    found = queries.insurance_records(request.viewer)
    if query.serial_number:
        found = found.filter(device__serial_number=query.serial_number)
    if query.source:
        found = found.filter(source=query.source)
    return page_of("insurance", found, request.viewer, query)


@router.get("/insurance/{pk}", response=dict[str, Any])
@requires(Permission.VIEW_INVENTORY)
def record(request: ApiRequest, pk: int) -> Any:
    return _row(request, _record(request, pk))


@router.post("/devices/{pk}/insurance", response={201: dict[str, Any]})
@requires(Permission.EDIT_INSURANCE)
def add_record(request: ApiRequest, pk: int, values: InsuranceIn) -> Any:
    device = get_object_or_404(visible_devices(request.viewer), pk=pk)
    return _row(request, verbs.create_insurance(device, actor=request.viewer.actor, **_values(values)))


@router.patch("/insurance/{pk}", response=dict[str, Any])
@requires(Permission.EDIT_INSURANCE)
def change_record(request: ApiRequest, pk: int, values: InsuranceChanges) -> Any:
    found = _record(request, pk)
    return _row(request, verbs.update_insurance(found, actor=request.viewer.actor, **_values(values)))


@router.delete("/insurance/{pk}", response={204: None})
@requires(Permission.EDIT_INSURANCE)
def remove_record(request: ApiRequest, pk: int) -> Any:
    verbs.delete_insurance(_record(request, pk), actor=request.viewer.actor)
    return None


def _record(request: ApiRequest, pk: int) -> InsuranceRecord:
    return get_object_or_404(queries.insurance_records(request.viewer), pk=pk)


def _row(request: ApiRequest, insurance: InsuranceRecord) -> dict[str, Any]:
    return row_of("insurance", InsuranceRecord.objects.filter(pk=insurance.pk), request.viewer)


def _values(given: InsuranceChanges) -> dict[str, Any]:
    """`source` may be sent back as it was read, and is passed on where it asks for a synced record."""
    values = given.dict(exclude_unset=True)
    if values.get("source") in {None, Source.MANUAL}:
        values.pop("source", None)
    nullable = {"starts", "ends", "cancelled_on", "cost"}
    return {name: value for name, value in values.items() if value is not None or name in nullable}
