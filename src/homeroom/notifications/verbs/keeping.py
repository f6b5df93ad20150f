"""What the outbox forgets: mail that is done with, after a time; the keys of facts stay, so that none is told twice."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from homeroom.notifications.models import Fact, Mail, Telling
from homeroom.notifications.server import mail_server

KEPT = timedelta(days=90)
WAITS_FOR_A_SERVER = timedelta(days=14)
PORTION = 500
DONE = [Mail.State.SENT, Mail.State.FAILED, Mail.State.DROPPED]


def forget_old_mail(now: datetime) -> int:
    """Delete one portion of what was done with long ago; how many rows it touched."""
    return _drop_unsendable(now) + _delete_done(now) + _empty_facts(now)


def _drop_unsendable(now: datetime) -> int:
    """Where no mail server was ever named, old news would else all go out on the day one is."""
    if mail_server() is not None:
        return 0
    waiting = Mail.objects.filter(state=Mail.State.QUEUED, queued_at__lt=now - WAITS_FOR_A_SERVER)
    portion = list(waiting.values_list("pk", flat=True)[:PORTION])
    if not portion:
        return 0
    note = _("No mail server was configured for %(days)d days.") % {"days": WAITS_FOR_A_SERVER.days}
    return Mail.objects.filter(pk__in=portion, state=Mail.State.QUEUED).update(
        state=Mail.State.DROPPED, note=note, settled_at=now
    )


def _delete_done(now: datetime) -> int:
    done = Mail.objects.filter(state__in=DONE, settled_at__lt=now - KEPT)
    portion = list(done.order_by("settled_at").values_list("pk", flat=True)[:PORTION])
    if portion:
        Mail.objects.filter(pk__in=portion).delete()
    return len(portion)


def _empty_facts(now: datetime) -> int:
    """What they told is forgotten with the last mail that told it."""
    told = Telling.objects.filter(fact=OuterRef("pk"))
    over = Fact.objects.filter(~Exists(told), told_at__lt=now - KEPT, context__isnull=False)
    portion = list(over.order_by("told_at").values_list("pk", flat=True)[:PORTION])
    return Fact.objects.filter(pk__in=portion).update(context=None, path="", site_ids=[]) if portion else 0
