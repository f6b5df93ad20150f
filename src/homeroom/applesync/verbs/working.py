"""What a worker does about syncs."""

from threading import Event

from django.utils import timezone

from homeroom.applesync.pipeline.running import work_on
from homeroom.applesync.verbs.runs import claim_due_run
from homeroom.applesync.verbs.schedule import take_due_turns


def start_due_syncs(_stop: Event) -> bool:
    """Start the syncs whose turn has come by their schedule; whether there was one."""
    return take_due_turns(now=timezone.now()) > 0


def take_up_due_run(stop: Event) -> bool:
    """Work on one sync that waits or whose process died; whether there was one."""
    claimed = claim_due_run()
    if claimed is None:
        return False
    work_on(claimed, stop=stop)
    return True
