"""Files of reports: each person sees their own."""

from typing import Any

from django.db.models import QuerySet

from homeroom.accounts.models import User
from homeroom.accounts.policy import Viewer
from homeroom.reports.models import ReportFile

UNDER_WAY = (ReportFile.State.QUEUED, ReportFile.State.MAKING)


def files_of(viewer: Viewer) -> QuerySet[ReportFile]:
    """Newest first."""
    return ReportFile.objects.filter(owner=viewer.user_id).order_by("-pk")


def files_under_way(owner: User) -> QuerySet[ReportFile]:
    return ReportFile.objects.filter(owner=owner, state__in=UNDER_WAY)


def rights_of(viewer: Viewer) -> dict[str, Any]:
    """What decides which rows and columns a viewer gets, to be kept with a file and compared later."""
    return {
        "role": viewer.role.value,
        "sites": None if viewer.site_ids is None else sorted(viewer.site_ids),
        "works_at_depot": viewer.works_at_depot,
    }
