from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.policy import Permission
from homeroom.web.navigation import Page, add_to_menu, add_to_settings
from homeroom.web.notices import Source, register_notices


class AppleSyncConfig(AppConfig):
    name = "homeroom.applesync"

    def ready(self) -> None:
        from homeroom.applesync.exports import register_apple
        from homeroom.applesync.lists import add_apple_to_device_list
        from homeroom.applesync.notices import connections_in_need
        from homeroom.applesync.panels import apple_panel, why_panel
        from homeroom.applesync.reconciliation.reports import register_reconciliation
        from homeroom.inventory.profile import Panel, register_panel
        from homeroom.inventory.timeline import register_sentence

        register_apple()
        add_apple_to_device_list()
        register_reconciliation()
        register_sentence("device.refreshed", _("Refreshed from Apple"))
        register_panel(Panel(5, "applesync/why/_panel.html", why_panel))
        register_panel(Panel(10, "applesync/_panel.html", apple_panel))
        register_notices(Source(Permission.MANAGE_CONNECTIONS, connections_in_need))
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
            Page(
                _("Reconciliation"),
                "applesync:reconciliation",
                icon="git-compare",
                permission=Permission.VIEW_SYNC,
                order=50,
            )
        )
        add_to_menu(
            Page(_("Why?"), "applesync:why", icon="help-circle", permission=Permission.VIEW_SYNC, order=55)
        )
        add_to_menu(
            Page(_("Syncs"), "applesync:runs", icon="refresh", permission=Permission.VIEW_SYNC, order=60)
        )
