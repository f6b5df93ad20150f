"""`homeroom apple sync`: one run in this process, with its progress on stderr."""

import json
import signal
import sys
import threading
from types import FrameType

import click

from homeroom.applesync.commands.choice import chosen_connection, connection_option
from homeroom.applesync.models import SyncRun
from homeroom.applesync.pipeline.running import work_on
from homeroom.applesync.queries.runs import progress, result
from homeroom.applesync.verbs.runs import ClaimedRun, begin_sync
from homeroom.audit.actors import COMMAND_LINE
from homeroom.web.errors import Refused

TELL_EVERY_SECONDS = 1.0


@click.command()
@connection_option
@click.option("--json", "as_json", is_flag=True, help="Print the run's numbers as JSON.")
def sync(name: str | None, *, as_json: bool) -> None:
    """Bring devices and coverage in line with Apple. Ctrl-C stops it; the next sync goes on from there."""
    try:
        claimed = begin_sync(chosen_connection(name), actor=COMMAND_LINE)
    except Refused as refusal:
        raise click.ClickException(refusal.sentence) from None
    run = _work_and_tell(claimed)
    if as_json:
        click.echo(json.dumps(result(run)))
    else:
        for count, value in result(run).items():
            click.echo(f"{count.replace('_', ' '):>24}  {value}", err=True)
    if run.state != SyncRun.State.SUCCEEDED:
        click.echo(f"{run.get_state_display()}. {run.error} {run.fix}".strip(), err=True)
        sys.exit(1)


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
