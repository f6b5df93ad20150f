"""What is a sync's own about its schedule: the rhythms that it may have, and when to worry that it did not come."""

from datetime import datetime, timedelta, tzinfo

from django.utils.translation import gettext as _

from homeroom.schedules.schedule import Rhythm, Schedule, Unreadable

RHYTHMS = (Rhythm.NIGHTLY, Rhythm.WEEKDAYS, Rhythm.HOURS, Rhythm.CRON, Rhythm.NEVER)
SOONEST_ALARM = timedelta(hours=36)
TIME_TO_BEGIN = timedelta(hours=1)


def parse(text: str) -> Schedule:
    """As `Schedule.parse`, and refuses rhythms that syncs do not have."""
    schedule = Schedule.parse(text)
    if schedule.rhythm not in RHYTHMS:
        raise Unreadable(
            _(
                "Syncs do not come that way. Write “nightly 02:00”, “weekdays 02:00”, “every 6 hours”, “never”, or a "
                "cron expression."
            )
        )
    return schedule


def alarm_after(schedule: Schedule, good: datetime, zone: tzinfo) -> datetime | None:
    """When to worry if no sync went well since `good`: two turns were missed, and 36 hours are over."""
    missed = schedule.next_after(good, zone)
    missed = missed and schedule.next_after(missed, zone)
    return missed and max(missed + TIME_TO_BEGIN, good + SOONEST_ALARM)
