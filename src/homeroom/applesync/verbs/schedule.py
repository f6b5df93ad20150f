"""Taking up the turns of schedules. However many workers look, one of them takes a turn, and starts one sync."""

from datetime import datetime

from django.db import transaction

from homeroom.applesync.models import Connection
from homeroom.applesync.verbs.runs import request_sync
from homeroom.audit.actors import SCHEDULE


def take_due_turns(*, now: datetime) -> int:
    """Start a sync of each connection whose turn has come; how many turns were taken.

    Turns that were missed are made up for by one sync. A sync that waits or runs already is that turn's.
    """
    active = Connection.objects.filter(active=True).defer("private_key")
    return sum(_take_turn(connection, now) for connection in active if _is_due(connection, now))


def _is_due(connection: Connection, now: datetime) -> bool:
    turn = connection.next_run_at
    return turn is not None and turn <= now


@transaction.atomic
def _take_turn(connection: Connection, now: datetime) -> bool:
    """Only if nobody else took it, and nobody changed the schedule meanwhile."""
    unchanged = Connection.objects.filter(
        pk=connection.pk,
        active=True,
        scheduled_since=connection.scheduled_since,
        last_turn_at=connection.last_turn_at,
    )
    if not unchanged.update(last_turn_at=now):
        return False
    request_sync(connection, actor=SCHEDULE)
    return True
