from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.policy import Permission
from homeroom.web.navigation import Page, add_to_account_menu, add_to_menu, add_to_settings


class AccountsConfig(AppConfig):
    name = "homeroom.accounts"

    def ready(self) -> None:
        from homeroom.accounts.dashboard import register_accounts

        register_accounts()
        add_to_menu(Page(_("Dashboard"), "home", icon="home", permission=Permission.OWN_ACCOUNT, order=0))
        add_to_settings(Page(_("Users"), "users", icon="users", permission=Permission.MANAGE_USERS, order=30))
        add_to_settings(
            Page(_("Audit trail"), "audit", icon="history", permission=Permission.VIEW_AUDIT, order=90)
        )
        own = Permission.OWN_ACCOUNT
        add_to_account_menu(Page(_("Your preferences"), "preferences", icon="user", permission=own, order=10))
        add_to_account_menu(
            Page(_("Change password"), "account_change_password", icon="lock", permission=own, order=30)
        )
        add_to_account_menu(Page(_("API tokens"), "tokens", icon="key", permission=own, order=40))
