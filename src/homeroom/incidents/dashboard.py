"""What of incidents and shipments waits for those who work on them."""

from collections.abc import Iterator

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from homeroom.accounts.policy import Permission, Viewer
from homeroom.incidents.filters import ME, NOBODY
from homeroom.incidents.queries import (
    OPEN,
    incidents,
    open_incidents_of,
    overdue,
    replacements_received,
)
from homeroom.incidents.shipping.queries import shipments
from homeroom.insurance.queries import today
from homeroom.web.counts import Number
from homeroom.web.dashboard import Card, Severity, Waiting, number_waiting, register_card


def overdue_at_apple(viewer: Viewer) -> Iterator[Waiting]:
    if number := number_waiting(overdue(viewer, today())):
        days = settings.CONFIGURATION.repair_overdue_days
        sentence = ngettext(
            "Away for more than %(days)d day. Ask Apple, or receive what has come back.",
            "Away for more than %(days)d days. Ask Apple, or receive what has come back.",
            days,
        )
        url = f"{reverse('incidents:at-apple')}?overdue=true"
        yield Waiting(_("Overdue at Apple"), sentence % {"days": days}, url, number, Severity.LATE)


def replacements_to_hand_out(viewer: Viewer) -> Iterator[Waiting]:
    """The status says it all, and is left by closing the incident."""
    for status, number in replacements_received(viewer):
        yield Waiting(
            _("Replacements to hand out"),
            _("Apple has sent another device. Tag it, assign it and close its incident."),
            f"{reverse('incidents:incidents')}?state=open&status={status}",
            Number(number),
        )


def own_incidents(viewer: Viewer) -> Iterator[Waiting]:
    if number := number_waiting(open_incidents_of(viewer)):
        url = f"{reverse('incidents:incidents')}?state=open&technician={ME}"
        yield Waiting(_("Your open incidents"), _("Assigned to you and not closed yet."), url, number)


def incidents_of_nobody(viewer: Viewer) -> Iterator[Waiting]:
    if number := number_waiting(incidents(viewer).filter(OPEN, technician__isnull=True)):
        url = f"{reverse('incidents:incidents')}?state=open&technician={NOBODY}"
        yield Waiting(_("Incidents without a technician"), _("Open, and nobody has taken them."), url, number)


def open_shipments(viewer: Viewer) -> Iterator[Waiting]:
    if number := number_waiting(shipments(viewer).filter(shipped_at__isnull=True)):
        url = f"{reverse('incidents:shipments')}?state=open"
        yield Waiting(_("Shipments being packed"), _("Boxes to Apple that are not shipped yet."), url, number)


def register_on_dashboard() -> None:
    edit, send = Permission.EDIT_INCIDENTS, Permission.SEND_TO_APPLE
    for card in (
        Card("overdue-at-apple", icon="clock", permission=send, order=30, waiting=overdue_at_apple),
        Card(
            "replacements-to-hand-out",
            icon="package-import",
            permission=edit,
            order=45,
            waiting=replacements_to_hand_out,
        ),
        Card("own-incidents", icon="tool", permission=edit, order=50, waiting=own_incidents),
        Card(
            "unassigned-incidents", icon="user-search", permission=edit, order=55, waiting=incidents_of_nobody
        ),
        Card("open-shipments", icon="package", permission=send, order=60, waiting=open_shipments),
    ):
        register_card(card)
