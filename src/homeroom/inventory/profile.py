"""The registry of profiles, a device's and a person's: higher apps put their panels and buttons on the page."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise

from homeroom.accounts.policy import Permission, Viewer
from homeroom.inventory.models import Device, Person

PanelContext = Callable[[Viewer, Device], Mapping[str, Any] | None]
PersonPanelContext = Callable[[Viewer, Person], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of the profile. `context` may answer None: the device has nothing of the kind to show.

    The template is also given `device` and `viewer`. Panels stand in the main column, lowest order first.
    """

    order: int
    template: str
    context: PanelContext


@dataclass(frozen=True, slots=True)
class PersonPanel:
    """The same, of a person's page; its template is given `person`."""

    order: int
    template: str
    context: PersonPanelContext


@dataclass(frozen=True, slots=True)
class ProfileAction:
    """A button at the head of the device's profile. The page it leads to takes the device's key."""

    label: str | Promise
    url_name: str
    icon: str
    permission: Permission
    order: int


@dataclass(frozen=True, slots=True)
class FilledPanel:
    template: str
    values: Mapping[str, Any]


_panels: list[Panel] = []
_person_panels: list[PersonPanel] = []
_actions: list[ProfileAction] = []


def register_panel(panel: Panel) -> None:
    """Called once, in `AppConfig.ready()`."""
    _panels.append(panel)


def register_person_panel(panel: PersonPanel) -> None:
    """Called once, in `AppConfig.ready()`."""
    _person_panels.append(panel)


def register_action(action: ProfileAction) -> None:
    """Called once, in `AppConfig.ready()`."""
    _actions.append(action)


def panels_of(viewer: Viewer, device: Device) -> Iterator[FilledPanel]:
    for panel in sorted(_panels, key=lambda panel: panel.order):
        values = panel.context(viewer, device)
        if values is not None:
            yield FilledPanel(panel.template, values)


def panels_of_person(viewer: Viewer, person: Person) -> Iterator[FilledPanel]:
    for panel in sorted(_person_panels, key=lambda panel: panel.order):
        values = panel.context(viewer, person)
        if values is not None:
            yield FilledPanel(panel.template, values)


def actions_for(viewer: Viewer) -> list[ProfileAction]:
    return [
        action
        for action in sorted(_actions, key=lambda action: action.order)
        if viewer.may(action.permission)
    ]
