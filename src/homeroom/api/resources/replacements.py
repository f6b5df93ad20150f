"""Replacements: the same decisions as on the pages, and what the device management service tells of them."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import Field

from homeroom.accounts.policy import Permission
from homeroom.api.authentication import ApiRequest, requires
from homeroom.api.paging import PageOf, PageQuery, page_of, row_of
from homeroom.api.values import Body, site_named
from homeroom.applesync.models import AppleDevice, Replacement, ToldReplacement
from homeroom.applesync.queries import replacements as queries
from homeroom.applesync.queries.receiving import mirrored
from homeroom.applesync.verbs import replacements as verbs
from homeroom.applesync.verbs.receiving import receive_into_inventory
from homeroom.applesync.verbs.telling import take_back_telling, tell_replacement
from homeroom.incidents.models import Incident
from homeroom.inventory.models import Device
from homeroom.inventory.queries import visible_devices
from homeroom.web.errors import Refused

router = Router(tags=["replacements"])


class ReplacementsQuery(PageQuery):
    state: Replacement.State | None = None
    original_serial: str = ""
    replacement_serial: str = ""


class Reason(Body):
    reason: str = Field("", max_length=1000)


class Pair(Body):
    """`connection` is needed only where several list the serial number."""

    replacement_serial: str = Field(min_length=1, max_length=100)
    incident: int
    connection: str | None = None


class Told(Schema):
    replacement_serial: str = Field(min_length=1, max_length=100)
    original_serial: str = Field(min_length=1, max_length=100)


class Tell(Body, Told):
    """Which device the device management service knows a new one to replace."""


class Receive(Body):
    """What is to be done of what is left; the values have the original's where they are left out."""

    asset_tag: str | None = None
    site: str | None = None
    funding_source: str | None = None
    assign: bool = False
    close: bool = False
    take_back_loaner: bool = False


@router.get("/replacements", response=PageOf)
@requires(Permission.VIEW_INCIDENTS)
def replacements(request: ApiRequest, query: Query[ReplacementsQuery]) -> Any:
    found = queries.replacements(request.viewer)
    exact = {name: getattr(query, name) for name in ("state", "original_serial", "replacement_serial")}
    found = found.filter(**{name: value for name, value in exact.items() if value})
    return page_of("replacements", found, request.viewer, query)


@router.post("/replacements/pair", response=dict[str, Any])
@requires(Permission.REVIEW_REPLACEMENTS)
def pair(request: ApiRequest, values: Pair) -> Any:
    """Say which incident's device a new one replaces, whatever was suggested; it is applied."""
    rows = queries.candidates(request.viewer).filter(serial_number=values.replacement_serial)
    if values.connection:
        rows = rows.filter(connection__name=values.connection)
    found = list(rows[:2])
    if len(found) != 1:
        problem = _("Several connections list it; name one.") if found else _("Apple's list has not had it.")
        raise Refused(problem, field="connection" if found else "replacement_serial")
    incident = _incident(request, found[0], values.incident)
    return _row(request, verbs.pair_replacement(found[0], incident, actor=request.viewer.actor))


@router.post("/replacements/told", response={201: Told})
@requires(Permission.EDIT_INVENTORY)
def tell(request: ApiRequest, values: Tell) -> Any:
    """Which device a new one replaces, as the device management service knows it; the next sync pairs the two.

    The new device need not be in the inventory. Of one that is, its `replaces_serial` tells the same.
    """
    _refuse_originals_of_others(request, values.original_serial)
    return tell_replacement(**values.dict(), actor=request.viewer.actor)


@router.delete("/replacements/told/{replacement_serial}", response={204: None})
@requires(Permission.EDIT_INVENTORY)
def take_back_told(request: ApiRequest, replacement_serial: str) -> Any:
    """It was told by mistake. What was applied because of it stays until it is undone."""
    told = get_object_or_404(ToldReplacement, replacement_serial=replacement_serial)
    _refuse_originals_of_others(request, told.original_serial)
    take_back_telling(told, actor=request.viewer.actor)
    return None


