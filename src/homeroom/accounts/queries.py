from django.db.models import QuerySet

from homeroom.accounts.models import User
from homeroom.accounts.policy import Permission, Viewer
from homeroom.audit.models import Entry


def users(viewer: Viewer) -> QuerySet[User]:
    return (
        User.objects.prefetch_related("sites") if viewer.may(Permission.MANAGE_USERS) else User.objects.none()
    )


def audit_entries(viewer: Viewer) -> QuerySet[Entry]:
    if not viewer.may(Permission.VIEW_AUDIT):
        return Entry.objects.none()
    return Entry.objects.select_related("personal")
