"""`homeroom mail …`: try the mail server, see how the outbox stands, have mail tried again."""

import json

import click
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import validate_email
from django.utils import timezone
from django.utils.formats import date_format

from homeroom.accounts.policy import COMMAND_LINE_VIEWER
from homeroom.audit.actors import COMMAND_LINE
from homeroom.notifications import queries, verbs
from homeroom.notifications.server import mail_server
from homeroom.web.errors import Refused


def _address(_context: click.Context, _option: click.Parameter, text: str) -> str:
    try:
        validate_email(text)
    except ValidationError as error:
        raise click.BadParameter(" ".join(error.messages)) from None
    return text


@click.group()
def mail() -> None:
    """Mail: try the server, see what waits, try again."""


@mail.command()
@click.option("--to", "address", required=True, callback=_address, help="Where the test mail goes.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def test(address: str, *, as_json: bool) -> None:
    """Send one mail now and say what the mail server answers (exit 1 if it does not take it)."""
    try:
        finding = verbs.send_test_mail(address, actor=COMMAND_LINE)
    except Refused as refusal:
        raise click.ClickException(refusal.sentence) from None
    if as_json:
        told = {"detail": finding.detail, "fix": finding.fix} if finding else {"detail": "", "fix": ""}
        click.echo(json.dumps({"ok": finding is None, **told}))
    elif finding is None:
        click.echo(f"{mail_server()} has taken the mail to {address}.", err=True)
    if finding is not None:
        raise click.ClickException(str(finding))


@mail.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def status(*, as_json: bool) -> None:
    """What waits and what failed (exit 1 if something failed, or waits without a working mail server)."""
    server, now = mail_server(), queries.standing(COMMAND_LINE_VIEWER)
    if as_json:
        document = {
            "server": str(server) if server else None,
            "waiting": now.waiting,
            "oldest_waiting": now.oldest_waiting,
            "why": now.why,
            "failed": now.failed,
            "last_sent": now.last_sent,
        }
        click.echo(json.dumps(document, cls=DjangoJSONEncoder))
    else:
        last = date_format(timezone.localtime(now.last_sent), "DATETIME_FORMAT") if now.last_sent else "never"
        click.echo(f"Mail server: {server or 'none is configured'}")
        click.echo(f"Waiting: {now.waiting}. Failed: {now.failed}. Last sent: {last}.")
        if now.why:
            click.echo(now.why)
    raise SystemExit(1 if now.failed or (now.waiting and (server is None or now.why)) else 0)


@mail.command("try-again")
def try_again() -> None:
    """Have everything that failed or waits sent as soon as a worker comes to it."""
    count = verbs.try_again(queries.mails(COMMAND_LINE_VIEWER), actor=COMMAND_LINE)
    click.echo(f"Mails to be tried again: {count}.", err=True)
