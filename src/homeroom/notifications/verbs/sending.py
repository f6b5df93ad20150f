"""The worker's side of the outbox: each mail is claimed by one process, sent, and what became of it kept.

A mail is sent twice only where a process dies between the server's acceptance and our record of it.
"""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from threading import Event

import structlog
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from homeroom.accounts.policy import Role
from homeroom.leases import LET_GO, take, unchanged
from homeroom.notifications import diagnosis
from homeroom.notifications.facts import unpacked
from homeroom.notifications.kinds import Delivery
from homeroom.notifications.models import Mail, Preference
from homeroom.notifications.rules import delivery_of, may_be_told, pause_after
from homeroom.notifications.server import Call, mail_server
from homeroom.notifications.writing import Told, written

State = Mail.State
LEASE = timedelta(minutes=10)
"""Longer than a conversation with a server that uses up every timeout. A dead process on this host is seen at once."""
MAILS_PER_CALL = 20
CANDIDATES = 10

log = structlog.get_logger(__name__)


class Unwanted(Exception):  # noqa: N818 - the name is the fact
    """The recipient no longer gets this mail; the text says why."""


def send_due_mail(stop: Event) -> bool:
    """Send what is due, over one connection; whether there was anything. Without a mail server it waits."""
    server = mail_server()
    if server is None:
        return False
    tried = 0
    with closing(server.call()) as call:
        while tried < MAILS_PER_CALL and not stop.is_set() and (mail := _claim()) is not None:
            tried += 1
            if not _send(mail, call):
                break
    return tried > 0


def _claim() -> Mail | None:
    taken = (take(mail, LEASE, state=State.SENDING, attempts=F("attempts") + 1) for mail in _candidates())
    return next(filter(None, taken), None)


def _candidates() -> Iterator[Mail]:
    for mail in Mail.objects.filter(state=State.SENDING).order_by("due_at", "pk"):
        if mail.is_free:
            yield mail
    due = Mail.objects.filter(state=State.QUEUED, due_at__lte=timezone.now())
    yield from due.order_by("due_at", "pk")[:CANDIDATES]


def _send(mail: Mail, call: Call) -> bool:
    """Send one claimed mail and keep what became of it; False if the server is in no state to take another."""
    try:
        message = written(mail, _still_told(mail))
    except Unwanted as why:
        _settle(mail, State.DROPPED, note=str(why))
        return True
    except Exception:
        log.exception("A mail could not be written", mail=mail.pk)
        _settle(mail, State.FAILED, note=_("Homeroom could not write this mail; the server's log says more."))
        return True
    try:
        call.send(message)
    except Exception as error:  # noqa: BLE001 - whatever it is, it becomes a sentence, and the mail is not lost
        return _not_sent(mail, diagnosis.of_error(error))
    _settle(mail, State.SENT)
    return True


def _still_told(mail: Mail) -> list[Told]:
    """The mail's facts that its recipient may know and wants to know by now. Raises Unwanted if none is left."""
    person = mail.recipient
    if not person.is_active:
        raise Unwanted(_("The recipient may no longer sign in."))
    own_site_ids = list(person.sites.values_list("pk", flat=True))
    chosen = dict(Preference.objects.filter(user=person).values_list("kind", "delivery"))
    role = Role(person.role)
    told = [
        Told(kind, telling.fact)
        for telling in mail.tellings.select_related("fact")
        if (kind := telling.fact.registered_kind)
        and may_be_told(kind, role, own_site_ids=own_site_ids, site_ids=telling.fact.site_ids)
        and delivery_of(kind, role, chosen.get(kind.key)) != Delivery.OFF
        and (kind.may_know is None or kind.may_know(person, unpacked(telling.fact.context or {})))
    ]
    if not told:
        raise Unwanted(_("The recipient may no longer know this, or chose not to be told."))
    return told


def _not_sent(mail: Mail, finding: diagnosis.Finding) -> bool:
    """Keep a refused mail for a person to look at; let every other one wait, longer each time."""
    if finding.is_final:
        _settle(mail, State.FAILED, note=str(finding))
        return True
    due_at = timezone.now() + pause_after(mail.attempts)
    unchanged(mail).update(
        state=State.QUEUED, due_at=due_at, note=str(finding), address=mail.recipient.email, **LET_GO
    )
    log.warning("A mail waits", mail=mail.pk, attempts=mail.attempts, why=finding.detail)
    if finding.of_server:
        # Nothing gets through for now: one attempt finds that out, not one for each mail.
        Mail.objects.filter(state=State.QUEUED, due_at__lt=due_at).update(due_at=due_at)
    return not finding.of_server


def _settle(mail: Mail, state: Mail.State, *, note: str = "") -> None:
    """What became of it, unless another process has taken it over since."""
    unchanged(mail).update(
        state=state, note=note, address=mail.recipient.email, settled_at=timezone.now(), **LET_GO
    )
