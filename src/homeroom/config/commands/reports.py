"""`homeroom report`: any report to a file or to stdout, with the rows and columns that its page has."""

from collections.abc import Sequence
from pathlib import Path

import click
from django.http import QueryDict

from homeroom.accounts.policy import COMMAND_LINE_VIEWER
from homeroom.inventory.exports.command import output_options, write_rows_out
from homeroom.inventory.exports.reports import Report, report_named, reports
from homeroom.reports.selection import COLUMNS, SORT, filter_names, selection
from homeroom.web.errors import Refused

DAYS = "days"


class ReportName(click.ParamType[str]):
    """One of the reports that the apps have registered."""

    name = "report"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in reports():
            self.fail(f"{value!r} is not one of: {', '.join(reports())}", param, ctx)
        return value


@click.command()
@click.argument("name", type=ReportName(), metavar="NAME")
@click.option("--days", type=click.IntRange(min=0), help="Of a report that looks so many days ahead or back.")
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="NAME=VALUE",
    help="A filter of the report's page, as in its address; a site by its name. Can be given several times.",
)
@click.option("--sort", default="", metavar="COLUMN", help="By a column; with - before it, backwards.")
@click.option("--columns", default="", metavar="A,B,…", help="Only these columns, in this order.")
@output_options
def report(
    name: str,
    days: int | None,
    filters: Sequence[str],
    sort: str,
    columns: str,
    format_name: str,
    output: Path | None,
) -> None:
    """Write a report as CSV, XLSX or JSON; a wrong NAME tells which reports there are, a wrong filter which filters."""
    found = report_named(name)
    asked = _asked(found, filters, days)
    asked.update({name: value for name, value in ((SORT, sort), (COLUMNS, columns)) if value})
    try:
        selected = selection(found, asked.urlencode(), COMMAND_LINE_VIEWER)
    except Refused as refused:
        raise click.UsageError(refused.sentence) from None
    write_rows_out(selected.names, selected.rows, format_name=format_name, output=output)


def _asked(found: Report, filters: Sequence[str], days: int | None) -> QueryDict:
    known = filter_names(found, COMMAND_LINE_VIEWER)
    asked = QueryDict(mutable=True)
    for one in filters:
        name, equals, value = one.partition("=")
        if not equals:
            raise click.BadParameter(f"{one!r} is not of the form NAME=VALUE.", param_hint="--filter")
        if name not in known:
            raise click.BadParameter(
                f"{found.name} has no filter {name!r}, but: {', '.join(known)}.", param_hint="--filter"
            )
        asked[name] = value
    if days is not None:
        if DAYS not in known:
            raise click.BadParameter(f"{found.name} has no days to look ahead or back.", param_hint="--days")
        asked[DAYS] = str(days)
    return asked
