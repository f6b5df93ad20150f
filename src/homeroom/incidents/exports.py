"""The noun of incidents in exports, as `homeroom incident` and the API show it too."""

from typing import Any

from django.db.models import QuerySet

from homeroom.accounts.policy import Viewer
from homeroom.incidents import queries
from homeroom.inventory.exports.columns import ExportColumn, ExportNoun, register_noun

INCIDENT_COLUMNS = (
    ExportColumn("number"),
    ExportColumn("serial_number", "device__serial_number"),
    ExportColumn("asset_tag", "device__asset_tag"),
    ExportColumn("kind"),
    ExportColumn("summary"),
    ExportColumn("status", "status__name"),
    ExportColumn("opened_at"),
    ExportColumn("sent_at"),
    ExportColumn("closed_at"),
    ExportColumn("repair_number"),
    ExportColumn("outcome"),
)
"""Replacement processing adds `replacement_serial`."""


def register_incidents() -> None:
    register_noun(ExportNoun("incidents", _incidents), INCIDENT_COLUMNS)


def _incidents(viewer: Viewer) -> QuerySet[Any]:
    return queries.incidents(viewer).order_by("pk")
