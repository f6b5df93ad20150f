"""When something comes again: what people choose, the line of text that says it, and when its turns come.

A turn is a time on the district's clock. Where clocks change, one that is skipped comes when the clock has
jumped, and one that occurs twice comes the first time: each runs exactly once.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, tzinfo

from cronsim import CronSim, CronSimError
from django.db import models
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.formats import time_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

HOURS = (1, 2, 3, 4, 6, 8, 12)
"""Between turns that come several times a day: what divides a day evenly."""
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
"""As a schedule's text names them; their numbers are Python's."""
ALWAYS_THERE, LONGEST_MONTH = 28, 31
"""Every month has a 28th; what comes on a later day comes on the last one of a month that lacks it."""
LONGEST = 100
AT_NIGHT = time(2)

_TIME = r"(?: (?P<hour>\d{1,2}):(?P<minute>\d{2}))?"
_WORDS = re.compile(rf"(?P<rhythm>nightly|daily|weekdays){_TIME}", re.ASCII)
_WEEKLY = re.compile(rf"weekly (?P<day>[a-z]+){_TIME}", re.ASCII)
_MONTHLY = re.compile(rf"monthly (?P<day>\d{{1,2}}){_TIME}", re.ASCII)
_HOURS = re.compile(r"every (?:(?P<hours>\d{1,2}) )?hours?", re.ASCII)
_ANY_TIME = {0: "0-59", 1: "0-23"}
_NEVER_COMES_FROM = datetime(2000, 1, 1, tzinfo=UTC)


class Unreadable(ValueError):  # noqa: N818 - the text is a sentence for people
    """Says why a text is no schedule."""


class Rhythm(models.TextChoices):
    NIGHTLY = "nightly", gettext_lazy("Every night")
    DAILY = "daily", gettext_lazy("Every day")
    WEEKDAYS = "weekdays", gettext_lazy("Monday to Friday")
    WEEKLY = "weekly", gettext_lazy("Once a week")
    MONTHLY = "monthly", gettext_lazy("Once a month")
    HOURS = "hours", gettext_lazy("Several times a day")
    CRON = "cron", gettext_lazy("By a cron expression")
    NEVER = "never", gettext_lazy("Never: only when someone starts it")


_IN_WORDS = {
    Rhythm.NIGHTLY: gettext_lazy("Every night at %(time)s"),
    Rhythm.DAILY: gettext_lazy("Every day at %(time)s"),
    Rhythm.WEEKDAYS: gettext_lazy("Monday to Friday at %(time)s"),
    Rhythm.WEEKLY: gettext_lazy("Every %(weekday)s at %(time)s"),
    Rhythm.CRON: gettext_lazy("By the cron expression %(cron)s"),
    Rhythm.NEVER: gettext_lazy("Only when someone starts it"),
}


@dataclass(frozen=True, slots=True)
class Schedule:
    """Made by `parse`, or by the name of its rhythm; `str` of it can be parsed again."""

    rhythm: Rhythm
    at: time | None = None
    hours: int | None = None
    cron: str = ""
    weekday: int | None = None
    day: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Schedule":
        """Read words or a cron expression. Raises Unreadable with a sentence for people."""
        words = " ".join(text.split())
        if len(words) > LONGEST:
            raise Unreadable(_("A schedule is not that long."))
        if words.lower() == Rhythm.NEVER:
            return cls.never()
        if found := _WORDS.fullmatch(words.lower()):
            return cls(Rhythm(found["rhythm"]), at=_read_time(found))
        if found := _WEEKLY.fullmatch(words.lower()):
            return cls.weekly(_read_weekday(found["day"]), _read_time(found))
        if found := _MONTHLY.fullmatch(words.lower()):
            return cls.monthly(int(found["day"]), _read_time(found))
        if found := _HOURS.fullmatch(words.lower()):
            return cls.every(int(found["hours"] or 1))
        return cls.by_cron(words)

    @classmethod
    def nightly(cls, at: time = AT_NIGHT) -> "Schedule":
        return cls(Rhythm.NIGHTLY, at=at)

    @classmethod
    def daily(cls, at: time = AT_NIGHT) -> "Schedule":
        return cls(Rhythm.DAILY, at=at)

    @classmethod
    def weekdays(cls, at: time = AT_NIGHT) -> "Schedule":
        return cls(Rhythm.WEEKDAYS, at=at)

    @classmethod
    def weekly(cls, weekday: int, at: time = AT_NIGHT) -> "Schedule":
        """On a day of the week, 0 for Monday."""
        return cls(Rhythm.WEEKLY, at=at, weekday=weekday)

    @classmethod
    def monthly(cls, day: int, at: time = AT_NIGHT) -> "Schedule":
        """On a day of the month, or the last one of a month that is shorter."""
        if not 1 <= day <= LONGEST_MONTH:
            raise Unreadable(_("%(day)d is no day of a month: choose 1 to 31.") % {"day": day})
        return cls(Rhythm.MONTHLY, at=at, day=day)

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
                    "“%(text)s” is no schedule. Write “nightly 02:00”, “weekdays 02:00”, “weekly monday 07:00”, "
                    "“monthly 1 07:00”, “every 6 hours”, “never”, or a cron expression of five fields: minute, hour, "
                    "day of month, month, day of week."
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
            case Rhythm.WEEKLY:
                return f"weekly {DAYS[self._weekday]} {self._time:%H:%M}"
            case Rhythm.MONTHLY:
                return f"monthly {self._day} {self._time:%H:%M}"
            case _:
                return f"{self.rhythm} {self._time:%H:%M}"

    @property
    def in_words(self) -> str:
        """As people read it, in their language."""
        if self.rhythm == Rhythm.HOURS:
            hours = self.hours or 1
            return ngettext("Every hour", "Every %(hours)d hours", hours) % {"hours": hours}
        sentence = self._monthly if self.rhythm == Rhythm.MONTHLY else _IN_WORDS[self.rhythm]
        told = {
            "time": time_format(self._time),
            "weekday": WEEKDAYS[self._weekday],
            "day": self._day,
            "cron": self.cron,
        }
        return str(sentence) % told

    def next_after(self, moment: datetime, zone: tzinfo) -> datetime | None:
        """The first turn after `moment`, in UTC; None if there is none."""
        if self.rhythm == Rhythm.NEVER:
            return None
        turns = (_first_after(moment, expression, zone) for expression in self._expressions)
        return min((turn for turn in turns if turn is not None), default=None)

    @property
    def _time(self) -> time:
        return self.at or AT_NIGHT

    @property
    def _weekday(self) -> int:
        return self.weekday or 0

    @property
    def _day(self) -> int:
        return self.day or 1

    @property
    def _monthly(self) -> str:
        if self._day == LONGEST_MONTH:
            return _("On the last day of each month at %(time)s")
        if self._day > ALWAYS_THERE:
            return _("On day %(day)d of each month, or else its last, at %(time)s")
        return _("On day %(day)d of each month at %(time)s")

    @property
    def _expressions(self) -> Iterator[str]:
        """As cron has them. Its turns are those of all."""
        match self.rhythm:
            case Rhythm.CRON:
                yield " ".join(map(_without_asterisk, range(5), self.cron.split()))
            case Rhythm.HOURS:
                yield f"0 0-23/{self.hours} * * *"
            case _:
                for days in self._days:
                    yield f"{self._time.minute} {self._time.hour} {days}"

    @property
    def _days(self) -> tuple[str, ...]:
        """The last three fields of its expressions."""
        match self.rhythm:
            case Rhythm.WEEKDAYS:
                return ("* * 1-5",)
            case Rhythm.WEEKLY:
                return (f"* * {DAYS[self._weekday][:3].upper()}",)
            case Rhythm.MONTHLY if self._day == LONGEST_MONTH:
                return ("L * *",)
            case Rhythm.MONTHLY if self._day > ALWAYS_THERE:
                return (f"{self._day} 1,3-12 *", "L 2 *")
            case Rhythm.MONTHLY:
                return (f"{self._day} * *",)
            case _:
                return ("* * *",)


def clock() -> str:
    """By whose turns come: the district's time zone, whoever looks."""
    return timezone.get_default_timezone_name().replace("_", " ")


def _first_after(moment: datetime, expression: str, zone: tzinfo) -> datetime | None:
    for turn in CronSim(expression, moment.astimezone(zone)):
        # A time that occurs twice is told as its first occurrence, which may be over.
        if (at := turn.astimezone(UTC)) > moment:
            return at
    return None


def _read_weekday(text: str) -> int:
    """By its name, or the first three letters of it."""
    for number, name in enumerate(DAYS):
        if text in (name, name[:3]):
            return number
    raise Unreadable(
        _("“%(text)s” is no day of the week: write one of %(days)s.")
        % {"text": text, "days": ", ".join(DAYS)}
    )


def _read_time(found: re.Match[str]) -> time:
    hour, minute = found["hour"], found["minute"]
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
