"""`homeroom` in processes of its own, on this test's database."""

import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from django.db import connection as database

PORTS = 1_000
"""For each process of the tests, from 5,000 on; the system gives away those from 32,768 on."""


def environment(folder: Path, **changes: str) -> dict[str, str]:
    """What a process of its own needs to work on this test's database."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "homeroom.config.settings",
        "HOMEROOM_DATA_DIR": str(folder),
        "HOMEROOM_DATABASE_URL": _database_url(),
        "HOMEROOM_SECRET_KEYS": "a-key-for-tests-only-0123456789abcdef",
        **changes,
    }


@contextmanager
def homeroom(*arguments: str, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """`homeroom ARGUMENTS` in a process of its own; what still runs at the end is killed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "homeroom", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def eventually(true: Callable[[], bool], *, within: float = 30) -> bool:
    """Whether it becomes true in this time; what is true for a moment only counts."""
    until = time.monotonic() + within
    while not (found := true()) and time.monotonic() < until:
        time.sleep(0.02)
    return found


def free_port() -> int:
    """A port that nothing listens on, and that no other process of the tests nor the system gives away."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for port in random.sample(range(PORTS * (worker % 20 + 5), PORTS * (worker % 20 + 6)), PORTS):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no port is free")


def _database_url() -> str:
    given = database.settings_dict
    if database.vendor == "sqlite":
        return f"sqlite:///{given['NAME']}"
    user, password, host = (quote(str(given[name] or ""), safe="") for name in ("USER", "PASSWORD", "HOST"))
    return f"postgres://{user}:{password}@{host}:{given['PORT']}/{given['NAME']}"
