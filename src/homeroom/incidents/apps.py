from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.policy import Permission
from homeroom.web.navigation import Page, add_to_menu, add_to_settings


class IncidentsConfig(AppConfig):
    name = "homeroom.incidents"

    def ready(self) -> None:
        from homeroom.incidents.dashboard import register_on_dashboard
        from homeroom.incidents.exports import register_incidents
        from homeroom.incidents.panels import show_incidents_elsewhere
        from homeroom.incidents.queries import devices_at_apple
        from homeroom.incidents.shipping.columns import register_shipping
        from homeroom.incidents.timeline import register_sentences
        from homeroom.incidents.verbs.overdue import OVERDUE_AT_APPLE
        from homeroom.inventory.visibility import widen_visibility
        from homeroom.notifications.kinds import register_kind

        post_migrate.connect(_add_default_statuses, sender=self)
        widen_visibility(devices_at_apple)
        register_shipping()
        register_kind(OVERDUE_AT_APPLE)
        add_to_menu(
            Page(
                _("At Apple"),
                "incidents:at-apple",
                icon="truck-delivery",
                permission=Permission.VIEW_INCIDENTS,
                order=45,
            )
        )
        register_incidents()
        register_on_dashboard()
        register_sentences()
        show_incidents_elsewhere()
        add_to_menu(
            Page(
                _("Incidents"),
                "incidents:incidents",
                icon="tool",
                permission=Permission.VIEW_INCIDENTS,
                order=35,
            )
        )
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
