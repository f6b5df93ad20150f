"""`homeroom apple sync`: one run in this process, with its progress on stderr."""

import json
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

import click

from homeroom.accounts.policy import COMMAND_LINE_VIEWER
from homeroom.applesync.commands.choice import chosen_connection, connection_option
from homeroom.applesync.models import RunChange, SyncRun
from homeroom.applesync.pipeline.running import work_on
from homeroom.applesync.queries import changes as queries
from homeroom.applesync.queries.changes import device_called
from homeroom.applesync.queries.coverage import coverage_outlook
from homeroom.applesync.queries.runs import progress, result
from homeroom.applesync.verbs import putting_back as verb
from homeroom.applesync.verbs.runs import ClaimedRun, begin_accepted, begin_sync
from homeroom.audit.actors import COMMAND_LINE
from homeroom.inventory.exports.command import output_options, write_out
from homeroom.web.errors import Refused

TELL_EVERY_SECONDS = 1.0
GOOD = {SyncRun.State.SUCCEEDED, SyncRun.State.PREVIEWED}


@click.command()
@connection_option
@click.option("--preview", is_flag=True, help="Only tell what a sync would change, and keep what Apple said.")
@click.option(
    "--accept-changes",
    "accepted",
    type=int,
    metavar="RUN",
    help="Do what this preview or held sync planned; Apple is not asked again.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the run's numbers as JSON.")
def sync(name: str | None, *, preview: bool, accepted: int | None, as_json: bool) -> None:
    """Bring devices and coverage in line with Apple. Ctrl-C stops it; the next sync goes on from there."""
    if preview and accepted is not None:
        raise click.UsageError("Choose one of --preview and --accept-changes.")
    try:
        if accepted is None:
            claimed = begin_sync(chosen_connection(name), actor=COMMAND_LINE, preview=preview)
        else:
            claimed = begin_accepted(_run(accepted), actor=COMMAND_LINE)
    except Refused as refusal:
        raise click.ClickException(refusal.sentence) from None
    run = _work_and_tell(claimed)
    _tell_outcome(run, as_json=as_json)
    if run.state not in GOOD:
        sys.exit(1)


@click.command("put-back")
@click.argument("run_id", type=int, metavar="RUN")
@click.option("--device", "called", metavar="SERIAL_OR_TAG", help="Only this device's records.")
def put_back(run_id: int, called: str | None) -> None:
    """Put back what a sync did to Homeroom's own records. Apple's facts come back with the next sync."""
    run = _run(run_id)
    device = called and device_called(COMMAND_LINE_VIEWER, called)
    if called and not device:
        raise click.ClickException(f"No device has the serial number or asset tag “{called}”.")
    left_alone_before = _left_alone(run)
    try:
        count = verb.put_back(run, actor=COMMAND_LINE, device=device or None)
    except Refused as refusal:
        raise click.ClickException(refusal.sentence) from None
    while verb.put_back_some(run):
        pass
    left_alone = _left_alone(run) - left_alone_before
    click.echo(f"Put back: {count - left_alone}. Changed since, and left alone: {left_alone}.", err=True)


@click.command()
@click.argument("run_id", type=int, metavar="RUN")
@output_options
def changes(run_id: int, format_name: str, output: Path | None) -> None:
    """Write the change set of a run, record by record; of a preview, what it would change."""
    entries = queries.changes(COMMAND_LINE_VIEWER, _run(run_id)).order_by("pk")
    write_out("changes", entries, format_name=format_name, output=output)


def _left_alone(run: SyncRun) -> int:
    return run.changes.filter(state=RunChange.State.OVERTAKEN).count()


def _run(run_id: int) -> SyncRun:
    run = SyncRun.objects.select_related("connection").filter(pk=run_id).first()
    if run is None:
        raise click.ClickException(f"There is no sync {run_id}.")
    return run


def _tell_outcome(run: SyncRun, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(result(run)))
    else:
        for count, value in result(run).items():
            click.echo(f"{count.replace('_', ' '):>24}  {value}", err=True)
    if run.state == SyncRun.State.HELD:
        waits_for = queries.decision(run)
        click.echo(
            f"Sync {run.pk} would end or release something of {waits_for.touched} of {waits_for.known} devices. "
            f"Everything else is done. See `homeroom apple changes {run.pk}`; if it is right: "
            f"`homeroom apple sync --accept-changes {run.pk}`.",
            err=True,
        )
    elif run.state == SyncRun.State.PREVIEWED:
        click.echo(
            f"Nothing is changed. See `homeroom apple changes {run.pk}`; "
            f"to apply it: `homeroom apple sync --accept-changes {run.pk}`.",
            err=True,
        )
    elif run.state == SyncRun.State.SUCCEEDED:
        if outlook := coverage_outlook(COMMAND_LINE_VIEWER, run.connection):
            click.echo(outlook.sentence, err=True)
    else:
        click.echo(f"{run.get_state_display()}. {run.error} {run.fix}".strip(), err=True)


def _work_and_tell(claimed: ClaimedRun) -> SyncRun:
    stop, over = threading.Event(), threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    teller = threading.Thread(target=_tell, args=(claimed.run.pk, over), daemon=True)
    teller.start()
    try:
        return work_on(claimed, stop=stop)
    finally:
        over.set()
        teller.join()
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell(run_id: int, over: threading.Event) -> None:
    """One line a second; on a terminal it is written over itself."""
    from django.db import connections

    at_terminal = sys.stderr.isatty()
    told = ""
    while not over.wait(TELL_EVERY_SECONDS):
        line = progress(SyncRun.objects.get(pk=run_id)).line
        if line != told:
            click.echo(f"\r\x1b[2K{line}" if at_terminal else line, err=True, nl=not at_terminal)
            told = line
    if at_terminal and told:
        click.echo(err=True)
    connections.close_all()
