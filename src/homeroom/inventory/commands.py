"""`homeroom import`: bring devices or people in from a file."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from homeroom.accounts.policy import COMMAND_LINE_VIEWER
from homeroom.inventory.imports.models import DateOrder, Noun
from homeroom.inventory.imports.planning import Source, Tally
from homeroom.inventory.imports.rows import Options
from homeroom.inventory.imports.verbs import RowsRefused, import_from_command_line, plan_file
from homeroom.web.errors import Refused

SHOWN_PROBLEMS = 100


@click.group("import")
def import_() -> None:
    """Bring devices or people in from a CSV or XLSX file: all of it or nothing."""


def _command(noun: Noun, help_text: str) -> None:
    @import_.command(noun.value, help=help_text)
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
    @click.option(
        "--dry-run", is_flag=True, help="Say what would be created, changed and refused; write nothing."
    )
    @click.option("--create-sites", is_flag=True, help="Add sites that are new.")
    @click.option(
        "--date-order",
        type=click.Choice([DateOrder.MONTH_FIRST.value, DateOrder.DAY_FIRST.value]),
        help="What 3/4/2026 means; without it, such a date is refused.",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
    def command(
        *, file: Path, dry_run: bool, create_sites: bool, date_order: str | None, as_json: bool
    ) -> None:
        options = Options(create_sites=create_sites, date_order=date_order or DateOrder.UNKNOWN)
        source = Source(file, noun.value, options=options)
        try:
            tally = plan_file(source, COMMAND_LINE_VIEWER) if dry_run else _applied(source)
        except Refused as refused:
            click.echo(refused.sentence, err=True)
            sys.exit(1)
        applied = not dry_run and not tally.refused
        _report(tally, applied=applied, as_json=as_json)
        sys.exit(1 if tally.refused else 0)


def _applied(source: Source) -> Tally:
    try:
        return import_from_command_line(source, COMMAND_LINE_VIEWER)
    except RowsRefused as refused:
        return refused.tally


def _report(tally: Tally, *, applied: bool, as_json: bool) -> None:
    if tally.ignored_headers:
        click.echo(
            f"Columns that are not known and were ignored: {', '.join(tally.ignored_headers)}.", err=True
        )
    if tally.new_sites:
        click.echo(f"New sites: {', '.join(tally.new_sites)}.", err=True)
    for problem in tally.problems[:SHOWN_PROBLEMS]:
        place = f"Row {problem.row}, {problem.column}" if problem.column else f"Row {problem.row}"
        click.echo(f"{place}: {problem.problem}", err=True)
    if len(tally.problems) > SHOWN_PROBLEMS:
        click.echo("… and more problems.", err=True)
    counts = ", ".join(f"{count} {name}" for name, count in tally.counts().items())
    outcome = "Applied" if applied else "Nothing was applied"
    click.echo(f"{outcome}: {counts}.", err=True)
    if as_json:
        click.echo(json.dumps(_document(tally, applied=applied)))


def _document(tally: Tally, *, applied: bool) -> dict[str, Any]:
    problems = [
        {"row": problem.row, "column": problem.column or None, "problem": problem.problem}
        for problem in tally.problems
    ]
    return {**tally.counts(), "problems": problems, "applied": applied}


_command(Noun.DEVICES, "Devices; found by serial number, else by asset tag.")
_command(Noun.PEOPLE, "People; found by external ID.")
