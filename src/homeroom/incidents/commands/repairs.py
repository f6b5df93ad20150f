"""`homeroom incident receive-back`: a unit came back from Apple."""

import json

import click

from homeroom.accounts.policy import COMMAND_LINE_VIEWER
from homeroom.incidents.models import Incident
from homeroom.incidents.shipping.columns import AT_APPLE
from homeroom.incidents.verbs import repairs
from homeroom.inventory.exports.formats import header, rows
from homeroom.web.errors import Refused


@click.command("receive-back")
@click.argument("number", type=int)
@click.option(
    "--outcome",
    type=click.Choice(sorted(repairs.RECEIVED_BACK)),
    default=Incident.Outcome.REPAIRED.value,
    show_default=True,
)
@click.option("--json", "as_json", is_flag=True, help="Print the incident's row as JSON.")
def receive_back(number: int, *, outcome: str, as_json: bool) -> None:
    """Receive back the unit of an incident, with its own serial number; its incident is closed."""
    incident = Incident.objects.filter(pk=number).first()
    if incident is None:
        raise click.ClickException(f"There is no incident {number}.")
    try:
        repairs.receive_back(incident, outcome=outcome, actor=COMMAND_LINE_VIEWER.actor)
    except Refused as refusal:
        raise click.ClickException(refusal.sentence) from None
    if as_json:
        (values,) = rows(AT_APPLE, Incident.objects.filter(pk=number), COMMAND_LINE_VIEWER)
        click.echo(json.dumps(dict(zip(header(AT_APPLE), values, strict=True)), default=str))
    click.echo(f"Incident #{number} is closed.", err=True)
