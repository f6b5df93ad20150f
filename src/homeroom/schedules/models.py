"""What every row has that comes by a schedule. There is no table of its own."""

from datetime import datetime, tzinfo
from functools import lru_cache

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from homeroom.schedules.fields import ScheduleField
from homeroom.schedules.schedule import LONGEST, Schedule


class Scheduled(models.Model):
    """No time of the next turn is stored: it follows from what is here, and is never stale."""

    schedule = ScheduleField(_("schedule"), max_length=LONGEST)
    scheduled_since = models.DateTimeField(
        default=timezone.now, editable=False, help_text="Turns before are not made up for."
    )
    last_turn_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text="When the schedule last had its turn; what came due before is done.",
    )
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        abstract = True

    @property
    def next_turn_at(self) -> datetime | None:
        """Past while no worker has taken the turn up; None where none will come."""
        if not self.active:
            return None
        since = self.last_turn_at or self.scheduled_since
        return _turn_after(since, self.schedule, timezone.get_default_timezone())

    def reschedule(self, schedule: Schedule) -> None:
        """The new schedule counts from now. The same one goes on as it was, so that no turn is lost. Not saved."""
        if schedule != self.schedule:
            self.schedule = schedule
            self.scheduled_since, self.last_turn_at = timezone.now(), None


@lru_cache(maxsize=4096)
def _turn_after(since: datetime, schedule: Schedule, zone: tzinfo) -> datetime | None:
    """Kept, since workers ask for the same turns once a second."""
    return schedule.next_after(since, zone)
