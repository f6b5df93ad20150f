"""What can be done with a saved view. The audit trail tells of shared ones; what one person sees is nobody's news."""

from typing import Any

from django.db import transaction

from homeroom.accounts.models import User
from homeroom.accounts.policy import Viewer
from homeroom.audit.actors import Actor
from homeroom.audit.verbs import changed_values, record
from homeroom.inventory.exports.reports import Report, report_named
from homeroom.inventory.verbs.saving import assign, check_and_save, values_of
from homeroom.reports.models import SavedView
from homeroom.reports.selection import canonical

VALUES = frozenset({"name", "query", "shared"})


@transaction.atomic
def save_view(
    report: Report, *, name: str, query: str, shared: bool = False, owner: User, viewer: Viewer
) -> SavedView:
    """Keep what is asked of a report, under a name. A query that the report does not understand is refused."""
    view = SavedView(owner=owner, report=report.name)
    assign(view, {"name": name, "query": canonical(report, query, viewer), "shared": shared}, allowed=VALUES)
    check_and_save(view)
    if shared:
        record(owner.actor, "saved_view.shared", view, after=_told(view))
    return view


@transaction.atomic
def change_view(view: SavedView, *, viewer: Viewer, **values: Any) -> SavedView:
    """Rename it, share it or keep it to its owner, ask for something else: refused as by `save_view`."""
    stored = SavedView.objects.select_for_update().get(pk=view.pk)
    if "query" in values:
        values["query"] = canonical(report_named(stored.report), values["query"], viewer)
    before = _told(stored)
    assign(stored, values, allowed=VALUES)
    old, new = changed_values(before, _told(stored))
    if new:
        check_and_save(stored)
        if before["shared"] or stored.shared:
            record(viewer.actor, "saved_view.updated", stored, before=old, after=new)
    return stored


@transaction.atomic
def delete_view(view: SavedView, *, actor: Actor) -> None:
    """Schedules hold what they send themselves: none breaks."""
    if view.shared:
        record(actor, "saved_view.deleted", view, before=_told(view))
    view.delete()


def _told(view: SavedView) -> dict[str, Any]:
    return {"report": view.report} | values_of(view, VALUES)
