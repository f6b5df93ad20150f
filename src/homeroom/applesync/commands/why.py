"""`homeroom why`: every question about one device, answered."""

import json

import click
from django.core.serializers.json import DjangoJSONEncoder

from homeroom.accounts.policy import COMMAND_LINE_VIEWER
from homeroom.applesync.queries import why as queries
from homeroom.applesync.why.answers import Finding, Weight, row

MARKS = {Weight.AS_IT_SHOULD_BE: "ok", Weight.WORTH_KNOWING: "note", Weight.IN_THE_WAY: "PROBLEM"}


@click.command()
@click.argument("serial_or_tag")
@click.option(
    "--json", "as_json", is_flag=True, help="Print every question, with the cause that applies, as JSON."
)
def why(serial_or_tag: str, *, as_json: bool) -> None:
    """Say why a device is or is not synced and covered: of its serial number or asset tag."""
    if not serial_or_tag.strip():
        raise click.BadParameter("Give a serial number or an asset tag.", param_hint="SERIAL_OR_TAG")
    answer = queries.why(COMMAND_LINE_VIEWER, serial_or_tag)
    if as_json:
        click.echo(json.dumps(row(answer), cls=DjangoJSONEncoder))
        return
    for finding in answer.findings:
        click.echo(f"{MARKS[finding.weight]:>8}  {finding.question.label}")
        click.echo(_indented(finding))
    click.echo(f"\n{answer.conclusion.sentence}")


def _indented(finding: Finding) -> str:
    return "\n".join(f"{'':10}{line}" for line in (finding.sentence, finding.fix) if line)
