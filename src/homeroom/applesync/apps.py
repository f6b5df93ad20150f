from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.policy import Permission
from homeroom.web.navigation import Page, add_to_menu, add_to_settings


class AppleSyncConfig(AppConfig):
    name = "homeroom.applesync"

    def ready(self) -> None:
        add_to_settings(
            Page(
                _("MDM Settings"),
                "applesync:mdm-settings",
                icon="device-mobile-cog",
                permission=Permission.MANAGE_CONNECTIONS,
                order=10,
            )
        )
        add_to_menu(
            Page(_("Syncs"), "applesync:runs", icon="refresh", permission=Permission.VIEW_SYNC, order=60)
        )
