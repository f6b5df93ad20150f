"""`homeroom shipment`: boxes to Apple, filled and shipped by a script."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click
from django.db.models import QuerySet

from homeroom.accounts.policy import COMMAND_LINE_VIEWER
from homeroom.incidents.inquiry import ask_now
from homeroom.incidents.models import Incident, Shipment
from homeroom.incidents.preflight import PreflightConcerns
from homeroom.incidents.shipping import queries
from homeroom.incidents.verbs import shipments as verbs
from homeroom.inventory.exports.formats import header, rows
from homeroom.inventory.queries import device_by_serial_or_tag
from homeroom.web.errors import Refused

ACTOR = COMMAND_LINE_VIEWER.actor
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group()
def shipment() -> None:
    """Boxes to Apple: create one, add devices, ship it."""


@shipment.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """Every shipment, the latest first."""
    found = _rows(queries.shipments(COMMAND_LINE_VIEWER).order_by("-number"))
    if as_json:
        click.echo(json.dumps(found, default=str))
        return
    for row in found:
        state = row["shipped_at"].date().isoformat() if row["shipped_at"] else "being packed"
        words = (f"#{row['number']}", state, f"{row['units']} units", row["reference"] or "")
        click.echo("  ".join(words).rstrip())


@shipment.command()
@click.option("--reference", default="", help="The district's own, printed on the packing list.")
@click.option("--carrier", default="")
@click.option("--tracking-number", default="")
@json_option
def create(*, reference: str, carrier: str, tracking_number: str, as_json: bool) -> None:
    """Begin a shipment; prints its number."""
    values = {"reference": reference, "carrier": carrier, "tracking_number": tracking_number}
    try:
        made = verbs.create_shipment(actor=ACTOR, **values)
    except Refused as refusal:
        raise click.ClickException(refusal.sentence) from None
    _print(made, as_json=as_json)
    if not as_json:
        click.echo(made.number)


@shipment.command()
@click.argument("number", type=int)
@click.argument("devices", nargs=-1, required=True, metavar="SERIAL_OR_TAG...")
@json_option
def add(number: int, devices: Sequence[str], *, as_json: bool) -> None:
    """Put the open incidents of devices into a shipment. Exit 1 if one could not be added; the others are."""
    found, failed = _shipment(number), False
    for text in devices:
        try:
            verbs.add_unit(found, _open_incident(text), actor=ACTOR)
        except Refused as refusal:
            failed = True
            click.echo(f"{text}: {refusal.sentence}", err=True)
    _print(found, as_json=as_json)
    if failed:
        raise click.exceptions.Exit(1)


@shipment.command()
@click.argument("number", type=int)
@click.argument("device", metavar="SERIAL_OR_TAG")
@json_option
def remove(number: int, device: str, *, as_json: bool) -> None:
    """Take a device out again."""
    found = _shipment(number)
    try:
        verbs.remove_unit(found, _open_incident(device), actor=ACTOR)
    except Refused as refusal:
        raise click.ClickException(refusal.sentence) from None
    _print(found, as_json=as_json)


@shipment.command()
@click.argument("number", type=int)
@click.option("--reason", default="", help="Overrides what speaks against sending, for all units.")
@click.option("--leave-out", is_flag=True, help="Leave those units out instead.")
@click.option(
    "--shipped-on", type=click.DateTime(["%Y-%m-%d"]), help="An earlier day on which it left the house."
)
@json_option
def ship(number: int, *, reason: str, leave_out: bool, shipped_on: datetime | None, as_json: bool) -> None:
    """Ask Apple about each unit, then send them all. Exit 1 and why where something speaks against it."""
    found = _shipment(number)
    units = [unit.incident for unit in queries.contents(COMMAND_LINE_VIEWER, found).in_order]
    if found.is_open:
        asked = iter(range(1, len(units) + 1))
        ask_now(units, told=lambda: click.echo(f"Asked Apple: {next(asked)} of {len(units)}", err=True))
    day = shipped_on.date() if shipped_on else None
    try:
        shipped = verbs.ship(found, reason=reason, leave_out=leave_out, shipped_on=day, actor=ACTOR)
    except PreflightConcerns as refusal:
        _tell_concerns(refusal)
        raise click.ClickException(f"{refusal.sentence} (--reason, --leave-out)") from None
    except Refused as refusal:
        raise click.ClickException(refusal.sentence) from None
    for incident in shipped.left_out:
        click.echo(f"Left out: {incident.device} ({incident})", err=True)
    click.echo(f"On their way to Apple: {len(shipped.sent)}.", err=True)
    _print(found, as_json=as_json)


@shipment.command()
@click.argument("number", type=int)
def cancel(number: int) -> None:
    """Do away with a shipment that was not shipped; its devices are free again."""
    try:
        verbs.cancel_shipment(_shipment(number), actor=ACTOR)
    except Refused as refusal:
        raise click.ClickException(refusal.sentence) from None


def _shipment(number: int) -> Shipment:
    found = Shipment.objects.filter(pk=number).first()
    if found is None:
        raise click.ClickException(f"There is no shipment {number}.")
    return found


def _open_incident(text: str) -> Incident:
    device = device_by_serial_or_tag(COMMAND_LINE_VIEWER, text)
    if device is None:
        raise Refused("No device has this serial number or asset tag.")
    incident = queries.open_incident_of(COMMAND_LINE_VIEWER, device)
    if incident is None:
        raise Refused("It has no open incident.")
    return incident


def _tell_concerns(refusal: PreflightConcerns) -> None:
    for number, concerns in refusal.concerns.items():
        for concern in concerns:
            click.echo(f"#{number}: {concern.sentence}", err=True)


def _print(found: Shipment, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(_rows(Shipment.objects.filter(pk=found.pk))[0], default=str))


def _rows(found: QuerySet[Shipment]) -> list[dict[str, Any]]:
    names = header("shipments")
    return [dict(zip(names, row, strict=True)) for row in rows("shipments", found, COMMAND_LINE_VIEWER)]
