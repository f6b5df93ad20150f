"""The second step: a device that left Apple's list is asked for singly before anything is concluded."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from homeroom.applesync.models import AppleDevice, RunChange, SyncRun
from homeroom.applesync.pipeline import changes
from homeroom.applesync.pipeline.lease import Lease
from homeroom.applesync.pipeline.queue import Target
from homeroom.applesync.pipeline.seen import Seen

CHUNK = 5000


@dataclass(frozen=True, slots=True)
class Departure:
    """Apple no longer counts a device to the organization; since when, if it tells."""

    released_at: datetime | None


def rows_not_seen(run: SyncRun, seen: Seen) -> Iterator[AppleDevice]:
    """Rows that were on the list before this run, that its complete listing did not meet nor it asked for yet."""
    planned = planned_departures(run).values("serial_number")
    rows = AppleDevice.objects.filter(connection=run.connection_id, gone_since__isnull=True)
    last = 0
    while ids := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:CHUNK]):
        last = ids[-1]
        missed = [row_id for row_id in ids if row_id not in seen]
        yield from AppleDevice.objects.filter(pk__in=missed).exclude(serial_number__in=planned)


def plan_departure(run: SyncRun, lease: Lease, row: AppleDevice, departure: Departure) -> None:
    """Plan to mark a device as released or gone. Its link, details and insurance stay as they were last known."""
    released = departure.released_at
    before = {"gone_since": None, "released_at": row.released_at and row.released_at.isoformat()}
    after = {"gone_since": timezone.now().isoformat(), "released_at": released and released.isoformat()}
    with transaction.atomic():
        device_id = AppleDevice.objects.values_list("device_id", flat=True).get(pk=row.pk)
        entry = changes.of_device(
            RunChange.Action.GONE, row.serial_number, device_id, before=before, after=after
        )
        changes.write(run, [entry], state=RunChange.State.PLANNED)
        lease.renew()


def plan_departure_of(run: SyncRun, lease: Lease, serial_number: str, departure: Departure) -> None:
    """The same of a device that is listed, and was asked for because it is at Apple."""
    row = AppleDevice.objects.get(connection=run.connection_id, serial_number=serial_number)
    plan_departure(run, lease, row, departure)


def planned_departures(run: SyncRun) -> QuerySet[RunChange]:
    """The entries of devices that the run found to have left; applied at its end."""
    return RunChange.objects.order_by().filter(
        run=run, noun=RunChange.Noun.APPLE_DEVICE, action=RunChange.Action.GONE
    )


def still_there(run: SyncRun, targets: Sequence[Target]) -> list[Target]:
    """Without those that the run found to have left."""
    departures = planned_departures(run)
    if not departures.exists():
        return list(targets)
    left = departures.filter(serial_number__in=[target.serial_number for target in targets])
    departed = set(left.values_list("serial_number", flat=True))
    return [target for target in targets if target.serial_number not in departed]
