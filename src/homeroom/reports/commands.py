"""`homeroom stats`: the statistics, counted now."""

import json

import click
from django.core.serializers.json import DjangoJSONEncoder

from homeroom.accounts.policy import COMMAND_LINE_VIEWER
from homeroom.inventory.models import Device, Site
from homeroom.reports.blocks import Block, blocks
from homeroom.reports.queries.statistics import statistics_for
from homeroom.reports.rows import row
from homeroom.reports.statistics.tally import Values

FAMILIES = click.Choice(Device.ProductFamily.values)


@click.command()
@click.option("--site", help="Of one site, by its name.")
@click.option("--product-family", type=FAMILIES, help="Of one family.")
@click.option("--model", help="Of one model: Apple's name where a device is matched, else as typed.")
@click.option("--funding-source", help="Of one funding source.")
@click.option("--json", "as_json", is_flag=True, help="Print every number as JSON.")
def stats(
    site: str | None,
    product_family: str | None,
    model: str | None,
    funding_source: str | None,
    *,
    as_json: bool,
) -> None:
    """Count devices: AppleCare coverage, what ends when, models, storage, repairs."""
    chosen = Values(_site(site), product_family, model, funding_source)
    figures = statistics_for(COMMAND_LINE_VIEWER, chosen, fresh=True)
    if as_json:
        click.echo(json.dumps(row(figures), cls=DjangoJSONEncoder))
        return
    click.echo(f"{figures.current} devices counted, {figures.lost_or_retired} lost or retired ones left out")
    for block in blocks(figures, chosen):
        click.echo(f"\n{block.title}")
        for line in _lines(block):
            click.echo(f"  {line}")


def _site(name: str | None) -> int | None:
    if name is None:
        return None
    found = Site.objects.filter(name=name).values_list("pk", flat=True).first()
    if found is None:
        raise click.BadParameter(f"There is no site {name!r}.", param_hint="--site")
    return found


def _lines(block: Block) -> list[str]:
    table = [
        list(block.headings),
        *([row.label, *(number.text for number in row.numbers)] for row in block.rows),
    ]
    widths = [max(len(line[column]) for line in table) for column in range(len(block.headings))]
    return [
        "  ".join(
            text.ljust(width) if column == 0 else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in table
    ]
