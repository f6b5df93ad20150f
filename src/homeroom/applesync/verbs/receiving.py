"""Out of the box, into the inventory: the last steps of a replacement, together or one by one."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from homeroom.applesync.models import Replacement
from homeroom.applesync.queries.receiving import Receiving, Task, inventory_values, mirrored, receiving
from homeroom.applesync.verbs.reconciliation import add_to_inventory
from homeroom.applesync.verbs.replacements import locked_replacement
from homeroom.audit.actors import Actor
from homeroom.audit.verbs import record
from homeroom.incidents.models import Incident
from homeroom.incidents.verbs.incidents import close_incident
from homeroom.inventory.models import Device
from homeroom.inventory.verbs.assignments import check_in, check_out
from homeroom.inventory.verbs.devices import create_device, update_device
from homeroom.web.errors import Refused

Done = dict[str, Any]


@transaction.atomic
def receive_into_inventory(
    replacement: Replacement,
    *,
    actor: Actor,
    assign: bool = False,
    close: bool = False,
    take_back_loaner: bool = False,
    **values: Any,
) -> Device:
    """Do what is wanted of what is left: all of it, or nothing. What is done already is left alone.

    The device is added as Apple describes it, with the original's site and funding; `values` of the inventory's own
    take their place. One that is in the inventory already only gets an asset tag that it lacks.
    """
    stored = locked_replacement(replacement)
    if stored.state != Replacement.State.APPLIED:
        raise Refused(_("Only an applied replacement is received. Decide about it first."))
    standing = receiving(stored)
    device = standing.device
    done: Done = {}
    if device is None:
        device = _add(stored, values, actor=actor)
        done["added"] = device
    elif values.get("asset_tag"):
        _tag(device, values["asset_tag"], done, actor=actor)
    wanted = {Task.ASSIGN: assign, Task.CLOSE: close, Task.TAKE_BACK: take_back_loaner}
    for task in (task for task, is_wanted in wanted.items() if is_wanted):
        _do(task, standing, device, done, actor=actor)
    if not done:
        raise Refused(_("Nothing of that is left to do."))
    record(actor, "replacement.received", stored, after=done)
    return device


def _add(replacement: Replacement, values: dict[str, Any], *, actor: Actor) -> Device:
    given = inventory_values(replacement) | values
    if not given.get("site"):
        raise Refused(_("Choose its site."), field="site")
    apple = mirrored(replacement)
    if apple is not None:
        return add_to_inventory(apple, actor=actor, **given)
    return create_device(actor=actor, **given | {"serial_number": replacement.replacement_serial})


def _tag(device: Device, asset_tag: str, done: Done, *, actor: Actor) -> None:
    tag = asset_tag.strip()
    if device.asset_tag == tag:
        return
    if device.asset_tag:
        raise Refused(
            _("It is in the inventory already, with asset tag %(tag)s.") % {"tag": device.asset_tag},
            field="asset_tag",
        )
    done["tagged"] = update_device(device, actor=actor, asset_tag=tag)


def _do(task: Task, standing: Receiving, device: Device, done: Done, *, actor: Actor) -> None:
    step = next((step for step in standing.steps if step.task == task), None)
    if step is None or step.done:
        return
    if not step.left:
        raise Refused(f"{step.sentence}.")
    match task:
        case Task.ASSIGN if standing.person:
            check_out(device, standing.person, kind=standing.kind, actor=actor)
            done["assigned_to"] = standing.person.external_id
        case Task.CLOSE if standing.replacement.incident:
            incident = close_incident(
                standing.replacement.incident, outcome=Incident.Outcome.REPLACED, actor=actor
            )
            done["closed"] = str(incident)
        case Task.TAKE_BACK:
            for loan in standing.out_on_loan:
                check_in(loan.device, actor=actor)
            done["taken_back"] = [str(loan.device) for loan in standing.out_on_loan]
