"""`homeroom init` and `homeroom migrate`: the data folder and the database."""

import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from django.conf import settings
from django.core.management import call_command
from django.db import connection

MIGRATING = 0x486F6D65
"""The number by which processes of Homeroom know the lock."""


@click.command()
def init() -> None:
    """Make the data folder and the database. Safe to repeat."""
    prepare()
    click.echo(f"Ready. Data folder: {settings.CONFIGURATION.data_dir.resolve()}", err=True)


@click.command()
def migrate() -> None:
    """Bring the database to this version of Homeroom. Safe to repeat."""
    prepare()


def prepare() -> None:
    """Of several that start at once, one does it; the others wait, and find it done."""
    settings.CONFIGURATION.data_dir.mkdir(parents=True, exist_ok=True)
    with _alone():
        call_command("migrate", interactive=False, verbosity=0, stdout=sys.stderr)
        call_command("createcachetable", verbosity=0, stdout=sys.stderr)


@contextmanager
def _alone() -> Iterator[None]:
    locks = {"postgresql": _lock_of_postgresql, "sqlite": _lock_of_a_file}
    with locks[connection.vendor]():
        yield


@contextmanager
def _lock_of_postgresql() -> Iterator[None]:
    """Of a transaction, of a connection of its own: a pool of connections knows no locks that last longer."""
    holder = connection.copy()
    try:
        holder.set_autocommit(False)
        with holder.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [MIGRATING])
        yield
    finally:
        holder.close()


@contextmanager
def _lock_of_a_file() -> Iterator[None]:
    with (settings.CONFIGURATION.data_dir / "migrating.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
