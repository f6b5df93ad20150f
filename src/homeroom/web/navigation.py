"""What stands in the menus. Apps register their pages; the shell only draws them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise


@dataclass(frozen=True, slots=True)
class Page:
    label: str | Promise
    url_name: str
    icon: str
    permission: str
    order: int
    waiting: Callable[[Any], int] | None = None
    """How much waits there for the viewer. Asked for on every page, so it costs one small query."""
    group: str | Promise = ""
    """A heading of the menu, above pages that stand together."""


_menu: list[Page] = []
_settings: list[Page] = []
_account: list[Page] = []


def add_to_menu(page: Page) -> None:
    _menu.append(page)


def add_to_settings(page: Page) -> None:
    """Register a page of System Settings."""
    _settings.append(page)


def add_to_account_menu(page: Page) -> None:
    """Register a page about the person who is signed in. The menu shows no icons."""
    _account.append(page)


def menu() -> list[Page]:
    return sorted(_menu, key=lambda page: page.order)


def settings_pages() -> list[Page]:
    return sorted(_settings, key=lambda page: page.order)


def account_pages() -> list[Page]:
    return sorted(_account, key=lambda page: page.order)
