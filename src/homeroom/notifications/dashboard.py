"""What administrators are told of mail where they begin their day."""

from collections.abc import Iterator

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from homeroom.accounts.policy import Permission, Viewer
from homeroom.notifications.queries import standing
from homeroom.notifications.rules import LONGEST_PAUSE
from homeroom.notifications.server import mail_server
from homeroom.web.counts import Number
from homeroom.web.dashboard import Card, Severity, Step, Waiting, register_card, register_step


def mail_in_need(viewer: Viewer) -> Iterator[Waiting]:
    """Nothing of a mail that is put off for the first time: most servers do that to strangers."""
    now = standing(viewer)
    page = reverse("notifications:email")
    waiting = Number(now.waiting), Severity.BROKEN
    if now.waiting and mail_server() is None:
        sentence = _("No mail server is configured, so nobody gets mail.")
        yield Waiting(_("Mail waits"), sentence, f"{page}?show=waiting", *waiting)
    elif now.why and now.oldest_waiting and timezone.now() - now.oldest_waiting > LONGEST_PAUSE:
        yield Waiting(_("Mail waits"), now.why, f"{page}?show=waiting", *waiting)
    if now.failed:
        sentence = ngettext(
            "%(count)d mail could not be sent.", "%(count)d mails could not be sent.", now.failed
        )
        yield Waiting(
            _("Mail failed"),
            sentence % {"count": now.failed},
            f"{page}?show=failed",
            Number(now.failed),
            Severity.LATE,
        )


def register_mail() -> None:
    register_card(
        Card("mail", icon="mail", permission=Permission.MANAGE_SETTINGS, order=20, waiting=mail_in_need)
    )
    register_step(
        Step(
            title=gettext_lazy("Set up email"),
            sentence=gettext_lazy(
                "So that people are told of replacements, failed syncs and what is overdue."
            ),
            url_name="notifications:email",
            permission=Permission.MANAGE_SETTINGS,
            order=50,
            is_done=lambda: mail_server() is not None,
            optional=True,
        )
    )
