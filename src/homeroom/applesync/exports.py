"""Apple's facts in exports: columns of devices and incidents, and the noun of syncs."""

from typing import Any

from django.db.models import BooleanField, Case, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import NullIf

from homeroom.accounts.policy import Viewer
from homeroom.applesync.models import Replacement
from homeroom.applesync.queries.changes import all_changes
from homeroom.applesync.queries.runs import runs
from homeroom.inventory.exports.columns import ExportColumn, ExportNoun, register_columns, register_noun

APPLE_COLUMNS = (
    ExportColumn("apple_model", "apple_device__device_model"),
    ExportColumn("apple_capacity", "apple_device__attributes__deviceCapacity"),
    ExportColumn("apple_color", "apple_device__color"),
    ExportColumn("apple_os_version"),
    ExportColumn("apple_order_number", "apple_device__order_number"),
    ExportColumn("apple_verified"),
)
RUN_COLUMNS = tuple(
    ExportColumn(name)
    for name in (
        "id",
        "state",
        "requested_by",
        "started_at",
        "finished_at",
        "listed",
        "matched",
        "created",
        "updated",
        "gone",
        "coverage_checked",
        "coverage_failed",
        "insurance_created",
        "insurance_updated",
        "insurance_ended",
        "replacements_applied",
        "replacements_to_review",
        "requests",
        "throttled",
        "retries",
        "problems",
        "error",
    )
)
CHANGE_COLUMNS = (
    ExportColumn("run", "run_id"),
    ExportColumn("record", "noun"),
    ExportColumn("change", "action"),
    ExportColumn("state"),
    ExportColumn("serial_number"),
    ExportColumn("coverage_id"),
    ExportColumn("before"),
    ExportColumn("after"),
)


def register_apple() -> None:
    register_columns("devices", APPLE_COLUMNS, annotate=_with_apple, order=100)
    register_columns("incidents", [ExportColumn("replacement_serial")], annotate=_with_replacement, order=100)
    register_noun(ExportNoun("runs", _runs), (ExportColumn("connection", "connection__name"), *RUN_COLUMNS))
    register_noun(ExportNoun("changes", _changes), CHANGE_COLUMNS)


def _with_apple(devices: QuerySet[Any], _viewer: Viewer) -> QuerySet[Any]:
    listed = When(apple_device__isnull=False, apple_device__gone_since__isnull=True, then=Value(value=True))
    verified: QuerySet[Any] = devices.annotate(
        apple_verified=Case(listed, default=Value(value=False), output_field=BooleanField()),
        apple_os_version=NullIf("apple_device__managed__os_version", Value("")),
    )
    return verified


def _with_replacement(incidents: QuerySet[Any], _viewer: Viewer) -> QuerySet[Any]:
    """What replaced the incident's device, once that was applied; an incident has one such replacement."""
    applied = Replacement.objects.filter(incident=OuterRef("pk"), state=Replacement.State.APPLIED)
    with_replacement: QuerySet[Any] = incidents.annotate(
        replacement_serial=Subquery(applied.values("replacement_serial")[:1])
    )
    return with_replacement


def _runs(viewer: Viewer) -> QuerySet[Any]:
    return runs(viewer).order_by("pk")


def _changes(viewer: Viewer) -> QuerySet[Any]:
    return all_changes(viewer).order_by("pk")
