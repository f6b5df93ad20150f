"""Saved views: a viewer sees their own and what others share, of the reports that they may see."""

from collections.abc import Sequence

from django.db.models import Case, Q, QuerySet, When

from homeroom.accounts.policy import Permission, Viewer
from homeroom.inventory.exports.reports import reports_for
from homeroom.reports.models import SavedView


def saved_views(viewer: Viewer) -> QuerySet[SavedView]:
    """Their own first."""
    mine = Q(owner=viewer.user_id)
    names = [report.name for report in reports_for(viewer)]
    own_first = Case(When(mine, then=0), default=1)
    return (
        SavedView.objects.filter(mine | Q(shared=True), report__in=names)
        .select_related("owner")
        .order_by(own_first, "name", "pk")
    )


def views_of(viewer: Viewer, report: str) -> Sequence[SavedView]:
    return list(saved_views(viewer).filter(report=report))


def changeable_views(viewer: Viewer) -> QuerySet[SavedView]:
    """Their own; who manages settings also answers for what others share."""
    if viewer.may(Permission.MANAGE_SETTINGS):
        return saved_views(viewer)
    return saved_views(viewer).filter(owner=viewer.user_id)


def is_own(viewer: Viewer, view: SavedView) -> bool:
    return view.owner_id == viewer.user_id
