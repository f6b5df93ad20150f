"""The door for those who run the simulator: `/_control/`, open to this machine only."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from appleschool_sim import finding
from appleschool_sim.actions import ACTIONS, Action, ActionError, Moment, NewKey, RestoreKey
from appleschool_sim.catalog import EVERY_MODEL
from appleschool_sim.control_page import HEADERS, is_page, page
from appleschool_sim.credentials import write_credentials
from appleschool_sim.faults import MEANINGS
from appleschool_sim.guard import refusal
from appleschool_sim.journal import Journal
from appleschool_sim.sentences import sentence
from appleschool_sim.simulator import Simulator


class ControlApi:
    """Shows the state and the counts, and takes actions."""

    def __init__(
        self, simulator: Simulator, *, journal: Journal | None = None, folder: Path | None = None
    ) -> None:
        self._simulator = simulator
        self._journal = journal
        self._folder = folder

    async def answer(self, request: web.BaseRequest, name: str) -> web.Response:
        asks_for_page = request.method == "GET" and is_page(name)
        if refused := refusal(request, is_page=asks_for_page):
            return _json(403, {"error": refused})
        if asks_for_page:
            return page(name)
        self._simulator.catch_up()
        if request.method == "GET":
            return await self._shown(name, request.query)
        if request.method != "POST" or name not in ACTIONS:
            return _json(404, {"error": f"no such action: {name}"})
        try:
            action = msgspec.json.decode(await request.read() or b"{}", type=ACTIONS[name])
            at, outcome = self.take(action)
        except (msgspec.MsgspecError, ActionError, OverflowError) as error:
            return _json(400, {"error": str(error)})
        told = sentence(action, outcome, self._simulator)
        return _json(200, {"at": at, "outcome": outcome, "sentence": told})

    def take(self, action: Action) -> tuple[Moment, dict[str, Any]]:
        """Do it, and write it down."""
        at = self._now()
        outcome = action.apply(self._simulator, at)
        if action.is_journaled:
            self._write(action, at)
        if isinstance(action, NewKey):
            self._keep_key(at)
        return at, outcome

    def _keep_key(self, at: Moment) -> None:
        """The folder keeps the new key; the journal only that the account is good again."""
        if self._folder is not None:
            write_credentials(self._folder, self._simulator.credentials)
        self._write(RestoreKey(), at)

    def note(self, action: Action) -> None:
        """Write down what a client did through the API."""
        self._write(action, self._now())

    def _now(self) -> Moment:
        return Moment(self._simulator.clock.now(), datetime.now(UTC))

    def _write(self, action: Action, at: Moment) -> None:
        if self._journal is not None:
            self._journal.write(action, at)

    async def _shown(self, name: str, query: Mapping[str, str]) -> web.Response:
        if name in {"find", "examples"}:
            return await self._found(name, query)
        if name == "truth":
            return _json(200, await asyncio.to_thread(self._truth))
        shown: dict[str, Callable[[], object]] = {
            "state": self._state,
            "counts": self._simulator.counters.as_json,
            "choices": self._choices,
            "watch": lambda: self._watched(query.get("after", "")),
        }
        if name not in shown:
            return _json(404, {"error": f"nothing to show: {name}"})
        return _json(200, shown[name]())

    async def _found(self, name: str, query: Mapping[str, str]) -> web.Response:
        """Devices by their serial number or as examples. Looking takes a moment, so it holds nobody up."""
        world, now = self._simulator.world, self._simulator.clock.now()
        if name == "find":
            return _json(200, await asyncio.to_thread(finding.find, world, query.get("serial", ""), now))
        try:
            of = finding.Example(query.get("of", ""))
        except ValueError as error:
            return _json(400, {"error": str(error)})
        return _json(200, await asyncio.to_thread(finding.examples, world, of, now))

    def _watched(self, after: str) -> dict[str, Any]:
        """All that changes by itself, in one answer: for those who look every second."""
        number = int(after) if after.isascii() and after.isdigit() else 0
        counters = self._simulator.counters
        return {"state": self._state(), "counts": counters.as_json(), "requests": counters.latest(number)}

    def _choices(self) -> dict[str, Any]:
        """What forms offer."""
        return {
            "models": [model.name for model in EVERY_MODEL],
            "servers": [{"id": server.id, "name": server.name} for server in self._simulator.world.servers],
            "faults": [{"name": fault, "meaning": meaning} for fault, meaning in MEANINGS.items()],
        }

    def _state(self) -> dict[str, Any]:
        simulator, world = self._simulator, self._simulator.world
        bucket = simulator.bucket
        return {
            "kind": world.kind,
            "seed": world.seed,
            "today": world.today,
            "devices": len(world),
            "now": simulator.clock.now(),
            "is_clock_turned": simulator.clock.is_turned,
            "is_clock_stopped": simulator.clock.is_stopped,
            "due": len(simulator.due),
            "next_due": next(iter(simulator.due), None),
            "client_id": simulator.credentials.client_id,
            "key_id": simulator.credentials.key_id,
            "is_key_revoked": simulator.tokens.is_revoked,
            "rate_limit": bucket
            and {"rate": bucket.rate, "burst": bucket.burst, "retry_after": simulator.retry_after},
            "faults": {fault.value: setting for fault, setting in simulator.faults.active.items()},
        }

    def _truth(self) -> dict[str, Any]:
        """Walks the whole fleet: about half a minute for a million devices."""
        world = self._simulator.world
        kinds = world.coverage_kinds(self._simulator.clock.now().date())
        return {"devices": len(world), "coverage": {kind.value: count for kind, count in kinds.items()}}


def _json(status: int, content: object) -> web.Response:
    return web.Response(
        status=status, body=msgspec.json.encode(content), content_type="application/json", headers=HEADERS
    )
