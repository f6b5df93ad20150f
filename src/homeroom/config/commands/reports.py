"""`homeroom report`: any report to a file or to stdout."""

from pathlib import Path

import click

from homeroom.accounts.policy import COMMAND_LINE_VIEWER
from homeroom.inventory.exports.command import output_options, write_out
from homeroom.inventory.exports.reports import report_named, reports


class ReportName(click.ParamType[str]):
    """One of the reports that the apps have registered."""

    name = "report"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in reports():
            self.fail(f"{value!r} is not one of: {', '.join(reports())}", param, ctx)
        return value


@click.command()
@click.argument("name", type=ReportName(), metavar="NAME")
@output_options
def report(name: str, format_name: str, output: Path | None) -> None:
    """Write a report as CSV, XLSX or JSON; a wrong NAME tells which reports there are."""
    found = report_named(name).rows(COMMAND_LINE_VIEWER)
    write_out(name, found, format_name=format_name, output=output)
