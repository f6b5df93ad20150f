"""`homeroom web`, `homeroom worker`, and `homeroom serve`, which runs both."""

import os
import signal
import sys
import threading
from types import FrameType

import click
from django.conf import settings

from homeroom.config.commands.children import EVERYWHERE, Children, refuse_unusable_port
from homeroom.config.commands.database import prepare

THREADS = max(2, os.cpu_count() or 2)
IDLE_SECONDS = 600  # the most that granian allows: a new thread begins with nothing read of the database
STOP_SECONDS = 10  # less than the patience of `serve`


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="Port to listen on.")
def web(host: str, port: int) -> None:
    """Serve the pages and the API."""
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    refuse_unusable_port(host, port)
    Granian(
        "homeroom.config.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        blocking_threads=THREADS,
        blocking_threads_idle_timeout=IDLE_SECONDS,
        # A request to end that comes while the process that answers is being started would else be lost.
        workers_kill_timeout=STOP_SECONDS,
        log_access=False,
        log_level=LogLevels.warning,
    ).serve()


@click.command()
@click.option("--once", is_flag=True, help="Do what is due, then end.")
def worker(*, once: bool) -> None:
    """Do the work that takes long: syncs, imports, mail."""
    from homeroom.config.worker import work_once, work_until

    if once:
        work_once()
        return
    stop = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    work_until(stop)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="Port to listen on.")
def serve(host: str, port: int) -> None:
    """Run everything: pages, API and worker."""
    refuse_unusable_port(host, port)
    prepare()
    with Children() as children:
        serve_with(children, host=host, port=port)
        click.echo(address(host, port))
        sys.exit(children.wait())


def serve_with(children: Children, *, host: str, port: int) -> None:
    """Start web and worker, and return once the pages answer."""
    os.environ["HOMEROOM_BASE_URL"] = address(host, port)
    children.start("web", "--host", host, "--port", str(port))
    children.start("worker")
    children.wait_for_port(host, port)


def address(host: str, port: int) -> str:
    """Where people reach the pages: as configured, else where they are listened for."""
    configuration = settings.CONFIGURATION
    if "base_url" in configuration.model_fields_set:
        return str(configuration.base_url)
    name = "localhost" if host in {"127.0.0.1", "::1", *EVERYWHERE} else host
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"
