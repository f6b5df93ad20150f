from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.policy import Permission
from homeroom.web.navigation import Page, add_to_settings


class IncidentsConfig(AppConfig):
    name = "homeroom.incidents"

    def ready(self) -> None:
        from homeroom.incidents.queries import devices_at_apple
        from homeroom.inventory.visibility import widen_visibility

        post_migrate.connect(_add_default_statuses, sender=self)
        widen_visibility(devices_at_apple)
        add_to_settings(
            Page(
                _("Incident statuses"),
                "incidents:statuses",
                icon="clipboard-list",
                permission=Permission.MANAGE_SETTINGS,
                order=40,
            )
        )


def _add_default_statuses(**_kwargs: Any) -> None:
    from homeroom.incidents.verbs.statuses import add_default_statuses

    add_default_statuses()
