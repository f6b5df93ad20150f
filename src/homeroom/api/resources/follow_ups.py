"""What is decided about AppleCare that ends. The report `applecare-expiring` lists it, with `follow_up` as a filter."""

from datetime import date
from typing import Annotated, Any

from django.shortcuts import get_object_or_404
from ninja import Field, Router

from homeroom.accounts.policy import Permission
from homeroom.api.authentication import ApiRequest, requires
from homeroom.api.values import Body
from homeroom.insurance import verbs
from homeroom.insurance.panels import ending_of
from homeroom.insurance.rules import FollowUpState
from homeroom.inventory.models import Device
from homeroom.inventory.queries import keys_by_serial_or_tag, visible_devices
from homeroom.web.errors import Refused

router = Router(tags=["insurance"])
MOST_AT_ONCE = 1000


class Decision(Body):
    """`until` is for what is snoozed: the day from which it waits again."""

    follow_up: FollowUpState
    until: date | None = None
    note: str = ""


class DecisionOfOne(Decision):
    """With `ends`, it is refused if AppleCare ends on another day by now."""

    ends: date | None = None


class DecisionOfMany(Decision):
    """`devices` are serial numbers or asset tags."""

    devices: Annotated[list[str], Field(min_length=1, max_length=MOST_AT_ONCE)]


@router.get("/devices/{pk}/follow-up", response=dict[str, Any])
@requires(Permission.VIEW_INVENTORY)
def follow_up(request: ApiRequest, pk: int) -> Any:
    """All of it is null for a device that has no AppleCare whose end is to be decided about."""
    return _row(_device(request, pk))


@router.put("/devices/{pk}/follow-up", response=dict[str, Any])
@requires(Permission.EDIT_INSURANCE)
def decide(request: ApiRequest, pk: int, values: DecisionOfOne) -> Any:
    device = _device(request, pk)
    seen = {device.pk: values.ends} if values.ends else None
    for left in _decide(request, [device.pk], values, ends=seen).left_out:
        if not left.as_asked:
            raise Refused(left.why)
    return _row(device)


@router.delete("/devices/{pk}/follow-up", response={204: None})
@requires(Permission.EDIT_INSURANCE)
def reopen(request: ApiRequest, pk: int) -> Any:
    """Take back what was decided; where nothing is, nothing happens."""
    device = _device(request, pk)
    verbs.reopen(Device.objects.filter(pk=device.pk), actor=request.viewer.actor)
    return None


@router.post("/coverage/follow-ups", response=dict[str, Any])
@requires(Permission.EDIT_INSURANCE)
def decide_many(request: ApiRequest, values: DecisionOfMany) -> Any:
    """What is not found, or left out, is named; about the others it is decided."""
    keys, missing = keys_by_serial_or_tag(request.viewer, values.devices)
    return {**_decide(request, keys, values).row, "not_found": missing}


def _decide(request: ApiRequest, keys: list[int], values: Decision, **more: Any) -> verbs.Outcome:
    devices = Device.objects.filter(pk__in=keys)
    given = {"until": values.until, "note": values.note} | more
    return verbs.decide(devices, values.follow_up, actor=request.viewer.actor, **given)


def _device(request: ApiRequest, pk: int) -> Device:
    return get_object_or_404(visible_devices(request.viewer), pk=pk)


def _row(device: Device) -> dict[str, Any]:
    """By the names of the report's columns."""
    ending = ending_of(device)
    return {
        "id": device.pk,
        "coverage_ends": ending and ending.ends,
        "days_left": ending.days if ending else None,
        "follow_up": ending and ending.state.value,
        "follow_up_until": ending and ending.until,
        "decided_by": (ending and ending.by) or None,
        "follow_up_note": (ending and ending.note) or None,
    }
