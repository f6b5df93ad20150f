from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.policy import Permission
from homeroom.web.navigation import Page, add_to_settings


class AccountsConfig(AppConfig):
    name = "homeroom.accounts"

    def ready(self) -> None:
        add_to_settings(Page(_("Users"), "users", icon="users", permission=Permission.MANAGE_USERS, order=30))
        add_to_settings(
            Page(_("Audit trail"), "audit", icon="history", permission=Permission.VIEW_AUDIT, order=90)
        )
