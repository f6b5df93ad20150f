"""`homeroom createadmin`: the first account of an installation."""

import sys

import click

from homeroom.accounts.policy import Role
from homeroom.accounts.verbs.users import create_user
from homeroom.audit.actors import COMMAND_LINE
from homeroom.web.errors import Refused


@click.command()
@click.option("--email", required=True, help="The address to sign in with.")
@click.option("--name", default="", help="Their name. Default: the part of the address before the @.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def createadmin(email: str, name: str, *, password_stdin: bool) -> None:
    """Make an administrator who can sign in."""
    password = _password(from_stdin=password_stdin)
    try:
        create_user(
            actor=COMMAND_LINE,
            email=email,
            name=name or email.partition("@")[0],
            password=password,
            role=Role.ADMINISTRATOR,
        )
    except Refused as refusal:
        raise click.ClickException(refusal.sentence) from None
    click.echo(f"{email} can sign in.", err=True)


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask at: give the password with --password-stdin.")
    answer: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return answer
