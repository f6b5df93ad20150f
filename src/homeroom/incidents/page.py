"""What higher apps add to the pages of incidents, without these knowing them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from homeroom.accounts.policy import Viewer
from homeroom.incidents.models import Incident
from homeroom.inventory.profile import FilledPanel

Elsewhere = Callable[[Viewer, str], str | None]
"""The address of a page that knows what to do with a code that was scanned, if it does."""


@dataclass(frozen=True, slots=True)
class IncidentPanel:
    """A part of an incident's page, beside what stands of its repair. `context` may answer None: nothing to show."""

    order: int
    template: str
    context: Callable[[Viewer, Incident], Mapping[str, Any] | None]


_panels: list[IncidentPanel] = []
_elsewhere: list[Elsewhere] = []


def register_incident_panel(panel: IncidentPanel) -> None:
    """Called once, in `AppConfig.ready()`."""
    _panels.append(panel)


def register_scanned_elsewhere(elsewhere: Elsewhere) -> None:
    """Called once, in `AppConfig.ready()`. Asked for what is scanned at the board and is no unit at Apple."""
    _elsewhere.append(elsewhere)


def incident_panels(viewer: Viewer, incident: Incident) -> Iterator[FilledPanel]:
    for panel in sorted(_panels, key=lambda panel: panel.order):
        values = panel.context(viewer, incident)
        if values is not None:
            yield FilledPanel(panel.template, values)


def scanned_elsewhere(viewer: Viewer, code: str) -> str | None:
    return next((address for look in _elsewhere if (address := look(viewer, code))), None)
