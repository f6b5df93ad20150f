"""Whose coverage is asked for in a run, and in what order."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Mod
from django.utils import timezone

from homeroom.applesync.models import AppleDevice, SyncRun

CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Target:
    """A device whose coverage is to be asked for."""

    row_id: int
    serial_number: str
    device_id: int


def due(run: SyncRun, today: date) -> QuerySet[AppleDevice]:
    """Matched devices of the run's connection whose coverage is to be asked for, and was not yet in this run.

    Due is what was never answered, what changed at Apple since, what is older than the longest age, and the
    share of the day: each device has its day by its row id, so that the load is even over those days.
    """
    days = settings.CONFIGURATION.coverage_max_age_days
    checked = "device__coverage_check__succeeded_at"
    midnight = timezone.make_aware(
        datetime.combine(today, datetime.min.time()), timezone.get_default_timezone()
    )
    return (
        AppleDevice.objects.filter(
            connection=run.connection_id, device__isnull=False, gone_since__isnull=True
        )
        .annotate(day=Mod("pk", days))
        .filter(
            Q(**{f"{checked}__isnull": True})
            | Q(updated_at__gt=F(checked))
            | Q(**{f"{checked}__lt": midnight - timedelta(days=days - 1)})
            | Q(**{f"{checked}__lt": midnight}, day=today.toordinal() % days)
        )
        .exclude(device__coverage_check__attempted_at__gte=run.started_at)
    )


def next_targets(run: SyncRun, today: date, *, after: Target | None) -> list[Target]:
    """The next ones in the queue behind `after`."""
    rows = due(run, today).filter(pk__gt=after.row_id if after else 0).order_by("pk")
    return [Target(*row) for row in rows.values_list("pk", "serial_number", "device_id")[:CHUNK]]
