"""The board and the shipments as files and through the API: one set of columns for each."""

from datetime import date
from typing import Any

from django.db.models import Case, F, QuerySet, Value, When

from homeroom.accounts.policy import Viewer
from homeroom.incidents.models import Incident, Shipment
from homeroom.incidents.queries import at_apple, is_overdue
from homeroom.incidents.shipping.queries import for_shipment_list, shipments, with_loaner
from homeroom.insurance.queries import today
from homeroom.inventory.exports import ExportColumn, ExportNoun, register_noun
from homeroom.inventory.exports.reports import register_report

AT_APPLE = "at-apple"


def _days(since: date | None) -> int | None:
    return (today() - since).days if since else None


AT_APPLE_COLUMNS = (
    ExportColumn("number", "pk"),
    ExportColumn("asset_tag", "device__asset_tag"),
    ExportColumn("serial_number", "device__serial_number"),
    ExportColumn("model", "device__model"),
    ExportColumn("site", "device__site__name"),
    ExportColumn("person", "person__external_id"),
    ExportColumn("loaner"),
    ExportColumn("summary"),
    ExportColumn("status", "status__name"),
    ExportColumn("sent_at"),
    ExportColumn("shipped_on"),
    ExportColumn("days_out", "away_since", _days),
    ExportColumn("overdue", "is_overdue"),
    ExportColumn("shipment", "shipment_id"),
    ExportColumn("repair_number"),
    ExportColumn("closed_at"),
    ExportColumn("outcome"),
)
SHIPMENT_COLUMNS = (
    ExportColumn("number", "pk"),
    ExportColumn("reference"),
    ExportColumn("carrier"),
    ExportColumn("tracking_number"),
    ExportColumn("units", "unit_count"),
    ExportColumn("at_apple", "away_count"),
    ExportColumn("opened_by"),
    ExportColumn("opened_at"),
    ExportColumn("shipped_at"),
)


def register_shipping() -> None:
    register_report(ExportNoun(AT_APPLE, at_apple), AT_APPLE_COLUMNS, annotate=_as_rows)
    register_noun(ExportNoun("shipments", _shipments), SHIPMENT_COLUMNS, annotate=_with_counts)


def _shipments(viewer: Viewer) -> QuerySet[Shipment]:
    return shipments(viewer).order_by("pk")


def _with_counts(rows: QuerySet[Any], _viewer: Viewer) -> QuerySet[Any]:
    return for_shipment_list(rows)


def _as_rows(rows: QuerySet[Any], _viewer: Viewer) -> QuerySet[Any]:
    """Away only while it is at Apple: of an incident that came back the days stand still no more."""
    found: QuerySet[Incident] = with_loaner(rows)
    away = Case(When(closed_at__isnull=True, then=F("shipped_on")), default=None)
    overdue = Case(
        When(is_overdue(), then=Value(value=True)),
        default=Value(value=False),
    )
    return found.annotate(away_since=away, is_overdue=overdue)
