"""What was done to a world, line by line, so that a restarted simulator goes on where it ended."""

import os
from datetime import date
from pathlib import Path

import msgspec

from appleschool_sim.actions import ACTIONS, NAMES, Action, Moment, Submit
from appleschool_sim.kinds import Kind
from appleschool_sim.simulator import Simulator
from appleschool_sim.world import World


class Beginning(msgspec.Struct, frozen=True):
    """The first line: which world it is."""

    kind: Kind
    devices: int
    seed: int
    today: date


class Line(msgspec.Struct, frozen=True):
    action: str
    at: Moment
    arguments: msgspec.Raw


class Journal:
    """An append-only file of JSON lines. A line cut off by a crash is dropped."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def begin(self, wanted: Beginning) -> World:
        """The world the file began with, or the wanted one, written down as its first line."""
        if self._path.exists() and (lines := self._whole_lines()):
            found = msgspec.json.decode(lines[0], type=Beginning)
            if (found.kind, found.devices, found.seed) != (wanted.kind, wanted.devices, wanted.seed):
                world = f"{found.kind}, {found.devices} devices, seed {found.seed}"
                message = f"{self._path} holds another world: {world}"
                raise ValueError(message)
            return World(found.kind, found.devices, seed=found.seed, today=found.today)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._append(msgspec.json.encode(wanted))
        return World(wanted.kind, wanted.devices, seed=wanted.seed, today=wanted.today)

    def replay(self, simulator: Simulator) -> int:
        """Do everything again; returns how many actions that were."""
        lines = self._whole_lines()[1:]
        for raw in lines:
            line = msgspec.json.decode(raw, type=Line)
            action_type = ACTIONS.get(line.action, Submit)
            action = msgspec.json.decode(line.arguments, type=action_type)
            simulator.catch_up(line.at.simulated)
            action.apply(simulator, line.at)
        return len(lines)

    def write(self, action: Action, at: Moment) -> None:
        line = Line(NAMES[type(action)], at, msgspec.Raw(msgspec.json.encode(action)))
        self._append(msgspec.json.encode(line))

    def _append(self, line: bytes) -> None:
        with self._path.open("ab") as file:
            file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def _whole_lines(self) -> list[bytes]:
        written = self._path.read_bytes()
        *lines, cut_off = written.split(b"\n")
        if cut_off:
            # What follows would otherwise be glued to the torn line.
            os.truncate(self._path, len(written) - len(cut_off))
        return lines
