"""Taking up the turns of schedules. However many workers look, one of them takes a turn."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from django.db import transaction
from django.db.models import QuerySet

from homeroom.schedules.models import Scheduled

Row = TypeVar("Row", bound=Scheduled)


def take_due_turns(rows: QuerySet[Row], begin: Callable[[Row], object], *, now: datetime) -> int:
    """Begin, for each of the rows whose turn has come, what comes by its schedule; how many turns were taken.

    Turns that were missed are made up for by one. `begin` is in the transaction that takes the turn: both are kept,
    or neither. It must not wait for anything.
    """
    return sum(_take(row, rows, begin, now) for row in rows.filter(active=True) if _is_due(row, now))


def _is_due(row: Scheduled, now: datetime) -> bool:
    turn = row.next_turn_at
    return turn is not None and turn <= now


@transaction.atomic
def _take(row: Row, rows: QuerySet[Row], begin: Callable[[Row], object], now: datetime) -> bool:
    """Only if nobody else took it, and nobody changed the schedule meanwhile."""
    unchanged = rows.filter(
        pk=row.pk, active=True, scheduled_since=row.scheduled_since, last_turn_at=row.last_turn_at
    )
    if not unchanged.update(last_turn_at=now):
        return False
    begin(row)
    return True
