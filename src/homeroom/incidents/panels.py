"""What other pages say of incidents: the device's profile, a person's page, the list of devices."""

from typing import Any

import django_filters as filters
import django_tables2 as tables
from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.policy import Permission, Viewer
from homeroom.incidents import queries
from homeroom.incidents.models import Incident
from homeroom.inventory.additions import ListAddition, add_to_device_list
from homeroom.inventory.models import Device, Person
from homeroom.inventory.profile import (
    Panel,
    PersonPanel,
    ProfileAction,
    register_action,
    register_panel,
    register_person_panel,
)
from homeroom.inventory.tables import WIDEST_ONLY

SHOWN = 10


def show_incidents_elsewhere() -> None:
    """Called once, in `AppConfig.ready()`."""
    register_panel(Panel(3, "incidents/_panel.html", incidents_panel))
    register_person_panel(PersonPanel(10, "incidents/_panel.html", person_panel))
    register_action(
        ProfileAction(
            _("Report an incident"),
            "incidents:new-of-device",
            icon="alert-circle",
            permission=Permission.EDIT_INCIDENTS,
            order=10,
        )
    )
    add_to_device_list(
        ListAddition(
            "open_incident",
            annotate=_with_open_incident,
            column=lambda: tables.TemplateColumn(
                template_name="incidents/_open_incident_cell.html",
                verbose_name=_("Open incident"),
                orderable=False,
                attrs=WIDEST_ONLY,
            ),
            filter=filters.ChoiceFilter(
                label=_("Incidents"),
                choices=[("true", _("An open one")), ("false", _("No open one"))],
                method=_by_open_incident,
                empty_label=_("With or without"),
            ),
        )
    )


def incidents_panel(viewer: Viewer, device: Device) -> dict[str, Any] | None:
    """None where nothing has ever befallen the device."""
    if not viewer.may(Permission.VIEW_INCIDENTS):
        return None
    return _panel(queries.incidents_of_device(device))


def person_panel(viewer: Viewer, person: Person) -> dict[str, Any] | None:
    return _panel(queries.incidents_of_person(viewer, person))


def _panel(found: QuerySet[Incident]) -> dict[str, Any] | None:
    """Open ones first."""
    latest = list(found.order_by(F("closed_at").desc(nulls_first=True), "-number")[: SHOWN + 1])
    return {"incidents": latest[:SHOWN], "more": len(latest) > SHOWN} if latest else None


def _open_incidents() -> QuerySet[Incident]:
    return Incident.objects.filter(queries.OPEN, device=OuterRef("pk")).order_by("-number")


def _with_open_incident(devices: QuerySet[Device]) -> QuerySet[Device]:
    return devices.annotate(open_incident=Subquery(_open_incidents().values("number")[:1]))


def _by_open_incident(devices: QuerySet[Device], _name: str, wanted: str) -> QuerySet[Device]:
    has_one = Exists(_open_incidents())
    return devices.filter(has_one if wanted == "true" else ~has_one)
