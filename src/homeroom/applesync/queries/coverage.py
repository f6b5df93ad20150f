"""When the coverage of every device will have been checked, and what waits for its turn."""

from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from homeroom.accounts.policy import Permission, Viewer
from homeroom.applesync.models import AppleDevice, Connection, SyncRun
from homeroom.applesync.pipeline.queue import Day, waiting
from homeroom.insurance.queries import today
from homeroom.web.counts import written


def coverage_sync_has_stopped() -> Exists:
    """Of an insurance record: its device belongs to a connection that is not active, or leaves coverage alone."""
    stopped = Q(connection__active=False) | Q(connection__sync_coverage=False)
    return Exists(AppleDevice.objects.filter(stopped, device=OuterRef("device")))


@dataclass(frozen=True, slots=True)
class Outlook:
    """Of the devices that are matched and on Apple's list. `turns` is how many days it takes to ask for all."""

    devices: int
    checked: int
    complete_on: date | None
    turns: int
    waiting: int

    @property
    def sentence(self) -> str:
        numbers = {"devices": written(self.devices), "checked": written(self.checked), "turns": self.turns}
        if self.complete_on is not None:
            told = _(
                "Coverage of all %(devices)s devices will have been checked by %(day)s at the present pace; "
                "so far %(checked)s."
            ) % (numbers | {"day": date_format(self.complete_on, "DATE_FORMAT")})
        else:
            told = _(
                "Coverage of all %(devices)s devices has been checked. Each has its turn every %(turns)d days."
            ) % (numbers)
        if self.waiting:
            told += " " + ngettext(
                "%(waiting)s check is beyond today's budget and waits for the next day.",
                "%(waiting)s checks are beyond today's budget and wait for the next day, the oldest first.",
                self.waiting,
            ) % {"waiting": written(self.waiting)}
        return told


def coverage_outlook(viewer: Viewer, connection: Connection) -> Outlook | None:
    """None where nothing is synced: no device, coverage switched off, a deactivated connection."""
    if not (viewer.may(Permission.VIEW_SYNC) and connection.active and connection.sync_coverage):
        return None
    day = Day(connection.pk, today())
    devices = day.devices.count()
    if not devices:
        return None
    checked = day.devices.filter(device__coverage_check__succeeded_at__isnull=False).count()
    cap = settings.CONFIGURATION.coverage_daily_budget
    return Outlook(
        devices=devices,
        checked=checked,
        complete_on=_complete_on(connection, day, devices - checked),
        turns=max(day.cycle, ceil(devices / cap)) if cap else day.cycle,
        waiting=waiting(day),
    )


def _complete_on(connection: Connection, day: Day, left: int) -> date | None:
    """By the pace of the sync at work or the last one, and by the budget if one is configured, a sync each day."""
    if not left:
        return None
    pace = _pace(connection)
    by_pace = timezone.localdate(timezone.now() + timedelta(seconds=left / pace)) if pace else day.today
    cap = settings.CONFIGURATION.coverage_daily_budget
    days = ceil(max(0, left - day.left_of_cap) / cap) if cap else 0
    return max(by_pace, day.today + timedelta(days=days))


def _pace(connection: Connection) -> float | None:
    """Requests a second; None where no limit is known."""
    working = SyncRun.objects.filter(connection=connection, state=SyncRun.State.RUNNING)
    rate = working.values_list("rate", flat=True).first()
    ceiling: float = settings.CONFIGURATION.apple_max_rate
    return rate or connection.pace or ceiling or None
