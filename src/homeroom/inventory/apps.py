from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class InventoryConfig(AppConfig):
    name = "homeroom.inventory"

    def ready(self) -> None:
        from homeroom.accounts.policy import Permission
        from homeroom.inventory.dashboard import register_on_dashboard
        from homeroom.inventory.exports.nouns import register_inventory
        from homeroom.web.navigation import Page, add_to_menu, add_to_settings

        post_migrate.connect(_add_default_statuses, sender=self)
        post_migrate.connect(_keep_word_indexes, sender=self)
        register_inventory()
        register_on_dashboard()
        see, manage = Permission.VIEW_INVENTORY, Permission.MANAGE_SETTINGS
        add_to_menu(Page(_("Devices"), "inventory:devices", icon="devices", permission=see, order=10))
        add_to_menu(Page(_("People"), "inventory:people", icon="users", permission=see, order=20))
        add_to_menu(Page(_("Sites"), "inventory:sites", icon="building-community", permission=see, order=30))
        add_to_settings(
            Page(_("Device statuses"), "inventory:device-statuses", icon="tags", permission=manage, order=30)
        )
        add_to_menu(
            Page(_("Import"), "inventory:imports", icon="file-import", permission=Permission.IMPORT, order=80)
        )


def _add_default_statuses(**_kwargs: Any) -> None:
    from homeroom.inventory.verbs.statuses import add_default_statuses

    add_default_statuses()


def _keep_word_indexes(using: str, **_kwargs: Any) -> None:
    from homeroom.inventory.words import keep_word_indexes

    keep_word_indexes(using)
