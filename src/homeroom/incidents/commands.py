"""`homeroom incident`: open incidents, move them on, look at them."""

import sys
from collections.abc import Callable
from typing import Any

import click
from django.db import transaction
from django.db.models import QuerySet

from homeroom.accounts.policy import COMMAND_LINE_VIEWER
from homeroom.incidents import queries
from homeroom.incidents.advice import advice
from homeroom.incidents.inquiry import ask_now
from homeroom.incidents.models import Incident, IncidentStatus
from homeroom.incidents.preflight import PreflightConcerns
from homeroom.incidents.verbs import incidents as verbs
from homeroom.incidents.verbs.repairs import RECEIVED_BACK, receive_back, refusal_to_send, send_to_apple
from homeroom.inventory.exports.formats import header, json_chunks, json_object, rows
from homeroom.inventory.models import Device
from homeroom.inventory.queries import device_by_serial_or_tag
from homeroom.web.errors import Refused

ACTOR = COMMAND_LINE_VIEWER.actor
PATIENCE = 20.0
"""Seconds for Apple's answer about one device."""
SENT = IncidentStatus.SystemKey.SENT_FOR_APPLECARE_REPAIR


class IncidentNumber(click.ParamType[int]):
    """`12` or `#12`."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        number = queries.incident_number(str(value))
        if number is None:
            self.fail(f"{value!r} is not the number of an incident.", param, ctx)
        return number


number_argument = click.argument("number", type=IncidentNumber(), metavar="NUMBER")
as_json_option = click.option("--json", "as_json", is_flag=True, help="Print the incident's row as JSON.")


def _choice(values: list[str]) -> click.Choice[str]:
    return click.Choice(values, case_sensitive=False)


@click.group()
def incident() -> None:
    """What befell devices: open an incident, move it on, look at it."""


@incident.command("open")
@click.option("--device", required=True, help="The device's serial number or asset tag.")
@click.option("--summary", required=True, help="What happened, in a line.")
@click.option(
    "--kind", type=_choice(Incident.Kind.values), default=Incident.Kind.HARDWARE.value, show_default=True
)
@click.option("--description", default="", help="More about it.")
@as_json_option
def open_(*, device: str, summary: str, kind: str, description: str, as_json: bool) -> None:
    """Open an incident about a device. Says what the device's cover means for the bill."""
    found = _device(device)
    others = list(queries.incidents_of_device(found).filter(queries.OPEN))
    opened = _or_exit(
        lambda: verbs.open_incident(found, summary=summary, kind=kind, description=description, actor=ACTOR)
    )
    for other in others:
        click.echo(f"Another incident of the device is open: {other} {other.summary}.", err=True)
    click.echo(advice(found, kind).sentence, err=True)
    _report(opened, f"Incident {opened} is open.", as_json=as_json)


@incident.command("set-status")
@number_argument
@click.argument("status", metavar="STATUS")
@click.option("--outcome", type=_choice(Incident.Outcome.values), help="How it ended; with a closed status.")
@click.option("--repair-number", default="", help="Apple's number of the repair.")
@click.option(
    "--reason",
    default="",
    help="Sends the device to Apple whatever the preflight says; with other statuses, kept as a comment.",
)
@as_json_option
def set_status(
    *, number: int, status: str, outcome: str | None, repair_number: str, reason: str, as_json: bool
) -> None:
    """Set a status by its name. “Sent for AppleCare Repair” looks first at what would go wrong."""
    found = _incident(number)

    def change() -> Incident:
        wanted = _status_named(status)
        if wanted.system_key == SENT:
            if outcome:
                raise Refused("Only a closed incident has an outcome.", field="outcome")
            if (refusal := refusal_to_send(found)) is not None:
                raise refusal
            ask_now([found], patience=PATIENCE)
            return send_to_apple(found, repair_number=repair_number, reason=reason, actor=ACTOR)
        with transaction.atomic():
            changed = verbs.set_status(found, wanted, outcome=outcome or "", actor=ACTOR)
            if repair_number.strip():
                changed = verbs.update_incident(changed, repair_number=repair_number, actor=ACTOR)
            if reason.strip():
                verbs.comment(changed, reason, actor=ACTOR)
        return changed

    changed = _or_exit(change)
    _report(changed, f"Incident {changed} is now: {changed.status}.", as_json=as_json)


