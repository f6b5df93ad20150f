"""What commands that write rows out have in common: their options, and where the rows go."""

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import click
from django.db.models import QuerySet

from homeroom.accounts.policy import COMMAND_LINE_VIEWER
from homeroom.inventory.exports.formats import (
    Format,
    Row,
    header,
    rows,
    write_rows_as,
)
from homeroom.web.errors import Refused


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--format` and `--output`, to be given to `write_out`."""
    formats = click.Choice([one.value for one in Format])
    file = click.Path(dir_okay=False, path_type=Path)
    with_output = click.option("--output", type=file, help="A file; without it, stdout.")(command)
    return click.option("--format", "format_name", type=formats, default=Format.CSV.value)(with_output)


def write_out(noun: str, queryset: QuerySet[Any], *, format_name: str, output: Path | None) -> None:
    """Write the rows with the noun's columns to a file or to stdout; ends the command if that fails."""
    write_rows_out(
        header(noun), rows(noun, queryset, COMMAND_LINE_VIEWER), format_name=format_name, output=output
    )


def write_rows_out(
    names: Sequence[str], found: Iterable[Row], *, format_name: str, output: Path | None
) -> None:
    """The same of any rows."""
    wanted = Format(format_name)
    if output is None and wanted is Format.XLSX and sys.stdout.isatty():
        raise click.UsageError("XLSX is not for a terminal: name a file with --output.")
    try:
        with _destination(output) as file:
            _write(names, found, wanted, file)
    except Refused as refused:
        raise click.ClickException(refused.sentence) from None
    except OSError as error:
        raise click.ClickException(f"The file can't be written: {error.strerror}.") from None


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


def _write(names: Sequence[str], found: Iterable[Row], wanted: Format, file: IO[bytes]) -> None:
    if wanted is Format.XLSX:
        with tempfile.TemporaryFile() as whole:
            write_rows_as(wanted, names, found, whole)
            whole.seek(0)
            shutil.copyfileobj(whole, file, 1 << 20)
        return
    write_rows_as(wanted, names, found, file)
    file.flush()
