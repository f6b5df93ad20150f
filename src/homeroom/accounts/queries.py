from datetime import date

from django.db.models import QuerySet

from homeroom.accounts.models import ApiToken, User
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


def expiring_tokens(viewer: Viewer, until: date) -> QuerySet[ApiToken]:
    """One's own, the first to expire first; those that have expired stay until they are revoked."""
    own = ApiToken.objects.filter(user=viewer.user_id, revoked_at=None)
    return own.filter(expires_on__lte=until).order_by("expires_on", "pk")
