from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.policy import Permission
from homeroom.web.navigation import Page, add_to_account_menu, add_to_settings
from homeroom.web.notices import Source, register_notices


class NotificationsConfig(AppConfig):
    name = "homeroom.notifications"

    def ready(self) -> None:
        from homeroom.notifications.notices import mail_in_need

        register_notices(Source(Permission.MANAGE_SETTINGS, mail_in_need))
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
