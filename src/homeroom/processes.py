"""Which process works on a row: told apart from every other one, and seen to be dead at once on the same host."""

import os
import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Owner:
    """A process, told apart from every other one, also after a restart of the machine."""

    host: str
    boot_id: str
    process_id: int
    started: str

    @property
    def is_this_host(self) -> bool:
        return (self.host, self.boot_id) == (_host(), _boot_id())

    @property
    def is_alive(self) -> bool | None:
        """What the process table says; None of a process on another host, and of one that is only known by number."""
        if self.host != _host():
            return None
        if not self.started:
            return None if _is_there(self.process_id) else False
        return self.is_this_host and _start_time(self.process_id) == self.started

    def __str__(self) -> str:
        return f"process {self.process_id} on {self.host}"


def this_process() -> Owner:
    process_id = os.getpid()
    return Owner(_host(), _boot_id(), process_id, _start_time(process_id))


@cache
def _host() -> str:
    return socket.gethostname()


@cache
def _boot_id() -> str:
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.exists() else ""


def _is_there(process_id: int) -> bool:
    """Whether any process has the number."""
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _start_time(process_id: int) -> str:
    """Clock ticks from boot to the start of a process; empty if there is none, or no /proc to ask."""
    try:
        line = Path(f"/proc/{process_id}/stat").read_text()
    except OSError:
        return ""
    # The name, in parentheses, may hold blanks; after it the start time is the 20th field, the state the first.
    fields = line.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]
