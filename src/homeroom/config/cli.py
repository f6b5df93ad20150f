"""The `homeroom` command. Each app brings its own commands; they are imported when called."""

import os
import sys
from importlib import import_module

import click
import django
from django.core.exceptions import ImproperlyConfigured

from homeroom import __version__

COMMANDS = {
    "init": "homeroom.config.commands.database:init",
    "migrate": "homeroom.config.commands.database:migrate",
    "serve": "homeroom.config.commands.servers:serve",
    "web": "homeroom.config.commands.servers:web",
    "worker": "homeroom.config.commands.servers:worker",
    "demo": "homeroom.config.commands.demo:demo",
    "rotate-key": "homeroom.applesync.commands:rotate_key",
    "createadmin": "homeroom.accounts.commands:createadmin",
    "import": "homeroom.inventory.commands:import_",
    "export": "homeroom.config.commands.exports:export",
    "report": "homeroom.config.commands.reports:report",
    "incident": "homeroom.incidents.commands:incident",
    "coverage": "homeroom.insurance.commands:coverage",
    "stats": "homeroom.reports.commands:stats",
    "apple": "homeroom.applesync.commands:apple",
    "replacements": "homeroom.applesync.commands:replacements",
    "why": "homeroom.applesync.commands:why",
    "shipment": "homeroom.incidents.shipping.commands:shipment",
    "mail": "homeroom.notifications.commands:mail",
    "simulator": "appleschool_sim.cli:simulator",
}
WITHOUT_DJANGO = {"simulator"}


class LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        if cmd_name not in WITHOUT_DJANGO:
            _set_up_django()
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command


def _set_up_django() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "homeroom.config.settings")
    try:
        django.setup()
    except ImproperlyConfigured as error:
        click.echo(str(error), err=True)
        sys.exit(1)


@click.group(cls=LazyGroup)
@click.version_option(__version__, prog_name="homeroom")
def main() -> None:
    """Homeroom: a school district's one-to-one device program."""
