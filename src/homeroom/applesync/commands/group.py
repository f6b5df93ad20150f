import click

from homeroom.applesync.commands.connections import configure, test
from homeroom.applesync.commands.sync import sync


@click.group()
def apple() -> None:
    """Apple School Manager: set up, test, sync."""


apple.add_command(configure)
apple.add_command(test)
apple.add_command(sync)
