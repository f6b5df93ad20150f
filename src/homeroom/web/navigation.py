"""What stands in the main menu. Apps register their pages; the shell only draws them."""

from dataclasses import dataclass

from django.utils.functional import Promise


@dataclass(frozen=True, slots=True)
class Page:
    label: str | Promise
    url_name: str
    icon: str
    permission: str
    order: int
    group: str | Promise = ""
    """A heading of the menu, above pages that stand together."""


_menu: list[Page] = []
_settings: list[Page] = []


def add_to_menu(page: Page) -> None:
    _menu.append(page)


def add_to_settings(page: Page) -> None:
    """Register a page of System Settings."""
    _settings.append(page)


def menu() -> list[Page]:
    return sorted(_menu, key=lambda page: page.order)


def settings_pages() -> list[Page]:
    return sorted(_settings, key=lambda page: page.order)