@incident.command("receive-back")
@number_argument
@click.option(
    "--outcome",
    type=_choice(sorted(RECEIVED_BACK)),
    default=Incident.Outcome.REPAIRED.value,
    show_default=True,
    help="How it ended.",
)
@as_json_option
def receive_back_(*, number: int, outcome: str, as_json: bool) -> None:
    """Receive back from Apple the same unit that was sent; its incident is closed."""
    found = _incident(number)
    closed = _or_exit(lambda: receive_back(found, outcome=outcome, actor=ACTOR))
    _report(closed, f"Incident {closed} is closed.", as_json=as_json)


@incident.command("comment")
@number_argument
@click.argument("text")
@as_json_option
def comment(*, number: int, text: str, as_json: bool) -> None:
    """Write a comment on an incident."""
    found = _incident(number)
    _or_exit(lambda: verbs.comment(found, text, actor=ACTOR))
    _report(found, f"The comment is on incident {found}.", as_json=as_json)


@incident.command("show")
@number_argument
@as_json_option
def show(*, number: int, as_json: bool) -> None:
    """Show one incident."""
    found = _incident(number)
    if as_json:
        _report(found, "", as_json=True)
        return
    (values,) = rows("incidents", Incident.objects.filter(pk=number), COMMAND_LINE_VIEWER)
    for name, value in zip(header("incidents"), values, strict=True):
        if value is not None:
            click.echo(f"{name:>18}  {value}")
    for written in queries.comments(found):
        click.echo(f"\n{written.written_at:%Y-%m-%d %H:%M} {written.written_by}:\n{written.text}")


@incident.command("list")
@click.option("--open", "only_open", is_flag=True, help="Only open ones.")
@click.option("--at-apple", is_flag=True, help="Only those whose device is at Apple.")
@click.option("--overdue", is_flag=True, help="Only those that are overdue at Apple.")
@click.option("--device", default="", help="Only of the device with this serial number or asset tag.")
@click.option("--json", "as_json", is_flag=True, help="Print the rows as a JSON array.")
def list_(*, only_open: bool, at_apple: bool, overdue: bool, device: str, as_json: bool) -> None:
    """List incidents. `homeroom export incidents` writes them as CSV or XLSX."""
    found = queries.incidents(COMMAND_LINE_VIEWER).order_by("pk")
    for wanted, state in (
        (only_open, queries.OPEN),
        (at_apple, queries.is_at_apple()),
        (overdue, queries.is_overdue()),
    ):
        if wanted:
            found = found.filter(state)
    if device:
        found = found.filter(device=_device(device))
    if as_json:
        for text in json_chunks(header("incidents"), rows("incidents", found, COMMAND_LINE_VIEWER)):
            click.echo(text, nl=False)
        return
    _print_lines(found)


def _print_lines(found: QuerySet[Incident]) -> None:
    for one in queries.for_list(found).iterator(chunk_size=2000):
        click.echo(f"{one!s:>7}  {one.device!s:<14}  {one.status!s:<26}  {one.summary}")


def _device(serial_or_tag: str) -> Device:
    found = device_by_serial_or_tag(COMMAND_LINE_VIEWER, serial_or_tag)
    if found is None:
        raise click.ClickException(f"No device has the serial number or asset tag “{serial_or_tag}”.")
    return found


def _incident(number: int) -> Incident:
    found = queries.incident_page(COMMAND_LINE_VIEWER).filter(pk=number).first()
    if found is None:
        raise click.ClickException(f"There is no incident #{number}.")
    return found


def _status_named(name: str) -> IncidentStatus:
    """As it is written, but for case."""
    status = queries.incident_statuses().filter(name__iexact=name.strip()).first()
    if status is None:
        names = ", ".join(f"“{known}”" for known in queries.choosable_statuses())
        raise Refused(f"There is no incident status “{name}”. There are: {names}.", field="status")
    return status


def _or_exit(change: Callable[[], Any]) -> Any:
    """What the verb answers; ends the command with 1 where it refuses, a line for each concern."""
    try:
        return change()
    except PreflightConcerns as refused:
        for concern in (concern for concerns in refused.concerns.values() for concern in concerns):
            click.echo(f"{concern.sentence} {concern.fix}".rstrip(), err=True)
        click.echo("Nothing was changed. Send it all the same with --reason WHY.", err=True)
        sys.exit(1)
    except Refused as refused:
        click.echo(refused.sentence, err=True)
        sys.exit(1)


def _report(found: Incident, sentence: str, *, as_json: bool) -> None:
    if as_json:
        click.echo(json_object("incidents", Incident.objects.filter(pk=found.pk), COMMAND_LINE_VIEWER))
    if sentence:
        click.echo(sentence, err=True)
