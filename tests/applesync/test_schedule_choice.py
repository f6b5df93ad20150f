"""Choosing a schedule: in the form, and on the command line."""

import json

import pytest
from click.testing import CliRunner, Result
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from homeroom.applesync.models import Connection
from homeroom.config.cli import main
from homeroom.schedules.schedule import HOURS, Rhythm, Schedule
from tests.applesync import keys
from tests.applesync.account import form_values, make_connection

ACTIVATE = reverse("applesync:activate")


def configure(*options: str) -> Result:
    return CliRunner().invoke(main, ["apple", "configure", "--name", "District", *options])


@pytest.mark.parametrize(
    ("chosen", "kept"),
    [
        ({}, "nightly 02:00"),
        ({"schedule_at": "23:30"}, "nightly 23:30"),
        ({"schedule_at": "00:00"}, "nightly 00:00"),
        ({"schedule_rhythm": "weekdays", "schedule_at": "04:15"}, "weekdays 04:15"),
        *(
            ({"schedule_rhythm": "hours", "schedule_hours": str(hours)}, str(Schedule.every(hours)))
            for hours in HOURS
        ),
        ({"schedule_rhythm": "cron", "schedule_cron": " 30 2 * *  1-5"}, "30 2 * * 1-5"),
        ({"schedule_rhythm": "never"}, "never"),
        ({"schedule_rhythm": "never", "schedule_at": "", "schedule_cron": "nonsense"}, "never"),
        ({"schedule_rhythm": "never", "schedule_at": "25:00", "schedule_hours": "5"}, "never"),
        ({"schedule_weekday": "9", "schedule_day": "32", "schedule_cron": "x" * 200}, "nightly 02:00"),
    ],
)
def test_the_form_keeps_what_is_chosen_and_shows_it_again(
    as_administrator: Client, chosen: dict[str, str], kept: str
) -> None:
    as_administrator.post(ACTIVATE, form_values(private_key=keys.p256(), **chosen))
    connection = Connection.objects.get()
    assert str(connection.schedule) == kept
    url = reverse("applesync:connection-edit", args=[connection.pk])
    form = as_administrator.get(url).context["form"]
    shown = {field.name: field.value() or "" for field in form if field.name.startswith("schedule")}
    as_administrator.post(url, form_values(**{name: _typed(value) for name, value in shown.items()}))
    assert str(Connection.objects.get().schedule) == kept


def _typed(value: object) -> str:
    return f"{value:%H:%M}" if hasattr(value, "hour") else str(value)


@pytest.mark.parametrize(
    ("chosen", "field", "said"),
    [
        ({"schedule_rhythm": "sometimes"}, "schedule_rhythm", "not one of the available choices"),
        ({"schedule_rhythm": "monthly"}, "schedule_rhythm", "not one of the available choices"),
        ({"schedule_at": ""}, "schedule_at", "Choose a time."),
        ({"schedule_at": "25:00"}, "schedule_at", "valid time"),
        ({"schedule_rhythm": "hours", "schedule_hours": "5"}, "schedule_hours", "valid choice"),
        ({"schedule_rhythm": "hours", "schedule_hours": ""}, "schedule_hours", "Choose how often."),
        ({"schedule_rhythm": "cron"}, "schedule_cron", "cron expression of five fields"),
        ({"schedule_rhythm": "cron", "schedule_cron": "0 0 31 2 *"}, "schedule_cron", "day-of-month"),
    ],
)
def test_the_form_says_at_the_field_what_is_wrong(
    as_administrator: Client, chosen: dict[str, str], field: str, said: str
) -> None:
    response = as_administrator.post(ACTIVATE, form_values(private_key=keys.p256(), **chosen))
    assert response.status_code == 422
    errors = response.context["form"].errors[field]
    assert len(errors) == 1
    assert said in errors[0]
    assert not Connection.objects.exists()


def test_pages_say_the_schedule_the_next_sync_and_the_districts_time_zone(
    as_administrator: Client, settings: Settings
) -> None:
    settings.TIME_ZONE = "America/New_York"
    connection = make_connection(schedule=Schedule.weekdays())
    page = as_administrator.get(connection.get_absolute_url()).content.decode()
    assert "Monday to Friday at 2 a.m." in page
    assert "America/New_York" in page
    assert ", 2 a.m." in page
    assert "next sync" in page
    assert "next sync" in as_administrator.get(reverse("applesync:mdm-settings")).content.decode()
    Connection.objects.update(schedule=Schedule.never())
    page = as_administrator.get(connection.get_absolute_url()).content.decode()
    assert "None planned" in page
    assert "next sync" not in page


@pytest.mark.parametrize(
    "typed", ["nightly 03:00", "weekdays 02:00", "every 6 hours", "never", "30 2 * * 1-5"]
)
@pytest.mark.django_db
def test_the_command_line_takes_words_and_cron_expressions(typed: str) -> None:
    make_connection()
    result = configure("--schedule", typed, "--json")
    assert result.exit_code == 0, result.output
    row = json.loads(result.stdout)
    assert row["schedule"] == typed
    assert (row["next_run_at"] is None) == (typed == Rhythm.NEVER)


@pytest.mark.django_db
def test_the_command_line_leaves_a_schedule_that_is_not_named() -> None:
    make_connection(schedule=Schedule.every(6))
    assert configure("--key-id", "other").exit_code == 0
    assert Connection.objects.get().schedule == Schedule.every(6)


@pytest.mark.parametrize("typed", ["now and then", "monthly 1 02:00"])
@pytest.mark.django_db
def test_what_is_no_schedule_of_a_sync_is_wrong_use(typed: str) -> None:
    make_connection()
    result = configure("--schedule", typed)
    assert result.exit_code == 2
    assert "nightly 02:00" in result.stderr
    assert Connection.objects.get().schedule == Schedule.nightly()
