from django.apps import AppConfig


class AppleSyncConfig(AppConfig):
    name = "homeroom.applesync"
