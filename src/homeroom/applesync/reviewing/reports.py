"""Replacements in files: the noun of exports, and the report of what was decided."""

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from homeroom.accounts.policy import Viewer
from homeroom.applesync.models import Replacement
from homeroom.applesync.queries.replacements import replacements
from homeroom.applesync.reviewing.evidence import in_one_text
from homeroom.inventory.exports.columns import ExportColumn, ExportNoun, register_columns, register_noun
from homeroom.inventory.exports.reports import register_report

REPLACEMENTS = "replacements"
HISTORY = "replacement-history"
COLUMNS = (
    ExportColumn("original_serial"),
    ExportColumn("replacement_serial"),
    ExportColumn("order_number"),
    ExportColumn("incident", "incident_id"),
    ExportColumn("state"),
    ExportColumn("detected_at"),
    ExportColumn("applied_at"),
    ExportColumn("decided_by"),
    ExportColumn("evidence", convert=in_one_text),
)


def register_replacements() -> None:
    register_noun(ExportNoun(REPLACEMENTS, _replacements), COLUMNS)
    register_report(ExportNoun(HISTORY, _decided), COLUMNS)
    register_columns("incidents", (ExportColumn("replacement_serial"),), annotate=_with_replacement)


def _with_replacement(incidents: QuerySet[Any], _viewer: Viewer) -> QuerySet[Any]:
    applied = Replacement.objects.filter(incident=OuterRef("pk"), state=Replacement.State.APPLIED)
    with_replacement: QuerySet[Any] = incidents.annotate(
        replacement_serial=Subquery(applied.values("replacement_serial")[:1])
    )
    return with_replacement


def _replacements(viewer: Viewer) -> QuerySet[Replacement]:
    return replacements(viewer).order_by("pk")


def _decided(viewer: Viewer) -> QuerySet[Replacement]:
    """Without what still waits for a person."""
    return _replacements(viewer).exclude(state=Replacement.State.SUGGESTED)
