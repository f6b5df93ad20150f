"""A column that holds a schedule."""

from functools import lru_cache
from typing import Any

from django.db import models

from homeroom.schedules.schedule import Schedule


class ScheduleField(models.CharField[Schedule, Schedule]):
    """A schedule, kept as the text that says it."""

    def from_db_value(self, value: str, *_context: Any) -> Schedule:
        return _read(value)

    def to_python(self, value: str | Schedule) -> Schedule:
        return value if isinstance(value, Schedule) else Schedule.parse(value)

    def get_prep_value(self, value: Any) -> str:
        return str(value)

    def run_validators(self, value: Any) -> None:
        super().run_validators(str(value))

    def value_to_string(self, obj: models.Model) -> str:
        return str(self.value_from_object(obj))


@lru_cache(maxsize=1024)
def _read(text: str) -> Schedule:
    """Kept, since workers read the same rows once a second."""
    return Schedule.parse(text)
