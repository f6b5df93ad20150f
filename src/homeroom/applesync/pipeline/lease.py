"""Who works on a run. One process at a time, and a former owner can't write a thing."""

import os
import socket
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from django.db.models import F
from django.utils import timezone

from homeroom.applesync.models import SyncRun

SILENCE_OF_ANOTHER_HOST = timedelta(seconds=30)


class LeaseLost(Exception):  # noqa: N818
    """Another process has taken the run over; nothing more may be written."""


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

    def __str__(self) -> str:
        return f"process {self.process_id} on {self.host}"


@dataclass(frozen=True, slots=True)
class Lease:
    run_id: int
    fence: int

    def renew(self, **changes: Any) -> None:
        """Write to the run's row as its owner. Inside a batch's transaction this is what fences it."""
        owned = SyncRun.objects.filter(pk=self.run_id, fence=self.fence, state=SyncRun.State.RUNNING)
        if not owned.update(heartbeat_at=timezone.now(), **changes):
            raise LeaseLost


def claim(run: SyncRun) -> Lease | None:
    """Make this process the owner, unless a living one is or another comes first."""
    if run.state == SyncRun.State.RUNNING and owner_is_alive(run):
        return None
    now = timezone.now()
    claimed = SyncRun.objects.filter(pk=run.pk, fence=run.fence, state=run.state).update(
        state=SyncRun.State.RUNNING,
        fence=F("fence") + 1,
        owner=asdict(this_process()),
        heartbeat_at=now,
        started_at=run.started_at or now,
    )
    return Lease(run.pk, run.fence + 1) if claimed else None


def owner_of(run: SyncRun) -> Owner | None:
    return Owner(**run.owner) if run.owner else None


def owner_is_alive(run: SyncRun) -> bool:
    """On this host the process table tells, at once; of another host only its heartbeat does."""
    owner = owner_of(run)
    if owner is None:
        return False
    if owner.host == _host() and owner.started:
        return owner.is_this_host and _start_time(owner.process_id) == owner.started
    return _heard_of_lately(run.heartbeat_at)


def _heard_of_lately(heartbeat_at: datetime | None) -> bool:
    return heartbeat_at is not None and timezone.now() - heartbeat_at < SILENCE_OF_ANOTHER_HOST


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


def _start_time(process_id: int) -> str:
    """Clock ticks from boot to the start of a process; empty if there is none, or no /proc to ask."""
    try:
        line = Path(f"/proc/{process_id}/stat").read_text()
    except OSError:
        return ""
    # The name, in parentheses, may hold blanks; after it the start time is the 20th field, the state the first.
    fields = line.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]
