"""One pace for all processes that draw on a connection: a sync at work, and refreshes of single devices.

Who wants to send beside a sync reserves the time that this takes; the sync, which looks once a second, sends nothing in
it. Apple's wish to wait is kept in the same way, for everybody.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from homeroom.applesync.models import Connection, SyncRun

SECONDS_TO_NOTICE = 1.5
"""A look and what it takes, for the sync to have sent its last before the time that is reserved."""


def reserve(connection: Connection, requests: int, *, patience: float) -> float:
    """The seconds until so many requests may be sent. If they are more than `patience`, nothing is reserved."""
    with transaction.atomic():
        locked = Connection.objects.select_for_update().only("quiet_until", "pace").get(pk=connection.pk)
        now = timezone.now()
        wait = _seconds(locked.quiet_until, now)
        rate = _rate(locked)
        if not rate:
            return wait
        if SyncRun.objects.filter(connection=connection, state=SyncRun.State.RUNNING).exists():
            wait = max(wait, SECONDS_TO_NOTICE)
        if wait <= patience:
            until = now + timedelta(seconds=wait + requests / rate)
            Connection.objects.filter(pk=connection.pk).update(quiet_until=until)
    return wait


def hold(connection_id: int, seconds: float) -> None:
    """Apple asks to wait."""
    until = timezone.now() + timedelta(seconds=seconds)
    Connection.objects.filter(pk=connection_id).exclude(quiet_until__gte=until).update(quiet_until=until)


def quiet_for(connection_id: int) -> float:
    """Seconds that belong to others, or to nobody."""
    until = Connection.objects.filter(pk=connection_id).values_list("quiet_until", flat=True).first()
    return _seconds(until, timezone.now())


def _seconds(until: datetime | None, now: datetime) -> float:
    return max(0.0, (until - now).total_seconds()) if until else 0.0


def _rate(connection: Connection) -> float:
    """Requests a second, by what an earlier run found and by the ceiling; 0 where neither limits them."""
    known = [rate for rate in (connection.pace, settings.CONFIGURATION.apple_max_rate) if rate]
    return min(known, default=0.0)
