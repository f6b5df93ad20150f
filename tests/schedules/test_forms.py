"""Choosing a schedule in a form: only what the rhythm needs is asked, and only that can be wrong."""

import pytest

from homeroom.schedules.forms import ScheduleFields
from homeroom.schedules.schedule import Rhythm, Schedule


def form_of(**values: str) -> ScheduleFields:
    form = ScheduleFields({f"schedule_{name}": value for name, value in values.items()})
    form.is_valid()
    return form


@pytest.mark.parametrize(
    "text",
    [
        "nightly 02:00",
        "daily 07:00",
        "weekdays 00:00",
        "weekly monday 07:00",
        "weekly sunday 23:59",
        "monthly 1 06:30",
        "monthly 31 06:30",
        "every 6 hours",
        "30 2 * * 1-5",
        "never",
    ],
)
def test_what_the_form_shows_of_a_schedule_is_that_schedule_again(text: str) -> None:
    schedule = Schedule.parse(text)
    shown = {
        name.removeprefix("schedule_"): f"{value:%H:%M}" if hasattr(value, "hour") else str(value)
        for name, value in ScheduleFields.fields_of(schedule).items()
    }
    form = form_of(**shown)
    assert form.chosen_schedule() == schedule
    assert not form.errors


@pytest.mark.parametrize(
    ("chosen", "field", "said"),
    [
        ({"rhythm": "weekly", "at": "07:00"}, "schedule_weekday", "Choose a day of the week."),
        ({"rhythm": "weekly", "weekday": "7", "at": "07:00"}, "schedule_weekday", "valid choice"),
        ({"rhythm": "monthly", "at": "07:00"}, "schedule_day", "Choose a day of the month."),
        ({"rhythm": "monthly", "day": "32", "at": "07:00"}, "schedule_day", "valid choice"),
        ({"rhythm": "monthly", "day": "1", "at": ""}, "schedule_at", "Choose a time."),
    ],
)
def test_it_says_at_the_field_what_is_missing(chosen: dict[str, str], field: str, said: str) -> None:
    form = form_of(**chosen)
    assert form.chosen_schedule() is None
    assert list(form.errors) == [field]
    assert said in form.errors[field][0]


@pytest.mark.parametrize("rhythm", Rhythm.values)
def test_a_field_that_the_rhythm_does_not_need_refuses_nothing(rhythm: str) -> None:
    right = {"weekday": "0", "day": "31", "at": "07:00", "hours": "6", "cron": "30 2 * * 1-5"}
    wrong = {"weekday": "9", "day": "32", "at": "25:00", "hours": "5", "cron": "x" * 200}
    expected = form_of(rhythm=rhythm, **right).chosen_schedule()
    shown = {
        name.removeprefix("schedule_") for name in ScheduleFields.fields_of(expected or Schedule.never())
    }
    form = form_of(**{name: right[name] if name in shown else wrong[name] for name in right}, rhythm=rhythm)
    assert form.chosen_schedule() == expected is not None
    assert not form.errors
