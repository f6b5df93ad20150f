from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.policy import Permission
from homeroom.web.navigation import Page, add_to_settings


class IncidentsConfig(AppConfig):
    name = "homeroom.incidents"

    def ready(self) -> None:
        add_to_settings(
            Page(
                _("Incident statuses"),
                "incidents:statuses",
                icon="clipboard-list",
                permission=Permission.MANAGE_SETTINGS,
                order=40,
            )
        )
