"""The daily digest: one mail a day, at a fixed time on the recipient's clock, of what was told until then."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Min

from homeroom.accounts.models import User
from homeroom.notifications.models import Mail, Telling
from homeroom.notifications.rules import last_digest_moment
from homeroom.notifications.writing import zone_of


def assemble_due_digests(now: datetime) -> int:
    """Queue the digests whose time has come; how many. Who has nothing new gets none."""
    oldest = dict(
        Telling.objects.filter(mail=None)
        .values("recipient")
        .annotate(oldest=Min("fact__told_at"))
        .values_list("recipient", "oldest")
    )
    people = User.objects.in_bulk(oldest) if oldest else {}
    due = [
        (person, moment)
        for person in people.values()
        if oldest[person.pk] < (moment := last_digest_moment(now, zone_of(person)))
    ]
    return sum(_assemble(person, moment) for person, moment in due)


def _assemble(person: User, moment: datetime) -> bool:
    """One person's digest, unless they had that day's already: then what came since waits for the next."""
    day = moment.astimezone(zone_of(person)).date()
    if Mail.objects.filter(recipient=person, digest_day=day).exists():
        return False
    try:
        with transaction.atomic():
            digest = Mail.objects.create(recipient=person, digest_day=day)
            waiting = Telling.objects.filter(recipient=person, mail=None, fact__told_at__lt=moment)
            if not waiting.update(mail=digest):
                transaction.set_rollback(True)
                return False
    except IntegrityError:  # another worker was first
        return False
    return True
