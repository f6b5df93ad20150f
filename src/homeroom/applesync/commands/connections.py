"""Setting up a connection from the command line. Nothing here asks or prints a private key."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone
from django.utils.formats import date_format

from homeroom.applesync import checks, schedules
from homeroom.applesync.commands.choice import chosen_connection, connection_option
from homeroom.applesync.encryption import SecretCannotBeRead
from homeroom.applesync.models import Connection
from homeroom.applesync.queries.connections import every_standing, row, standing
from homeroom.applesync.verbs import secrets
from homeroom.applesync.verbs.connections import Changes, pem_text
from homeroom.applesync.verbs.connections import configure as configure_connection
from homeroom.audit.actors import COMMAND_LINE
from homeroom.schedules.schedule import Schedule, Unreadable
from homeroom.web.errors import Refused


def _schedule(_context: click.Context, _option: click.Parameter, text: str | None) -> Schedule | None:
    try:
        return None if text is None else schedules.parse(text)
    except Unreadable as error:
        raise click.BadParameter(str(error)) from None


MARKS = {True: "ok", False: "FAILED", None: "not tried"}


@click.command()
@click.option("--name", required=True, help="What your staff call this account.")
@click.option("--kind", type=click.Choice([kind.value for kind in Connection.Kind]), help="Default: school.")
@click.option("--team-id", help="Where the account shows none, leave it out.")
@click.option("--client-id", help="Begins with SCHOOLAPI. or BUSINESSAPI.")
@click.option("--key-id", help="Stands beside the key at Apple.")
@click.option(
    "--private-key",
    "key_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The .pem file that Apple let you download.",
)
@click.option("--sync-coverage/--no-sync-coverage", default=None, help="Default: on.")
@click.option("--process-replacements/--no-process-replacements", default=None, help="Default: on.")
@click.option(
    "--apply-replacements/--ask-about-replacements",
    default=None,
    help="Whether certain replacements are applied by themselves (the default), or a person is always asked.",
)
@click.option(
    "--schedule",
    metavar="WHEN",
    callback=_schedule,
    help="“nightly 02:00” (the default), “weekdays 02:00”, “every 6 hours”, “never”, or a cron expression; "
    "in the district's time zone.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the connection as JSON.")
def configure(name: str, kind: str | None, key_file: Path | None, *, as_json: bool, **options: Any) -> None:
    """Create the connection of this name, or change it, and activate it. Contacts nobody.

    What you leave out stays as it is; a new connection needs --client-id, --key-id and --private-key.
    """
    if not Connection.objects.filter(name=name.strip()).exists():
        _need({"--client-id": options["client_id"], "--key-id": options["key_id"], "--private-key": key_file})
    changes = Changes(
        name=name,
        kind=Connection.Kind(kind) if kind else None,
        private_key=pem_text(key_file.read_bytes()) if key_file else None,
        **options,
    )
    try:
        connection = configure_connection(changes, actor=COMMAND_LINE)
    except Refused as refusal:
        raise click.ClickException(refusal.sentence) from None
    if as_json:
        click.echo(json.dumps(row(standing(connection)), cls=DjangoJSONEncoder))
    else:
        click.echo(f"“{connection}” is active. Test it with `homeroom apple test`.", err=True)
        click.echo(f"Syncs: {connection.schedule.in_words}", err=True)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the connections as JSON.")
def status(*, as_json: bool) -> None:
    """How each connection stands: its last sync, its next one, and what needs attention (then exit 1)."""
    standings = every_standing()
    if as_json:
        click.echo(json.dumps([row(each) for each in standings], cls=DjangoJSONEncoder))
    else:
        for each in standings:
            click.echo(f"{each.connection}: {each.state.label}")
            click.echo(f"    last sync: {_moment(each.last_synced_at) or 'never'}")
            click.echo(f"    next sync: {_moment(each.next_run_at) or 'none'}")
            click.echo(f"     schedule: {each.connection.schedule.in_words}")
    in_need = [each for each in standings if each.state == Connection.State.NEEDS_ATTENTION]
    for each in in_need:
        click.echo(f"“{each.connection}” needs attention: {each.problem}", err=True)
    if in_need:
        raise SystemExit(1)


@click.command()
@connection_option
@click.option("--json", "as_json", is_flag=True, help="Print every stage as JSON.")
def test(name: str | None, *, as_json: bool) -> None:
    """Test a connection step by step, and say what to do where a step fails."""
    report = checks.check_saved(chosen_connection(name))
    if as_json:
        click.echo(json.dumps(report.as_json()))
    else:
        for result in report.results:
            remark = f" ({result.detail})" if result.ok and result.detail else ""
            click.echo(f"{MARKS[result.ok]:>9}  {result.stage.label}{remark}")
    if failed := report.failed:
        click.echo(f"{failed.detail}\n{failed.fix}", err=True)
        raise SystemExit(1)


@click.command("rotate-key")
def rotate_key() -> None:
    """Encrypt every stored secret again, with the first of HOMEROOM_SECRET_KEYS."""
    try:
        count = secrets.reencrypt(actor=COMMAND_LINE)
    except SecretCannotBeRead as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"Stored secrets encrypted with the first key: {count}.", err=True)


def _moment(moment: datetime | None) -> str:
    return date_format(timezone.localtime(moment), "DATETIME_FORMAT") if moment else ""


def _need(options: dict[str, object]) -> None:
    missing = [name for name, value in options.items() if not value]
    if missing:
        raise click.UsageError(f"A new connection also needs {', '.join(missing)}.")
