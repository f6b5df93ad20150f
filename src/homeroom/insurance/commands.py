"""`homeroom coverage …`: decide about AppleCare that ends, as the report's page does."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click

from homeroom.accounts.policy import COMMAND_LINE_VIEWER
from homeroom.insurance import verbs
from homeroom.insurance.rules import FollowUpState
from homeroom.inventory.models import Device
from homeroom.inventory.queries import keys_by_serial_or_tag
from homeroom.web.errors import Refused

devices_argument = click.argument("devices", nargs=-1, required=True, metavar="SERIAL_OR_TAG...")
note_option = click.option("--note", default="", help="Why, or what comes next; people see it.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group()
def coverage() -> None:
    """AppleCare that ends: say that you know, that you decide later, or that you will not renew it.

    Exit 1 if a device was not found or left out; about the others it is decided. What waits is told by
    `homeroom report applecare-expiring --filter follow_up=waiting`.
    """


@coverage.command()
@devices_argument
@note_option
@json_option
def acknowledge(devices: Sequence[str], *, note: str, as_json: bool) -> None:
    """Somebody knows: each waits again at its next milestone (90, 60, 30 or 7 days before the end), if one is left."""
    _decide(devices, FollowUpState.ACKNOWLEDGED, note=note, as_json=as_json)


@coverage.command()
@devices_argument
@click.option(
    "--until", type=click.DateTime(["%Y-%m-%d"]), required=True, help="From this day on they wait again."
)
@note_option
@json_option
def snooze(devices: Sequence[str], *, until: datetime, note: str, as_json: bool) -> None:
    """Decide later: each waits again from that day, which is not after its end."""
    _decide(devices, FollowUpState.SNOOZED, until=until.date(), note=note, as_json=as_json)


@coverage.command("will-not-renew")
@devices_argument
@note_option
@json_option
def will_not_renew(devices: Sequence[str], *, note: str, as_json: bool) -> None:
    """They wait no more, unless AppleCare comes to end on another day."""
    _decide(devices, FollowUpState.WILL_NOT_RENEW, note=note, as_json=as_json)


@coverage.command()
@devices_argument
@json_option
def reopen(devices: Sequence[str], *, as_json: bool) -> None:
    """Take back what was decided: they wait again."""
    _decide(devices, FollowUpState.WAITING, as_json=as_json)


def _decide(devices: Sequence[str], state: FollowUpState, *, as_json: bool, **given: Any) -> None:
    keys, missing = keys_by_serial_or_tag(COMMAND_LINE_VIEWER, devices)
    try:
        outcome = verbs.decide(
            Device.objects.filter(pk__in=keys), state, actor=COMMAND_LINE_VIEWER.actor, **given
        )
    except Refused as refusal:
        raise click.ClickException(refusal.sentence) from None
    for text in missing:
        click.echo(f"{text}: not in the inventory.", err=True)
    for left in outcome.left_out:
        click.echo(f"{left.device}: {left.why}", err=True)
    if as_json:
        click.echo(json.dumps({**outcome.row, "not_found": missing}))
    else:
        click.echo(f"Decided about {outcome.decided}.", err=True)
    if missing or outcome.left_out:
        raise click.exceptions.Exit(1)
