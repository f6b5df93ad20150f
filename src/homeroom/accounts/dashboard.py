"""What waits for everybody in their own account, and the first step of not being alone."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from homeroom.accounts.models import User
from homeroom.accounts.policy import Permission, Viewer
from homeroom.accounts.queries import expiring_tokens
from homeroom.web.dashboard import Card, Severity, Step, Waiting, register_card, register_step

SOON = timedelta(days=14)


def tokens_expiring(viewer: Viewer) -> Iterator[Waiting]:
    """One's own: nobody else can make them anew."""
    today = timezone.localdate()
    expiring: QuerySet[Any, Any] = expiring_tokens(viewer, today + SOON)
    for name, day in expiring.values_list("name", "expires_on"):
        words = {"name": name, "day": date_format(day)}
        if day < today:
            title = _("Your API token “%(name)s” has expired") % words
            sentence = (
                _("What uses it has had no access since %(day)s. Make a new one, or revoke it.") % words
            )
        else:
            title = _("Your API token “%(name)s” is about to expire") % words
            sentence = _("What uses it loses its access after %(day)s. Make a new one in time.") % words
        yield Waiting(title, sentence, reverse("tokens"), severity=Severity.LATE)


def register_accounts() -> None:
    register_card(
        Card("api-tokens", icon="key", permission=Permission.OWN_ACCOUNT, order=90, waiting=tokens_expiring)
    )
    register_step(
        Step(
            title=gettext_lazy("Invite people"),
            sentence=gettext_lazy(
                "Give technicians and schools their own sign-in, with a role and their sites."
            ),
            url_name="users",
            permission=Permission.MANAGE_USERS,
            order=40,
            is_done=lambda: len(User.objects.order_by().values("pk")[:2]) > 1,
            optional=True,
        )
    )
