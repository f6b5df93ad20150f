"""What a worker does about syncs."""

from threading import Event

from homeroom.applesync.pipeline.running import work_on
from homeroom.applesync.verbs.runs import claim_due_run


def take_up_due_run(stop: Event) -> bool:
    """Work on one sync that waits or whose process died; whether there was one."""
    claimed = claim_due_run()
    if claimed is None:
        return False
    work_on(claimed, stop=stop)
    return True
