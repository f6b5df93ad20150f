"""A running simulator for tests, demos and benchmarks."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import msgspec

from appleschool_sim.actions import Action, Moment
from appleschool_sim.control import Control
from appleschool_sim.credentials import FILE_NAME, Credentials, read_credentials
from appleschool_sim.kinds import Kind
from appleschool_sim.running import API_PATH, TOKEN_PATH
from appleschool_sim.simulator import Simulator
from appleschool_sim.world import World


class GivenCredentials(Credentials, frozen=True):
    """The account's credentials, and where its PEM lies."""

    private_key_path: Path


class RunningSimulator:
    """A simulator in a process of its own, and an equal world in this one to compare with."""

    def __init__(self, address: str, folder: Path) -> None:
        self.address = address
        self.api_url = f"{address}{API_PATH}"
        self.token_url = f"{address}{TOKEN_PATH}"
        self.credentials_folder = folder
        self.control = Control(address, witness=self._witness)
        state = self.control.state()
        today = date.fromisoformat(state["today"])
        self._twin = Simulator(
            World(Kind(state["kind"]), state["devices"], seed=state["seed"], today=today),
            read_credentials(folder),
        )

    @property
    def credentials(self) -> GivenCredentials:
        """As the folder holds them now."""
        read = read_credentials(self.credentials_folder)
        listed = msgspec.json.decode((self.credentials_folder / FILE_NAME).read_bytes(), type=Credentials)
        path = self.credentials_folder / listed.private_key
        return GivenCredentials(read.client_id, read.key_id, read.private_key, private_key_path=path)

    @property
    def world(self) -> World:
        """The truth, after every action taken through `control`. What clients post to the API isn't in it."""
        self._twin.catch_up()
        return self._twin.world

    def _witness(self, action: Action, at: Moment) -> None:
        if action.is_journaled:
            self._twin.catch_up(at.simulated)
            action.apply(self._twin, at)


@contextmanager
def running_simulator(
    kind: Kind | str = Kind.SCHOOL, *, devices: int = 100, seed: int = 1
) -> Iterator[RunningSimulator]:
    """Serve a simulator from a new process on a free port until the block ends."""
    with tempfile.TemporaryDirectory(prefix="simulator-") as folder:
        command = (
            *(sys.executable, "-m", "appleschool_sim.cli"),
            *("--kind", Kind(kind).value, "--devices", str(devices), "--seed", str(seed)),
            *("--credentials", folder),
        )
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
            try:
                yield RunningSimulator(_address(process), Path(folder))
            finally:
                process.terminate()


def _address(process: subprocess.Popen[str]) -> str:
    line = process.stdout.readline() if process.stdout else ""
    address = line.removeprefix("API:").strip().removesuffix(API_PATH)
    if not address:
        raise RuntimeError("the simulator did not start; its own error stands above")
    return address
