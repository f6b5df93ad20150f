"""The device profile's registry: higher apps put their panels on the page without the page knowing them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from homeroom.accounts.policy import Viewer
from homeroom.inventory.models import Device

PanelContext = Callable[[Viewer, Device], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of the profile. `context` may answer None: the device has nothing of the kind to show.

    The template is also given `device` and `viewer`. Panels stand in the main column, lowest order first.
    """

    order: int
    template: str
    context: PanelContext


@dataclass(frozen=True, slots=True)
class FilledPanel:
    template: str
    values: Mapping[str, Any]


_panels: list[Panel] = []


def register_panel(panel: Panel) -> None:
    """Called once, in `AppConfig.ready()`."""
    _panels.append(panel)


def panels_of(viewer: Viewer, device: Device) -> Iterator[FilledPanel]:
    for panel in sorted(_panels, key=lambda panel: panel.order):
        values = panel.context(viewer, device)
        if values is not None:
            yield FilledPanel(panel.template, values)
