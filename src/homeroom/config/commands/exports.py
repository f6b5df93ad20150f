"""`homeroom export`: any noun to a file or to stdout."""

from pathlib import Path

import click

from homeroom.accounts.policy import COMMAND_LINE_VIEWER
from homeroom.inventory.exports.columns import noun_named, nouns
from homeroom.inventory.exports.command import output_options, write_out


class Noun(click.ParamType[str]):
    """One of the nouns that the apps have registered."""

    name = "noun"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in nouns():
            self.fail(f"{value!r} is not one of: {', '.join(nouns())}", param, ctx)
        return value


@click.command()
@click.argument("noun", type=Noun(), metavar="NOUN")
@output_options
def export(noun: str, format_name: str, output: Path | None) -> None:
    """Write devices, incidents or another noun as CSV, XLSX or JSON; a wrong NOUN tells which there are."""
    found = noun_named(noun).rows(COMMAND_LINE_VIEWER)
    write_out(noun, found, format_name=format_name, output=output)
