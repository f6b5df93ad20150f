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
    """Those of which `may_change_view` is true."""
    seen = saved_views(viewer)
    return seen if _answers_for_all(viewer) else seen.filter(owner=viewer.user_id)


def may_change_view(viewer: Viewer, view: SavedView) -> bool:
    """Of a view that they see. Their own; who manages settings also answers for what others share."""
    return is_own(viewer, view) or _answers_for_all(viewer)


def _answers_for_all(viewer: Viewer) -> bool:
    return viewer.may(Permission.MANAGE_SETTINGS)


def is_own(viewer: Viewer, view: SavedView) -> bool:
    return view.owner_id == viewer.user_id
