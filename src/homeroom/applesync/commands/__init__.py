"""`homeroom apple …`, `homeroom replacements …`, `homeroom why` and `homeroom rotate-key`."""

import click

from homeroom.applesync.commands.connections import configure, rotate_key, status, test
from homeroom.applesync.commands.refresh import refresh
from homeroom.applesync.commands.replacements import replacements
from homeroom.applesync.commands.sync import changes, put_back, sync
from homeroom.applesync.commands.why import why

__all__ = ["apple", "replacements", "rotate_key", "why"]


@click.group()
def apple() -> None:
    """Apple School Manager: set up the connection, test it, sync."""


apple.add_command(configure)
apple.add_command(test)
apple.add_command(status)
apple.add_command(sync)
apple.add_command(refresh)
apple.add_command(changes)
apple.add_command(put_back)
