"""The inventory's own nouns and columns, under the names that files have in both directions."""

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from homeroom.accounts.policy import Viewer
from homeroom.inventory.exports.columns import ExportColumn, ExportNoun, register_noun
from homeroom.inventory.models import Assignment, Device, Person, Site
from homeroom.inventory.queries import sites_for_list, visible_devices, visible_people

DEVICE_COLUMNS = (
    ExportColumn("asset_tag"),
    ExportColumn("serial_number"),
    ExportColumn("name"),
    ExportColumn("manufacturer"),
    ExportColumn("model"),
    ExportColumn("product_family"),
    ExportColumn("site", "site__name"),
    ExportColumn("status", "status__name"),
    ExportColumn("person", "export_person"),
    ExportColumn("purchase_date"),
    ExportColumn("cost"),
    ExportColumn("purchase_order"),
    ExportColumn("funding_source"),
    ExportColumn("notes"),
    ExportColumn("replaces_serial"),
)
PEOPLE_COLUMNS = (
    ExportColumn("external_id"),
    ExportColumn("name"),
    ExportColumn("email"),
    ExportColumn("kind"),
    ExportColumn("grade"),
    ExportColumn("site", "site__name"),
    ExportColumn("active"),
)
SITE_COLUMNS = (
    ExportColumn("name"),
    ExportColumn("contact_name"),
    ExportColumn("contact_phone"),
    ExportColumn("address"),
    ExportColumn("devices", "devices_here"),
    ExportColumn("people", "people_here"),
)


def register_inventory() -> None:
    register_noun(ExportNoun("devices", _devices), DEVICE_COLUMNS, annotate=_with_person)
    register_noun(ExportNoun("people", _people), PEOPLE_COLUMNS)
    register_noun(ExportNoun("sites", _sites), SITE_COLUMNS)


def _devices(viewer: Viewer) -> QuerySet[Device]:
    return visible_devices(viewer).order_by("pk")


def _people(viewer: Viewer) -> QuerySet[Person]:
    return visible_people(viewer).order_by("pk")


def _sites(viewer: Viewer) -> QuerySet[Site]:
    return sites_for_list(viewer).order_by("pk")


def _with_person(devices: QuerySet[Any], _viewer: Viewer) -> QuerySet[Any]:
    """The external ID: names are not unique, and an export has to find the same person when it comes back."""
    holder = Assignment.objects.filter(device=OuterRef("pk"), ended_at=None).values("person__external_id")
    with_person: QuerySet[Any] = devices.annotate(export_person=Subquery(holder[:1]))
    return with_person
