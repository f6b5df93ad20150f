"""The board and the shipments as files and through the API: one set of columns for each."""

from datetime import date
from typing import Any

from django.db.models import Case, F, QuerySet, Value, When
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.policy import Permission, Viewer
from homeroom.incidents.models import Incident, Shipment
from homeroom.incidents.queries import at_apple, is_overdue, overdue
from homeroom.incidents.shipping.filters import AtAppleFilter, OverdueFilter
from homeroom.incidents.shipping.queries import for_shipment_list, shipments, with_loaner
from homeroom.insurance.queries import today
from homeroom.inventory.exports import ExportColumn, ExportNoun, register_noun
from homeroom.inventory.exports.reports import Link, Page, Report, ReportColumn, register_report
from homeroom.inventory.reporting import identity

AT_APPLE = "at-apple"
OVERDUE = "overdue-at-apple"


def _days(since: date | None) -> int | None:
    return (today() - since).days if since else None


AWAY_SINCE = ("shipped_on", "pk")
INCIDENT, OF_DEVICE = Link("incidents:incident"), Link("inventory:device", "device_id")
AT_APPLE_COLUMNS = (
    ReportColumn("number", "pk", heading=_("Incident"), sort=("pk",), link=INCIDENT),
    *identity("device__", link=OF_DEVICE),
    ReportColumn("model", "device__model", heading=_("Model"), sort=("device__model", "pk"), shown=False),
    ReportColumn("site", "device__site__name", heading=_("Site"), sort=("device__site__name", "pk")),
    ReportColumn("person", "person__external_id", heading=_("Person's external ID"), shown=False),
    ReportColumn("loaner", heading=_("Loaner"), shown=False),
    ReportColumn("summary", heading=_("Summary"), sort=("summary", "pk")),
    ReportColumn("status", "status__name", heading=_("Status"), shown=False),
    ReportColumn("sent_at", heading=_("Sent"), sort=("sent_at", "pk"), shown=False),
    ReportColumn("shipped_on", heading=_("Shipped"), sort=AWAY_SINCE),
    ReportColumn("days_out", "away_since", _days, heading=_("Days out")),
    ReportColumn("overdue", "is_overdue", heading=_("Overdue"), shown=False),
    ReportColumn("shipment", "shipment_id", heading=_("Shipment"), shown=False),
    ReportColumn("repair_number", heading=_("Repair number"), sort=("repair_number", "pk")),
    ReportColumn("closed_at", heading=_("Closed"), shown=False),
    ReportColumn("outcome", heading=_("Outcome"), shown=False),
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
    for report in (_AT_APPLE, _OVERDUE):
        register_report(report, AT_APPLE_COLUMNS, annotate=_as_rows)
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


_BOARD = Page("incidents:at-apple", _("Receive units back"))
_AT_APPLE = Report(
    name=AT_APPLE,
    title=_("At Apple"),
    about=_("Units that were sent to Apple and are not back, the longest away first."),
    rows=at_apple,
    known=Incident.objects.all,
    filter=AtAppleFilter,
    order="shipped_on",
    permission=Permission.VIEW_INCIDENTS,
    empty=_("No unit is at Apple."),
    place=75,
    page=_BOARD,
)
_OVERDUE = Report(
    name=OVERDUE,
    title=_("Overdue at Apple"),
    about=_("Units that are at Apple for more days than the district expects a repair to take."),
    rows=lambda viewer: overdue(viewer, today()),
    known=Incident.objects.all,
    filter=OverdueFilter,
    order="shipped_on",
    permission=Permission.VIEW_INCIDENTS,
    empty=_("Nothing is at Apple for too long."),
    place=70,
    page=_BOARD,
)
