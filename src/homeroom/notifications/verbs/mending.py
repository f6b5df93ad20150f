"""What administrators do about mail: try it again, and try the mail server."""

import threading
from concurrent.futures import Future
from contextlib import closing

from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from homeroom.accounts.models import User
from homeroom.audit.actors import Actor
from homeroom.audit.verbs import record
from homeroom.notifications import diagnosis
from homeroom.notifications.diagnosis import Finding
from homeroom.notifications.models import Mail, new_message_id
from homeroom.notifications.server import MailServer, mail_server
from homeroom.notifications.writing import written_test
from homeroom.web.errors import Refused

SILENCE = 8.0
DEADLINE = 20.0
"""Seconds that a test may take in all, however the server behaves."""


def try_again(mails: QuerySet[Mail], *, actor: Actor) -> int:
    """Have these sent as soon as a worker comes to it; how many. Those under way or done with are left alone."""
    with transaction.atomic():
        hurried = list(
            mails.filter(state__in=[Mail.State.QUEUED, Mail.State.FAILED]).values_list("pk", flat=True)
        )
        count = Mail.objects.filter(pk__in=hurried, state__in=[Mail.State.QUEUED, Mail.State.FAILED]).update(
            state=Mail.State.QUEUED, due_at=timezone.now(), attempts=0, settled_at=None
        )
        if count:
            label = _("Mails to be tried again: %(count)d") % {"count": count}
            record(actor, "mail.tried-again", Mail(pk=hurried[0]), label=label, after={"count": count})
    return count


def send_test_mail(address: str, *, actor: Actor, deadline: float = DEADLINE) -> Finding | None:
    """Send one mail now, past the outbox; None if the server took it, else what is wrong."""
    server = mail_server()
    if server is None:
        raise Refused(_("No mail server is configured. Set HOMEROOM_EMAIL_URL and start Homeroom again."))
    recipient = User.objects.filter(email__iexact=address).first() or User(email=address)
    finding = _within(deadline, server, written_test(recipient, new_message_id()))
    record(
        actor,
        "mail.tested",
        Mail(),
        label=_("Test mail"),
        after={"accepted": finding is None} | ({"answer": finding.detail} if finding else {}),
        personal_after={"address": address},
    )
    return finding


def _within(seconds: float, server: MailServer, message: EmailMultiAlternatives) -> Finding | None:
    """A thread of its own, which is left to its timeouts if it takes too long."""
    answer: Future[Finding | None] = Future()
    threading.Thread(target=_try, args=(server, message, answer), daemon=True).start()
    try:
        return answer.result(timeout=seconds)
    except TimeoutError:
        return diagnosis.of_silence()


def _try(server: MailServer, message: EmailMultiAlternatives, answer: "Future[Finding | None]") -> None:
    try:
        with closing(server.call(timeout=SILENCE)) as call:
            call.send(message)
    except Exception as error:  # noqa: BLE001 - told to the person who asked
        answer.set_result(diagnosis.of_error(error))
    else:
        answer.set_result(None)
