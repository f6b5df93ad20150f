"""When a connection syncs: what people choose, the line of text that says it, and when its turns come.

A turn is a time on the district's clock. Where clocks change, one that is skipped comes when the clock has
jumped, and one that occurs twice comes the first time: each runs exactly once.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

from cronsim import CronSim, CronSimError
from django.db import models
from django.utils.formats import time_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

HOURS = (1, 2, 3, 4, 6, 8, 12)
"""Between syncs that come several times a day: what divides a day evenly."""
LONGEST = 100
AT_NIGHT = time(2)
SOONEST_ALARM = timedelta(hours=36)
TIME_TO_BEGIN = timedelta(hours=1)

_WORDS = re.compile(r"(?P<rhythm>nightly|weekdays)(?: (?P<hour>\d{1,2}):(?P<minute>\d{2}))?", re.ASCII)
_HOURS = re.compile(r"every (?:(?P<hours>\d{1,2}) )?hours?", re.ASCII)
_ANY_TIME = {0: "0-59", 1: "0-23"}
_NEVER_COMES_FROM = datetime(2000, 1, 1, tzinfo=UTC)


class Unreadable(ValueError):  # noqa: N818 - the text is a sentence for people
    """Says why a text is no schedule."""


class Rhythm(models.TextChoices):
    NIGHTLY = "nightly", gettext_lazy("Every night")
    WEEKDAYS = "weekdays", gettext_lazy("Monday to Friday")
    HOURS = "hours", gettext_lazy("Several times a day")
    CRON = "cron", gettext_lazy("By a cron expression")
    NEVER = "never", gettext_lazy("Never: only when someone starts it")


@dataclass(frozen=True, slots=True)
class Schedule:
    """Made by `parse`, `nightly`, `weekdays`, `every`, `by_cron` or `never`; `str` of it can be parsed again."""

    rhythm: Rhythm
    at: time | None = None
    hours: int | None = None
    cron: str = ""

    @classmethod
    def parse(cls, text: str) -> "Schedule":
        """Read words or a cron expression. Raises Unreadable with a sentence for people."""
        words = " ".join(text.split())
        if len(words) > LONGEST:
            raise Unreadable(_("A schedule is not that long."))
        if words.lower() == Rhythm.NEVER:
            return cls.never()
        if found := _WORDS.fullmatch(words.lower()):
            return cls(Rhythm(found["rhythm"]), at=_read_time(found["hour"], found["minute"]))
        if found := _HOURS.fullmatch(words.lower()):
            return cls.every(int(found["hours"] or 1))
        return cls.by_cron(words)

    @classmethod
    def nightly(cls, at: time = AT_NIGHT) -> "Schedule":
        return cls(Rhythm.NIGHTLY, at=at)

    @classmethod
    def weekdays(cls, at: time = AT_NIGHT) -> "Schedule":
        return cls(Rhythm.WEEKDAYS, at=at)

    @classmethod
    def every(cls, hours: int) -> "Schedule":
        if hours not in HOURS:
            choices = ", ".join(map(str, HOURS))
            raise Unreadable(_("Choose hours that divide a day evenly: %(choices)s.") % {"choices": choices})
        return cls(Rhythm.HOURS, hours=hours)

    @classmethod
    def by_cron(cls, text: str) -> "Schedule":
        schedule = cls(Rhythm.CRON, cron=" ".join(text.split()))
        if len(schedule.cron.split()) != 5:  # noqa: PLR2004 - cron has five fields
            raise Unreadable(
                _(
                    "“%(text)s” is no schedule. Write “nightly 02:00”, “weekdays 02:00”, “every 6 hours”, “never”, or "
                    "a cron expression of five fields: minute, hour, day of month, month, day of week."
                )
                % {"text": text}
            )
        try:
            if schedule.next_after(_NEVER_COMES_FROM, UTC) is None:
                raise Unreadable(_("“%(text)s” names a day that never comes.") % {"text": text})
        except CronSimError as error:
            raise Unreadable(
                _("“%(text)s” is no cron expression: %(error)s.")
                % {"text": text, "error": str(error).lower()}
            ) from None
        return schedule

    @classmethod
    def never(cls) -> "Schedule":
        return cls(Rhythm.NEVER)

    def __str__(self) -> str:
        match self.rhythm:
            case Rhythm.HOURS:
                return "every hour" if self.hours == 1 else f"every {self.hours} hours"
            case Rhythm.CRON:
                return self.cron
            case Rhythm.NEVER:
                return "never"
            case _:
                return f"{self.rhythm} {self._time:%H:%M}"

    @property
    def in_words(self) -> str:
        """As people read it, in their language."""
        match self.rhythm:
            case Rhythm.NIGHTLY:
                return _("Every night at %(time)s") % {"time": time_format(self._time)}
            case Rhythm.WEEKDAYS:
                return _("Monday to Friday at %(time)s") % {"time": time_format(self._time)}
            case Rhythm.HOURS:
                hours = self.hours or 1
                return ngettext("Every hour", "Every %(hours)d hours", hours) % {"hours": hours}
            case Rhythm.CRON:
                return _("By the cron expression %(cron)s") % {"cron": self.cron}
            case Rhythm.NEVER:
                return _("Only when someone starts it")

    def next_after(self, moment: datetime, zone: tzinfo) -> datetime | None:
        """The first turn after `moment`, in UTC; None if there is none."""
        if self.rhythm == Rhythm.NEVER:
            return None
        for turn in CronSim(self._expression, moment.astimezone(zone)):
            # A time that occurs twice is told as its first occurrence, which may be over.
            if (at := turn.astimezone(UTC)) > moment:
                return at
        return None

    def alarm_after(self, good: datetime, zone: tzinfo) -> datetime | None:
        """When to worry if no sync went well since `good`: two turns were missed, and 36 hours are over."""
        missed = self.next_after(good, zone)
        missed = missed and self.next_after(missed, zone)
        return missed and max(missed + TIME_TO_BEGIN, good + SOONEST_ALARM)

    @property
    def _time(self) -> time:
        return self.at or AT_NIGHT

    @property
    def _expression(self) -> str:
        match self.rhythm:
            case Rhythm.CRON:
                return " ".join(map(_without_asterisk, range(5), self.cron.split()))
            case Rhythm.HOURS:
                return f"0 0-23/{self.hours} * * *"
            case _:
                days = "1-5" if self.rhythm == Rhythm.WEEKDAYS else "*"
                return f"{self._time.minute} {self._time.hour} * * {days}"


def _read_time(hour: str | None, minute: str | None) -> time:
    if hour is None or minute is None:
        return AT_NIGHT
    try:
        return time(int(hour), int(minute))
    except ValueError:
        raise Unreadable(
            _("%(hour)s:%(minute)s is no time of day.") % {"hour": hour, "minute": minute}
        ) from None


def _without_asterisk(position: int, field: str) -> str:
    """An asterisk for hour or minute would mean real time to cron, which passes some clock times twice."""
    if position in _ANY_TIME and field.startswith("*"):
        return _ANY_TIME[position] + field[1:]
    return field
