"""Who works on a run. One process at a time, and a former owner can't write a thing."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from homeroom.applesync.models import SyncRun
from homeroom.leases import LeaseLost
from homeroom.processes import Owner, this_process

SILENCE_OF_ANOTHER_HOST = timedelta(seconds=30)
SILENCE_OF_THE_LIVING = timedelta(minutes=10)
"""A process may live on when its sync has ended and that could not be written. Whoever is only slow is fenced."""


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
    """On this host the process table tells at once who is dead; of another host only the heartbeat does."""
    owner = owner_of(run)
    alive = owner.is_alive if owner else False
    silence = SILENCE_OF_ANOTHER_HOST if alive is None else SILENCE_OF_THE_LIVING
    return alive is not False and _was_heard_of(run.heartbeat_at, within=silence)


def _was_heard_of(heartbeat_at: datetime | None, *, within: timedelta) -> bool:
    return heartbeat_at is not None and timezone.now() - heartbeat_at < within
