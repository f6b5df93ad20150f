"""Choosing a schedule: the fields that every form with one has, drawn by `schedules/_fields.html`."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from homeroom.schedules.schedule import (
    AT_NIGHT,
    HOURS,
    LONGEST,
    LONGEST_MONTH,
    Rhythm,
    Schedule,
    Unreadable,
    clock,
)

NEEDED = {
    Rhythm.NIGHTLY: ("schedule_at",),
    Rhythm.DAILY: ("schedule_at",),
    Rhythm.WEEKDAYS: ("schedule_at",),
    Rhythm.WEEKLY: ("schedule_weekday", "schedule_at"),
    Rhythm.MONTHLY: ("schedule_day", "schedule_at"),
    Rhythm.HOURS: ("schedule_hours",),
    Rhythm.CRON: ("schedule_cron",),
}
"""What a rhythm needs to know besides. What it does not need is not looked at."""


def _needed_by(rhythms: Iterable[Rhythm]) -> set[str]:
    return {name for rhythm in rhythms for name in NEEDED.get(rhythm, ())}


_ALL = _needed_by(Rhythm)


class ScheduleFields(forms.Form):
    """A rhythm, and what that rhythm needs to know. A form that is one too says which rhythms it offers."""

    rhythms: ClassVar[Sequence[Rhythm]] = tuple(Rhythm)
    rhythm_label: ClassVar[str | Promise] = _("Rhythm")

    schedule_rhythm = forms.ChoiceField()
    schedule_weekday = forms.TypedChoiceField(
        label=_("Day of the week"),
        required=False,
        coerce=int,
        empty_value=None,
        initial=0,
        choices=list(WEEKDAYS.items()),
    )
    schedule_day = forms.TypedChoiceField(
        label=_("Day of the month"),
        required=False,
        coerce=int,
        empty_value=None,
        initial=1,
        choices=[
            *((day, str(day)) for day in range(1, LONGEST_MONTH)),
            (LONGEST_MONTH, _("31: the last day")),
        ],
        help_text=_("In a month that is shorter, it is the last day."),
    )
    schedule_at = forms.TimeField(
        label=_("Time"),
        required=False,
        initial=AT_NIGHT,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    schedule_hours = forms.TypedChoiceField(
        label=_("How often"),
        required=False,
        coerce=int,
        empty_value=None,
        initial=6,
        choices=lambda: [(hours, Schedule.every(hours).in_words) for hours in HOURS],
        help_text=_("Counted from midnight."),
    )
    schedule_cron = forms.CharField(
        label=_("Cron expression"),
        required=False,
        max_length=LONGEST,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
                "class": "text-mono",
                "placeholder": "30 2 * * 1-5",
            }
        ),
        help_text=_(
            "Five fields: minute, hour, day of month, month, day of week. Each time on the clock runs exactly once, "
            "also when clocks change."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rhythm = self.fields["schedule_rhythm"]
        assert isinstance(rhythm, forms.ChoiceField)  # noqa: S101 - it is declared above
        rhythm.choices = [(each.value, each.label) for each in self.rhythms]
        rhythm.initial = self.rhythms[0]
        rhythm.label = str(self.rhythm_label)
        for name in _ALL - _needed_by(self.rhythms):
            del self.fields[name]

    @property
    def zone(self) -> str:
        return clock()

    @staticmethod
    def fields_of(schedule: Schedule) -> dict[str, Any]:
        """The initial values that show this schedule."""
        shown = {
            "schedule_rhythm": schedule.rhythm,
            "schedule_weekday": schedule.weekday,
            "schedule_day": schedule.day,
            "schedule_at": schedule.at,
            "schedule_hours": schedule.hours,
            "schedule_cron": schedule.cron or None,
        }
        return {name: value for name, value in shown.items() if value is not None}

    def chosen_schedule(self) -> Schedule | None:
        """None, and an error at its field, where something is missing or wrong."""
        rhythm = self.cleaned_data.get("schedule_rhythm")
        self._pass_over_what_is_not_needed(rhythm)
        match rhythm:
            case Rhythm.HOURS:
                return self._every()
            case Rhythm.CRON:
                return self._by_cron()
            case Rhythm.NEVER:
                return Schedule.never()
            case None:
                return None
        return self._at(Rhythm(rhythm))

    def _pass_over_what_is_not_needed(self, rhythm: str | None) -> None:
        """A field that nobody sees must not refuse the form."""
        for name in _ALL - _needed_by([Rhythm(rhythm)] if rhythm else []):
            self.errors.pop(name, None)

    def _at(self, rhythm: Rhythm) -> Schedule | None:
        cleaned = self.cleaned_data
        at, weekday, day = (cleaned.get(f"schedule_{name}") for name in ("at", "weekday", "day"))
        if at is None:
            self._say("schedule_at", _("Choose a time."))
        if rhythm == Rhythm.WEEKLY and weekday is None:
            self._say("schedule_weekday", _("Choose a day of the week."))
        if rhythm == Rhythm.MONTHLY and day is None:
            self._say("schedule_day", _("Choose a day of the month."))
        if at is None or any(name in self.errors for name in NEEDED[rhythm]):
            return None
        return Schedule(
            rhythm,
            at=at.replace(second=0, microsecond=0),
            weekday=weekday if rhythm == Rhythm.WEEKLY else None,
            day=day if rhythm == Rhythm.MONTHLY else None,
        )

    def _every(self) -> Schedule | None:
        if hours := self.cleaned_data.get("schedule_hours"):
            return Schedule.every(hours)
        self._say("schedule_hours", _("Choose how often."))
        return None

    def _by_cron(self) -> Schedule | None:
        try:
            return Schedule.by_cron(self.cleaned_data.get("schedule_cron", ""))
        except Unreadable as error:
            self._say("schedule_cron", str(error))
            return None

    def _say(self, field: str, sentence: str | Promise) -> None:
        if field not in self.errors:
            self.add_error(field, str(sentence))
