from django.apps import AppConfig


class SchedulesConfig(AppConfig):
    """Without models: it is an app for its templates."""

    name = "homeroom.schedules"
