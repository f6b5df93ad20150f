"""Processes that end with the one that started them."""

import ctypes
import errno
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from types import FrameType, TracebackType
from typing import NoReturn, Self

import click

END_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux's prctl
PATIENCE_SECONDS = 20.0
ENDING = (signal.SIGTERM, signal.SIGINT)
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what somebody may listen on
"""All addresses of this machine, each with one at which it reaches itself."""


class Children:
    """A context manager: what was started in it has ended when it is left, also by Ctrl-C or SIGTERM."""

    def __init__(self) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []
        self._names: dict[int, str] = {}

    def __enter__(self) -> Self:
        # SIGINT as well: started in the background of a script, Python itself would pass it by.
        self._before = {number: signal.signal(number, _end) for number in ENDING}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        # Asked twice, it still ends in order: what is started in sessions of their own would stay behind.
        for number in ENDING:
            signal.signal(number, signal.SIG_IGN)
        for process in reversed(self._processes):
            process.terminate()
        until = time.monotonic() + PATIENCE_SECONDS
        for process in self._processes:
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        for number, handler in self._before.items():
            signal.signal(number, handler)
        return kind is KeyboardInterrupt

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start `homeroom ARGUMENTS` in a session of its own, so that Ctrl-C reaches it through us alone."""
        process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "homeroom", *arguments],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - no threads yet
        )
        self._processes.append(process)
        self._names[process.pid] = arguments[0]
        return process

    def wait(self) -> int:
        """Until one of them ends, which ends the whole: 1, with a word on which."""
        while True:
            for process in self._processes:
                if process.poll() is not None:
                    click.echo(f"homeroom {self._names[process.pid]} ended unexpectedly.", err=True)
                    return 1
            time.sleep(0.3)

    def wait_for_port(self, host: str, port: int) -> None:
        """Until something listens there; exits with 1 if a child ends before."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if any(process.poll() is not None for process in self._processes):
                sys.exit(self.wait())
            with suppress(OSError), socket.create_connection((EVERYWHERE.get(host, host), port), timeout=1):
                return
            time.sleep(0.1)
        click.echo(f"Nothing answers on port {port}.", err=True)
        sys.exit(1)


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(END_WITH_PARENT, signal.SIGTERM)


def refuse_unusable_port(host: str, port: int) -> None:
    """Say so in one sentence, before anything is started or built, where nobody can listen on the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise click.ClickException(
                f"Port {port} is in use by another program. Choose another with --port."
            ) from None
        raise click.ClickException(
            f"Homeroom can't listen on port {port} of {host}: {error.strerror}."
        ) from None


def free_port() -> int:
    """A port of this machine that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
