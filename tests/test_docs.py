"""The docs speak of every command, every setting and every kind of mail."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from homeroom.config.cli import COMMANDS, LazyGroup
from homeroom.config.configuration import Configuration
from homeroom.notifications.kinds import Kind, kinds

LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
DOCS = "\n".join(path.read_text() for path in (Path(__file__).resolve().parent.parent / "docs").rglob("*.md"))


def commands() -> Iterator[str]:
    group = LazyGroup("homeroom")
    context = click.Context(group)
    for name in COMMANDS:
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from (f"homeroom {name} {inner}" for inner in command.list_commands(context))
        else:
            yield f"homeroom {name}"


@pytest.mark.parametrize("command", sorted(commands()))
def test_every_command_is_told_of(command: str) -> None:
    assert command in DOCS


@pytest.mark.parametrize("setting", sorted(Configuration.model_fields))
def test_every_setting_is_told_of(setting: str) -> None:
    assert f"HOMEROOM_{setting.upper()}" in DOCS


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.key)
def test_every_kind_of_mail_is_told_of(kind: Kind) -> None:
    assert f"| {kind.label}" in LINK.sub(r"\1", DOCS)
