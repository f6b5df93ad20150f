"""Which connection a command is about."""

from collections.abc import Callable
from typing import Any

import click

from homeroom.applesync.models import Connection


def connection_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--connection`, to be given to `chosen_connection`."""
    return click.option(
        "--connection", "name", metavar="NAME", help="Which connection, where there are several."
    )(command)


def chosen_connection(name: str | None) -> Connection:
    """The named connection, or the only active one. Exit 2 where that is not clear, 1 where none is."""
    if name is not None:
        named = Connection.objects.filter(name=name).first()
        if named is None:
            raise click.UsageError(f"There is no connection “{name}”. {_names()}")
        return named
    active = list(Connection.objects.filter(active=True)[:2])
    if not active:
        raise click.ClickException("No connection is active. Make one with `homeroom apple configure`.")
    if len(active) > 1:
        raise click.UsageError(f"There are several connections; choose one with --connection. {_names()}")
    return active[0]


def _names() -> str:
    names = ", ".join(f"“{name}”" for name in Connection.objects.values_list("name", flat=True))
    return f"There are: {names}." if names else "There are none yet."
