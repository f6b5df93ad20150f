"""Which report somebody asks for."""

from django.core.exceptions import PermissionDenied
from django.http import Http404

from homeroom.accounts.policy import Viewer
from homeroom.inventory.exports.reports import Report, report_or_none


def visible_report(viewer: Viewer, name: str) -> Report:
    """404 where there is none of that name; who may not see it is told so."""
    found = report_or_none(name)
    if found is None:
        raise Http404
    if not viewer.may(found.permission):
        raise PermissionDenied
    return found
