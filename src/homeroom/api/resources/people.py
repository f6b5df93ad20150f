from typing import Any

from django.shortcuts import get_object_or_404
from ninja import Query, Router

from homeroom.accounts.policy import Permission
from homeroom.api.authentication import ApiRequest, requires
from homeroom.api.paging import PageOf, PageQuery, page_of, row_of
from homeroom.api.values import Body, PersonKind, site_named
from homeroom.inventory import queries
from homeroom.inventory.models import Person
from homeroom.inventory.verbs.people import create_person, update_person

router = Router(tags=["people"])


class PeopleQuery(PageQuery):
    q: str = ""
    external_id: str = ""


class PersonChanges(Body):
    external_id: str | None = None
    name: str | None = None
    email: str | None = None
    kind: PersonKind | None = None
    grade: str | None = None
    site: str | None = None
    active: bool | None = None


class PersonIn(PersonChanges):
    external_id: str
    name: str
    site: str


@router.get("/people", response=PageOf)
@requires(Permission.VIEW_INVENTORY)
def people(request: ApiRequest, query: Query[PeopleQuery]) -> Any:
    found = queries.visible_people(request.viewer)
    if query.external_id:
        found = found.filter(external_id=query.external_id)
    if query.q:
        found = queries.search_people(found, query.q)
    return page_of("people", found, request.viewer, query)


@router.get("/people/{pk}", response=dict[str, Any])
@requires(Permission.VIEW_INVENTORY)
def person(request: ApiRequest, pk: int) -> Any:
    return _row(request, _person(request, pk))


@router.post("/people", response={201: dict[str, Any]})
@requires(Permission.EDIT_INVENTORY)
def add_person(request: ApiRequest, values: PersonIn) -> Any:
    return _row(request, create_person(actor=request.viewer.actor, **_values(request, values)))


@router.patch("/people/{pk}", response=dict[str, Any])
@requires(Permission.EDIT_INVENTORY)
def change_person(request: ApiRequest, pk: int, values: PersonChanges) -> Any:
    changed = update_person(_person(request, pk), actor=request.viewer.actor, **_values(request, values))
    return _row(request, changed)


def _person(request: ApiRequest, pk: int) -> Person:
    return get_object_or_404(queries.visible_people(request.viewer), pk=pk)


def _row(request: ApiRequest, person: Person) -> dict[str, Any]:
    return row_of("people", Person.objects.filter(pk=person.pk), request.viewer)


def _values(request: ApiRequest, given: PersonChanges) -> dict[str, Any]:
    values = given.dict(exclude_none=True)
    if "site" in values:
        values["site"] = site_named(request.viewer, values["site"])
    return values
