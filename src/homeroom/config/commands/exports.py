"""`homeroom export`: any noun to a file or to stdout."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import click

from homeroom.accounts.policy import COMMAND_LINE_VIEWER
from homeroom.inventory.exports.columns import noun_named, nouns
from homeroom.inventory.exports.formats import Format, csv_chunks, header, json_chunks, rows, write_xlsx
from homeroom.web.errors import Refused


class Noun(click.ParamType[str]):
    """One of the nouns that the apps have registered."""

    name = "noun"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in nouns():
            self.fail(f"{value!r} is not one of: {', '.join(nouns())}", param, ctx)
        return value


@click.command()
@click.argument("noun", type=Noun(), metavar="NOUN")
@click.option(
    "--format", "format_name", type=click.Choice([one.value for one in Format]), default=Format.CSV.value
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A file; without it, stdout.")
def export(noun: str, format_name: str, output: Path | None) -> None:
    """Write devices, people, insurance or runs as CSV, XLSX or JSON."""
    wanted = Format(format_name)
    if output is None and wanted is Format.XLSX and sys.stdout.isatty():
        raise click.UsageError("XLSX is not for a terminal: name a file with --output.")
    try:
        with _destination(output) as file:
            _write(noun, wanted, file)
    except Refused as refused:
        click.echo(refused.sentence, err=True)
        sys.exit(1)
    except OSError as error:
        click.echo(f"The file can't be written: {error.strerror}.", err=True)
        sys.exit(1)


@contextlib.contextmanager
def _destination(output: Path | None) -> Iterator[IO[bytes]]:
    """Stdout, or a file that appears under its name only once it is whole."""
    if output is None:
        yield sys.stdout.buffer
        return
    descriptor, unfinished = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        Path(unfinished).replace(output)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise


def _write(noun: str, wanted: Format, file: IO[bytes]) -> None:
    queryset = noun_named(noun).rows(COMMAND_LINE_VIEWER)
    names, found = header(noun), rows(noun, queryset, COMMAND_LINE_VIEWER)
    if wanted is Format.XLSX:
        with tempfile.TemporaryFile() as whole:
            write_xlsx(names, found, whole)
            whole.seek(0)
            while block := whole.read(1 << 20):
                file.write(block)
        return
    chunks = csv_chunks(names, found) if wanted is Format.CSV else json_chunks(names, found)
    for text in chunks:
        file.write(text.encode())
    file.flush()
