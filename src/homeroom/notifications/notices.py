"""What administrators are told of mail where they begin their day."""

from collections.abc import Iterator

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from homeroom.accounts.policy import Viewer
from homeroom.notifications.queries import standing
from homeroom.notifications.rules import LONGEST_PAUSE
from homeroom.notifications.server import mail_server
from homeroom.web.notices import Notice


def mail_in_need(viewer: Viewer) -> Iterator[Notice]:
    """Nothing of a mail that is put off for the first time: most servers do that to strangers."""
    now = standing(viewer)
    page = reverse("notifications:email")
    if now.waiting and mail_server() is None:
        yield Notice(_("Mail waits"), _("No mail server is configured, so nobody gets mail."), page)
    elif now.why and now.oldest_waiting and timezone.now() - now.oldest_waiting > LONGEST_PAUSE:
        yield Notice(_("Mail waits"), now.why, page)
    if now.failed:
        sentence = ngettext(
            "%(count)d mail could not be sent.", "%(count)d mails could not be sent.", now.failed
        )
        yield Notice(_("Mail failed"), sentence % {"count": now.failed}, page)
