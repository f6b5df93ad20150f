"""Insurance in exports: the noun itself, and what devices say of their coverage."""

from typing import Any

from django.db.models import QuerySet

from homeroom.accounts.policy import Viewer
from homeroom.insurance import queries
from homeroom.inventory.exports.columns import ExportColumn, ExportNoun, register_columns, register_noun

INSURANCE_COLUMNS = (
    ExportColumn("serial_number", "device__serial_number"),
    ExportColumn("asset_tag", "device__asset_tag"),
    ExportColumn("provider"),
    ExportColumn("plan"),
    ExportColumn("kind"),
    ExportColumn("agreement_number"),
    ExportColumn("starts"),
    ExportColumn("ends"),
    ExportColumn("cancelled_on"),
    ExportColumn("source"),
    ExportColumn("status", "status_today"),
)
COVERAGE_COLUMNS = (
    ExportColumn("coverage"),
    ExportColumn("coverage_ends"),
    ExportColumn("warranty"),
    ExportColumn("warranty_ends"),
)


def register_insurance() -> None:
    register_noun(ExportNoun("insurance", _records), INSURANCE_COLUMNS, annotate=_with_status)
    register_columns("devices", COVERAGE_COLUMNS, annotate=with_coverage_today, order=200)


def _records(viewer: Viewer) -> QuerySet[Any]:
    return queries.insurance_records(viewer).order_by("pk")


def _with_status(records: QuerySet[Any], _viewer: Viewer) -> QuerySet[Any]:
    with_status: QuerySet[Any] = records.annotate(status_today=queries.record_status(queries.today()))
    return with_status


def with_coverage_today(devices: QuerySet[Any], _viewer: Viewer) -> QuerySet[Any]:
    return queries.with_coverage(devices, queries.today())
