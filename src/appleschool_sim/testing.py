"""A running simulator for tests, demos and benchmarks."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen
from uuid import uuid4

import msgspec
from joserfc import jwt
from joserfc.jwk import ECKey

from appleschool_sim.actions import Action, Moment
from appleschool_sim.control import Control
from appleschool_sim.credentials import FILE_NAME, Credentials, read_credentials
from appleschool_sim.kinds import Kind
from appleschool_sim.running import API_PATH, TOKEN_PATH
from appleschool_sim.simulator import Simulator
from appleschool_sim.tokens import ASSERTION_TYPE, AUDIENCE
from appleschool_sim.world import World


class GivenCredentials(Credentials, frozen=True):
    """The account's credentials, and where its PEM lies."""

    private_key_path: Path


class RunningSimulator:
    """A simulator in a process of its own, and an equal world in this one to compare with."""

    def __init__(self, address: str, folder: Path, *, pid: int) -> None:
        self.address = address
        self.pid = pid
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
    kind: Kind | str = Kind.SCHOOL, *, devices: int = 100, seed: int = 1, today: date | None = None
) -> Iterator[RunningSimulator]:
    """Serve a simulator from a new process on a free port until the block ends."""
    with tempfile.TemporaryDirectory(prefix="simulator-") as folder:
        command = (
            *(sys.executable, "-m", "appleschool_sim.cli"),
            *("--kind", Kind(kind).value, "--devices", str(devices), "--seed", str(seed)),
            *("--credentials", folder),
            *(("--today", today.isoformat()) if today else ()),
        )
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
            try:
                yield RunningSimulator(_address(process), Path(folder), pid=process.pid)
            finally:
                process.terminate()


def sign_assertion(credentials: Credentials, **claims: Any) -> str:
    """A good client assertion, unless the claims given here spoil it."""
    now = int(datetime.now(UTC).timestamp())
    good = {
        "iss": credentials.client_id,
        "sub": credentials.client_id,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + 600,
        "jti": str(uuid4()),
    }
    header = {"alg": "ES256", "kid": credentials.key_id}
    return jwt.encode(header, good | claims, ECKey.import_key(credentials.private_key))


def token_parameters(credentials: Credentials, assertion: str | None = None) -> dict[str, str]:
    """The form of a token request."""
    kind = next(kind for kind in Kind if credentials.client_id.startswith(kind.client_prefix))
    return {
        "grant_type": "client_credentials",
        "client_id": credentials.client_id,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion or sign_assertion(credentials),
        "scope": kind.scope,
    }


def fetch_token(simulator: RunningSimulator) -> str:
    """A bearer token, for callers that are not Homeroom's client."""
    body = urlencode(token_parameters(simulator.credentials)).encode()
    with urlopen(simulator.token_url, data=body, timeout=30) as response:  # noqa: S310 - http to this machine
        return str(msgspec.json.decode(response.read())["access_token"])


def _address(process: subprocess.Popen[str]) -> str:
    line = process.stdout.readline() if process.stdout else ""
    address = line.removeprefix("API:").strip().removesuffix(API_PATH)
    if not address:
        raise RuntimeError("the simulator did not start; its own error stands above")
    return address
