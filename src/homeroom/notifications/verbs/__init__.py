"""Telling people by mail of what happened.

An app that has something to tell describes the kind once and registers it in its `AppConfig.ready()`:

    BATTERY_SWOLLEN = Kind(
        key="battery-swollen",
        label=_("Swollen batteries"),
        help_text=_("A technician found a battery that must not be charged any more."),
        permission=Permission.VIEW_INVENTORY,
        template="incidents/mail/battery_swollen",
    )
    register_kind(BATTERY_SWOLLEN)

It adds three templates: `battery_swollen_subject.txt` (one line that tells the fact by itself, since a digest shows
nothing else), `battery_swollen.txt` and `battery_swollen.html`, which extend `notifications/mail/base.txt` and
`notifications/mail/base.html` and fill their block `content`. Then it tells each fact where it happens, inside the
transaction that makes it true:

    with transaction.atomic():
        ...
        notify(
            BATTERY_SWOLLEN,
            fact=f"incident:{incident.pk}",
            context={"device": str(device), "found_at": incident.opened_at, "count": 1},
            path=incident.get_absolute_url(),
            site_ids=[device.site_id],
        )

That is all: who is told and how is settled here, a worker sends. A second `notify` with the same kind and fact does
nothing, also years later, so a verb that may run twice needs no check of its own. The context holds facts, not texts:
words, numbers, days and times (aware; they come out as such and are written in the recipient's time zone). Templates
are given it with `url` (the page at `path`, absolute), `base_url` for further links, `told_at` and `recipient`; of a
kind that brings files also with `attached` and `too_large`, the names of those that the mail has and of those that are
larger than HOMEROOM_REPORT_ATTACHMENT_MB.
"""

from homeroom.notifications.verbs.choosing import choose_deliveries
from homeroom.notifications.verbs.digests import assemble_due_digests
from homeroom.notifications.verbs.keeping import forget_old_mail
from homeroom.notifications.verbs.mending import send_test_mail, try_again
from homeroom.notifications.verbs.sending import send_due_mail
from homeroom.notifications.verbs.telling import notify

__all__ = [
    "assemble_due_digests",
    "choose_deliveries",
    "forget_old_mail",
    "notify",
    "send_due_mail",
    "send_test_mail",
    "try_again",
]
