"""Replacements in files: the noun of exports, and the report of what was decided."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.policy import Permission, Viewer
from homeroom.applesync.models import Replacement
from homeroom.applesync.queries.replacements import replacements
from homeroom.applesync.reviewing.evidence import in_one_text
from homeroom.applesync.reviewing.filters import ReplacementFilter
from homeroom.inventory.exports.columns import ExportNoun, register_noun
from homeroom.inventory.exports.reports import Link, Page, Report, ReportColumn, register_report

REPLACEMENTS = "replacements"
HISTORY = "replacement-history"
ITSELF = Link("applesync:replacement")


def _shown_state(state: str) -> Any:
    return Replacement.State(state).label


COLUMNS = (
    ReportColumn(
        "original_serial",
        heading=_("Original"),
        sort=("original_serial", "pk"),
        link=Link("inventory:device", "incident__device_id"),
    ),
    ReportColumn(
        "replacement_serial", heading=_("Replacement"), sort=("replacement_serial", "pk"), link=ITSELF
    ),
    ReportColumn("order_number", heading=_("Order number"), sort=("order_number", "pk"), shown=False),
    ReportColumn(
        "incident",
        "incident_id",
        heading=_("Incident"),
        sort=("incident", "pk"),
        link=Link("incidents:incident", "incident_id"),
    ),
    ReportColumn("state", heading=_("State"), sort=("state", "pk"), show=_shown_state),
    ReportColumn("detected_at", heading=_("Detected"), sort=("detected_at", "pk")),
    ReportColumn("applied_at", heading=_("Applied"), sort=("applied_at", "pk")),
    ReportColumn("decided_by", heading=_("Decided by"), sort=("decided_by", "pk")),
    ReportColumn("evidence", convert=in_one_text, heading=_("Evidence"), shown=False),
)


class HistoryFilter(ReplacementFilter):
    """Of what was decided."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        waits = Replacement.State.SUGGESTED
        decided = [choice for choice in Replacement.State.choices if choice[0] != waits]
        self.filters["state"].extra["choices"] = decided


def register_replacements() -> None:
    register_noun(ExportNoun(REPLACEMENTS, _replacements), COLUMNS)
    register_report(
        Report(
            name=HISTORY,
            title=_("AppleCare Replacement History"),
            about=_("Which device replaced which: what was applied, dismissed or undone, the latest first."),
            rows=_decided,
            known=Replacement.objects.all,
            filter=HistoryFilter,
            order="-detected_at",
            permission=Permission.VIEW_INCIDENTS,
            empty=_("No replacement has been decided about yet."),
            place=30,
            page=Page("applesync:replacements", _("Replacements")),
        ),
        COLUMNS,
    )


def _replacements(viewer: Viewer) -> QuerySet[Replacement]:
    return replacements(viewer).order_by("pk")


def _decided(viewer: Viewer) -> QuerySet[Replacement]:
    """Without what still waits for a person."""
    return _replacements(viewer).exclude(state=Replacement.State.SUGGESTED)
