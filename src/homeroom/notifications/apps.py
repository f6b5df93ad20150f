from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.policy import Permission
from homeroom.web.navigation import Page, add_to_account_menu, add_to_settings


class NotificationsConfig(AppConfig):
    name = "homeroom.notifications"

    def ready(self) -> None:
        from homeroom.notifications.dashboard import register_mail

        register_mail()
        add_to_settings(
            Page(
                _("Email"),
                "notifications:email",
                icon="mail",
                permission=Permission.MANAGE_SETTINGS,
                order=35,
            )
        )
        add_to_account_menu(
            Page(
                _("Notifications"),
                "notifications:preferences",
                icon="bell",
                permission=Permission.OWN_ACCOUNT,
                order=20,
            )
        )
