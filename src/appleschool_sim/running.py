"""Serving a simulator until it is told to stop."""

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
from aiohttp import web

from appleschool_sim.control_api import ControlApi
from appleschool_sim.credentials import Credentials, credentials_in, new_credentials
from appleschool_sim.journal import Beginning, Journal
from appleschool_sim.server import Front
from appleschool_sim.simulator import Simulator
from appleschool_sim.tokens import AUDIENCE
from appleschool_sim.world import World

if sys.platform == "win32":
    from asyncio import run as run_loop
else:
    from uvloop import run as run_loop

API_PATH = "/v1"
TOKEN_PATH = "/auth/oauth2/token"  # noqa: S105 - a path


class Place(msgspec.Struct, frozen=True):
    """Where to serve, what to keep, and which audience assertions must name."""

    host: str = "127.0.0.1"
    port: int = 0
    folder: Path | None = None
    journal: Path | None = None
    audience: str = AUDIENCE


def run(beginning: Beginning, place: Place, *, ready: Callable[[str, Credentials], None]) -> None:
    """Serve until SIGINT or SIGTERM. `ready` is told the address once connections are taken."""
    run_loop(_serve(beginning, place, ready))


async def _serve(beginning: Beginning, place: Place, ready: Callable[[str, Credentials], None]) -> None:
    journal = Journal(place.journal) if place.journal else None
    world = (
        journal.begin(beginning)
        if journal
        else World(beginning.kind, beginning.devices, seed=beginning.seed, today=beginning.today)
    )
    credentials = credentials_in(place.folder, world.kind) if place.folder else new_credentials(world.kind)
    simulator = Simulator(world, credentials, audience=place.audience)
    if journal:
        journal.replay(simulator)
    control = ControlApi(simulator, journal=journal, folder=place.folder)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    runner = web.ServerRunner(web.Server(Front(simulator, control), access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, place.host, place.port, backlog=1024)
        await site.start()
        port = runner.addresses[0][1]
        host = f"[{place.host}]" if ":" in place.host else place.host
        ready(f"http://{host}:{port}", credentials)
        await stopped.wait()
    finally:
        await runner.cleanup()
