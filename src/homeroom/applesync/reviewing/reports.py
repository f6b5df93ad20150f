"""Replacements in files: the noun of exports, and the report of what was decided."""

from django.db.models import QuerySet

from homeroom.accounts.policy import Viewer
from homeroom.applesync.models import Replacement
from homeroom.applesync.queries.replacements import replacements
from homeroom.applesync.reviewing.evidence import in_one_text
from homeroom.inventory.exports.columns import ExportColumn, ExportNoun, register_noun
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


def _replacements(viewer: Viewer) -> QuerySet[Replacement]:
    return replacements(viewer).order_by("pk")


def _decided(viewer: Viewer) -> QuerySet[Replacement]:
    """Without what still waits for a person."""
    return _replacements(viewer).exclude(state=Replacement.State.SUGGESTED)
