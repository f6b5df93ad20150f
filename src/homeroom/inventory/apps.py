from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class InventoryConfig(AppConfig):
    name = "homeroom.inventory"

    def ready(self) -> None:
        from homeroom.inventory.exports.nouns import register_inventory

        post_migrate.connect(_add_default_statuses, sender=self)
        register_inventory()


def _add_default_statuses(**_kwargs: Any) -> None:
    from homeroom.inventory.verbs.statuses import add_default_statuses

    add_default_statuses()
