"""Taking up the turns of connections' schedules: one worker takes a turn, and starts one sync."""

from datetime import datetime

from homeroom.applesync.models import Connection
from homeroom.applesync.verbs.runs import request_sync
from homeroom.audit.actors import SCHEDULE
from homeroom.schedules.turns import take_due_turns as taken_of


def take_due_turns(*, now: datetime) -> int:
    """Start a sync of each connection whose turn has come. One that waits or runs already is that turn's."""
    return taken_of(Connection.objects.defer("private_key"), _start, now=now)


def _start(connection: Connection) -> None:
    request_sync(connection, actor=SCHEDULE)
