"""`homeroom replacements …`: what the pages do, on the command line."""

import json
from collections.abc import Callable
from typing import Any

import click
from django.core.serializers.json import DjangoJSONEncoder

from homeroom.accounts.policy import COMMAND_LINE_VIEWER
from homeroom.applesync.models import AppleDevice, Replacement
from homeroom.applesync.queries import receiving
from homeroom.applesync.queries import replacements as queries
from homeroom.applesync.reviewing.evidence import told
from homeroom.applesync.reviewing.reports import REPLACEMENTS
from homeroom.applesync.verbs import replacements as verbs
from homeroom.applesync.verbs.receiving import receive_into_inventory
from homeroom.audit.actors import COMMAND_LINE
from homeroom.incidents.models import Incident
from homeroom.inventory.exports.formats import header, rows
from homeroom.inventory.models import Device, Site
from homeroom.web.errors import Refused

State = Replacement.State


class Pairing(click.ParamType[Replacement]):
    """The ID of a pairing, as `list` shows it."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Replacement:
        if isinstance(value, Replacement):
            return value
        if not str(value).isdecimal():
            self.fail(f"{value!r} is no ID; `homeroom replacements list` shows them.", param, ctx)
        found = queries.replacements(COMMAND_LINE_VIEWER).filter(pk=int(value)).first()
        if found is None:
            raise click.ClickException(
                f"There is no replacement {value}: it was decided meanwhile, or never there."
            )
        return found


json_option = click.option("--json", "as_json", is_flag=True, help="Print its row as JSON.")
reason_option = click.option("--reason", default="", help="Why; it stays in the audit trail.")
pairing_argument = click.argument("pairing", type=Pairing(), metavar="ID")


@click.group()
def replacements() -> None:
    """Devices that Apple sent for others: suggested, applied, dismissed, undone."""


@replacements.command("list")
@click.option("--state", type=click.Choice(State.values), help="Only those in this state.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def list_(state: str | None, *, as_json: bool) -> None:
    """Show the pairings with their IDs, the best suggestion for each new device first."""
    found = queries.replacements(COMMAND_LINE_VIEWER)
    found = (found.filter(state=state) if state else found).order_by("replacement_serial", "rank", "pk")
    if as_json:
        click.echo(json.dumps(_rows(found), cls=DjangoJSONEncoder))
        return
    for pairing in found:
        click.echo(_line(pairing))
        for each in told(pairing.evidence):
            click.echo(f"{'':8}{each.side.value:>7}: {each.sentence}")


@replacements.command()
@pairing_argument
@click.option(
    "--incident", "number", type=int, metavar="N", help="Pair the new device with this incident instead."
)
@json_option
def confirm(pairing: Replacement, number: int | None, *, as_json: bool) -> None:
    """Apply a pairing: the original is replaced, its incident has its replacement."""
    if number is None or number == pairing.incident_id:
        _decide(lambda: verbs.apply_replacement(pairing, actor=COMMAND_LINE), as_json=as_json)
        return
    incident = Incident.objects.select_related("device", "status").filter(number=number).first()
    if incident is None:
        raise click.ClickException(f"There is no incident {number}.")
    candidate = _candidate(pairing)
    _decide(lambda: verbs.pair_replacement(candidate, incident, actor=COMMAND_LINE), as_json=as_json)


@replacements.command()
@pairing_argument
@reason_option
@json_option
def dismiss(pairing: Replacement, reason: str, *, as_json: bool) -> None:
    """Say that a suggested pairing is wrong; it is not suggested again."""
    _decide(lambda: verbs.dismiss_replacement(pairing, reason=reason, actor=COMMAND_LINE), as_json=as_json)


@replacements.command("not-ours")
@pairing_argument
@reason_option
@json_option
def not_ours(pairing: Replacement, reason: str, *, as_json: bool) -> None:
    """Say that the new device of a pairing replaces none of ours."""
    candidate = _candidate(pairing)
    _decide(lambda: verbs.dismiss_candidate(candidate, reason=reason, actor=COMMAND_LINE), as_json=as_json)


@replacements.command()
@pairing_argument
@click.option("--reason", required=True, help="Why; it stays in the audit trail.")
@json_option
def undo(pairing: Replacement, reason: str, *, as_json: bool) -> None:
    """Take an applied pairing back, with its effects; it is not applied again by itself."""
    _decide(lambda: verbs.undo_replacement(pairing, reason=reason, actor=COMMAND_LINE), as_json=as_json)


@replacements.command()
@click.argument("serial_number", metavar="SERIAL")
@click.option("--asset-tag", metavar="TAG", help="Of the new device.")
@click.option("--site", "site_name", metavar="NAME", help="Default: the original's site.")
@click.option("--assign", is_flag=True, help="Assign it to the person who had the original.")
@click.option("--close", is_flag=True, help="Close the incident as replaced.")
@click.option("--take-back-loaner", is_flag=True, help="Take that person's loaner back.")
@click.option("--json", "as_json", is_flag=True, help="Print the device's row as JSON.")
def receive(
    serial_number: str, asset_tag: str | None, site_name: str | None, *, as_json: bool, **steps: bool
) -> None:
    """Add the replacement with this serial number to the inventory, as a page of its own does.

    Once more with the same serial number, it does what was left.
    """
    found = receiving.scanned(COMMAND_LINE_VIEWER, serial_number)
    if found.replacement is None:
        raise click.ClickException(_why_not(found, serial_number))
    values: dict[str, Any] = {"asset_tag": asset_tag} if asset_tag else {}
    if site_name is not None:
        values["site"] = Site.objects.filter(name=site_name).first()
        if values["site"] is None:
            raise click.ClickException(f"There is no site “{site_name}”.")
    try:
        device = receive_into_inventory(found.replacement, actor=COMMAND_LINE, **steps, **values)
    except Refused as refusal:
        raise click.ClickException(refusal.sentence) from None
    if as_json:
        (values_,) = rows("devices", Device.objects.filter(pk=device.pk), COMMAND_LINE_VIEWER)
        click.echo(json.dumps(dict(zip(header("devices"), values_, strict=True)), cls=DjangoJSONEncoder))
    now = Replacement.objects.get(pk=found.replacement.pk)
    for step in receiving.receiving(now).steps:
        click.echo(f"{'done' if step.done else 'left' if step.left else '-':>6}  {step.sentence}", err=True)


def _why_not(found: receiving.Scanned, serial_number: str) -> str:
    if found.candidate:
        return f"{found.candidate} is paired with no incident yet. See `homeroom replacements list --state suggested`."
    if found.device_id:
        return f"{serial_number} is in the inventory already, and replaces none of ours."
    return f"Nobody knows {serial_number} yet: Apple lists a replacement within hours of sending it."


def _decide(decision: Callable[[], Replacement], *, as_json: bool) -> None:
    try:
        decided = decision()
    except Refused as refusal:
        raise click.ClickException(refusal.sentence) from None
    if as_json:
        (row,) = _rows(Replacement.objects.filter(pk=decided.pk))
        click.echo(json.dumps(row, cls=DjangoJSONEncoder))
    else:
        click.echo(_line(decided), err=True)


def _candidate(pairing: Replacement) -> AppleDevice:
    candidate = receiving.mirrored(pairing)
    if candidate is None:
        raise click.ClickException(f"Apple's list has not had {pairing.replacement_serial}.")
    return candidate


def _rows(found: Any) -> list[dict[str, Any]]:
    """The columns of exports, with the ID before them."""
    names = ["id", *header(REPLACEMENTS)]
    keys = found.values_list("pk", flat=True)
    values = rows(REPLACEMENTS, found, COMMAND_LINE_VIEWER)
    return [dict(zip(names, [pk, *row], strict=True)) for pk, row in zip(keys, values, strict=True)]


def _line(pairing: Replacement) -> str:
    original = (
        f"{pairing.original_serial} (incident {pairing.incident_id})"
        if pairing.incident_id
        else "none of ours"
    )
    return f"{pairing.pk:>8}  {pairing.get_state_display()}: {pairing.replacement_serial} replaces {original}"
