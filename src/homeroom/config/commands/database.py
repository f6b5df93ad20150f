"""`homeroom init` and `homeroom migrate`: the data folder and the database."""

import sys

import click
from django.conf import settings
from django.core.management import call_command


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
    settings.CONFIGURATION.data_dir.mkdir(parents=True, exist_ok=True)
    call_command("migrate", interactive=False, verbosity=0, stdout=sys.stderr)
    call_command("createcachetable", verbosity=0, stdout=sys.stderr)
