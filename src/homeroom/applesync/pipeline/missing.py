"""The second step: a device that left Apple's list is asked for singly before anything is concluded."""

from collections.abc import Iterator
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from appleschool import AppleSchool, NotFound
from homeroom.applesync.models import AppleDevice, RunNote, SyncRun
from homeroom.applesync.pipeline.lease import Lease
from homeroom.applesync.pipeline.seen import Seen

CHUNK = 5000


def rows_not_seen(run: SyncRun, seen: Seen) -> Iterator[AppleDevice]:
    """Rows that were on the list before this run and that its complete listing did not meet."""
    rows = AppleDevice.objects.filter(connection=run.connection_id, gone_since__isnull=True)
    last = 0
    while ids := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:CHUNK]):
        last = ids[-1]
        yield from AppleDevice.objects.filter(pk__in=[row_id for row_id in ids if row_id not in seen])


async def released_at(apple: AppleSchool, serial_number: str) -> tuple[bool, datetime | None]:
    """Whether Apple no longer counts the device to the organization, and since when if it tells."""
    try:
        device = await apple.org_device(serial_number)
    except NotFound:
        return True, None
    return device.released_from_org_at is not None, device.released_from_org_at


def store_gone(run: SyncRun, lease: Lease, row: AppleDevice, released: datetime | None) -> None:
    """Note that a device left the organization. Its link, details and insurance stay as they were last known."""
    with transaction.atomic():
        AppleDevice.objects.filter(pk=row.pk).update(gone_since=timezone.now(), released_at=released)
        RunNote.objects.create(
            run=run,
            kind=RunNote.Kind.RELEASED if released else RunNote.Kind.GONE,
            serial_number=row.serial_number,
            device_id=row.device_id,
            text=_("Apple released it from the organization.")
            if released
            else _("Apple no longer knows it in this organization."),
        )
        lease.renew(gone=F("gone") + 1, problems=F("problems") + 1)
