"""Files of reports: each person sees their own."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from homeroom.accounts.models import User
from homeroom.accounts.policy import Viewer
from homeroom.inventory.exports.reports import report_or_none
from homeroom.reports.models import ReportFile

UNDER_WAY = (ReportFile.State.QUEUED, ReportFile.State.MAKING)


def files_of(viewer: Viewer) -> QuerySet[ReportFile]:
    """Newest first."""
    return ReportFile.objects.filter(owner=viewer.user_id).order_by("-pk")


def files_under_way(owner: User) -> QuerySet[ReportFile]:
    return ReportFile.objects.filter(owner=owner, state__in=UNDER_WAY)


def may_make(file: ReportFile, viewer: Viewer) -> bool:
    """Whether a viewer may have its report as a file."""
    report = report_or_none(file.report)
    return report is not None and report.may_be_taken_by(viewer.role)


def why_closed(file: ReportFile, viewer: Viewer) -> str:
    """Why its owner can't fetch a file, in a sentence; empty: they can."""
    if not file.is_ready:
        return file.failure or _("This file is not ready yet.")
    if not may_make(file, viewer):
        return _("You may no longer see this report.")
    if file.made_for != rights_of(viewer):
        return _("What you may see has changed since this file was made. Have it made again.")
    return "" if file.path.is_file() else _("This file is no longer kept. Have it made again.")


def rights_of(viewer: Viewer) -> dict[str, Any]:
    """What decides which rows and columns a viewer gets, to be kept with a file and compared later."""
    return {
        "role": viewer.role.value,
        "sites": None if viewer.site_ids is None else sorted(viewer.site_ids),
        "works_at_depot": viewer.works_at_depot,
    }