@router.get("/replacements/{pk}", response=dict[str, Any])
@requires(Permission.VIEW_INCIDENTS)
def replacement(request: ApiRequest, pk: int) -> Any:
    return _row(request, _replacement(request, pk))


@router.post("/replacements/{pk}/confirm", response=dict[str, Any])
@requires(Permission.REVIEW_REPLACEMENTS)
def confirm(request: ApiRequest, pk: int) -> Any:
    """Apply the pairing. 409 says why it can't be: for example, somebody has decided otherwise meanwhile."""
    found = _replacement(request, pk)
    return _row(request, verbs.apply_replacement(found, actor=request.viewer.actor))


@router.post("/replacements/{pk}/dismiss", response=dict[str, Any])
@requires(Permission.REVIEW_REPLACEMENTS)
def dismiss(request: ApiRequest, pk: int, values: Reason) -> Any:
    found = _replacement(request, pk)
    dismissed = verbs.dismiss_replacement(found, reason=values.reason, actor=request.viewer.actor)
    return _row(request, dismissed)


@router.post("/replacements/{pk}/not-ours", response=dict[str, Any])
@requires(Permission.REVIEW_REPLACEMENTS)
def not_ours(request: ApiRequest, pk: int, values: Reason) -> Any:
    """The new device of the pairing replaces none of ours; answers the row that says so."""
    candidate = mirrored(_replacement(request, pk))
    if candidate is None:
        raise Refused(_("Apple's list has not had the new device."))
    if queries.is_suggested_elsewhere(request.viewer, candidate):
        raise Refused(_("It may replace a device of a site that you don't see."))
    decided = verbs.dismiss_candidate(candidate, reason=values.reason, actor=request.viewer.actor)
    return _row(request, decided)


@router.post("/replacements/{pk}/undo", response=dict[str, Any])
@requires(Permission.UNDO_REPLACEMENTS)
def undo(request: ApiRequest, pk: int, values: Reason) -> Any:
    """Take an applied pairing back, with its effects; a reason is needed."""
    found = _replacement(request, pk)
    return _row(request, verbs.undo_replacement(found, reason=values.reason, actor=request.viewer.actor))


@router.post("/replacements/{pk}/receive", response=dict[str, Any])
@requires(Permission.EDIT_INVENTORY)
def receive(request: ApiRequest, pk: int, values: Receive) -> Any:
    """Add the replacement to the inventory, and do what else is wanted; answers the device."""
    given = values.dict(exclude_none=True)
    if "site" in given:
        given["site"] = site_named(request.viewer, given["site"])
    device = receive_into_inventory(_replacement(request, pk), actor=request.viewer.actor, **given)
    return row_of("devices", Device.objects.filter(pk=device.pk), request.viewer)


def _replacement(request: ApiRequest, pk: int) -> Replacement:
    return get_object_or_404(queries.replacements(request.viewer), pk=pk)


def _row(request: ApiRequest, found: Replacement) -> dict[str, Any]:
    return row_of("replacements", Replacement.objects.filter(pk=found.pk), request.viewer)


def _incident(request: ApiRequest, candidate: AppleDevice, number: int) -> Incident:
    found = queries.incidents_for(request.viewer, candidate).filter(number=number).first()
    if found is None:
        raise Refused(
            _("No incident %(number)s that you see has its device at Apple.") % {"number": number},
            field="incident",
        )
    return found


def _refuse_originals_of_others(request: ApiRequest, serial_number: str) -> None:
    """A pairing that was told is applied by itself: nobody decides so about devices that they don't see."""
    known = Device.objects.filter(serial_number=serial_number)
    if known.exists() and not visible_devices(request.viewer).filter(serial_number=serial_number).exists():
        raise Refused(_("The original belongs to a site that you don't see."), field="original_serial")
