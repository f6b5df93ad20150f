"""Once a week, what is overdue at Apple is told to those who send and receive it."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.models import User
from homeroom.accounts.policy import HOMEROOM_VIEWER, Permission, Role
from homeroom.incidents.models import Incident
from homeroom.incidents.queries import overdue
from homeroom.notifications.kinds import Delivery, Kind
from homeroom.notifications.queries import was_told
from homeroom.notifications.verbs import notify

OVERDUE_AT_APPLE = Kind(
    key="overdue-at-apple",
    label=_("Overdue at Apple"),
    help_text=_("Once a week: which devices are at Apple for longer than expected."),
    permission=Permission.SEND_TO_APPLE,
    template="incidents/mail/overdue",
    default=Delivery.AT_ONCE,
    default_of_others=Delivery.AT_ONCE,
)
AT = time(7)
"""On Mondays, in the district's time."""
MOST_LISTED = 50


def tell_overdue(*, now: datetime) -> bool:
    """Tell this week's turn, if it has come and was not taken; whether it was. One missed on Monday is told later."""
    week = _week(now)
    if was_told(OVERDUE_AT_APPLE, week):
        return False
    day = now.astimezone(ZoneInfo(settings.TIME_ZONE)).date()
    with transaction.atomic():
        # Told to nobody: that the week's turn is taken.
        if not notify(OVERDUE_AT_APPLE, fact=week, context={}, only_to=[]):
            return False
        found = overdue(HOMEROOM_VIEWER, day).order_by("shipped_on", "number")
        rows = list(found.select_related("device__site", "shipment"))
        for site_ids, user_ids in _audiences().items():
            seen = [row for row in rows if site_ids is None or row.device.site_id in site_ids]
            if seen:
                _tell(f"{week} {_name(site_ids)}", seen, user_ids, day=day)
    return True


def _tell(fact: str, seen: list[Incident], user_ids: Iterable[int], *, day: Any) -> None:
    context = {
        "count": len(seen),
        "days": settings.CONFIGURATION.repair_overdue_days,
        "units": [_unit(incident, day) for incident in seen[:MOST_LISTED]],
        "more": max(0, len(seen) - MOST_LISTED),
    }
    path = f"{reverse('incidents:at-apple')}?overdue=true"
    notify(OVERDUE_AT_APPLE, fact=fact, context=context, path=path, only_to=list(user_ids))


def _unit(incident: Incident, day: Any) -> dict[str, Any]:
    return {
        "device": str(incident.device),
        "serial_number": incident.device.serial_number or "",
        "site": str(incident.device.site),
        "summary": incident.summary,
        "incident": str(incident),
        "path": incident.get_absolute_url(),
        "days": (day - incident.shipped_on).days if incident.shipped_on else 0,
        "shipment": str(incident.shipment or ""),
    }


def _audiences() -> dict[frozenset[int] | None, list[int]]:
    """Who may be told, by the sites that they see; None: every site, as a depot's technicians do of what is away."""
    people = User.objects.filter(is_active=True, role__in=OVERDUE_AT_APPLE.roles).prefetch_related("sites")
    audiences: dict[frozenset[int] | None, list[int]] = {}
    for person in people.order_by("pk"):
        sites = list(person.sites.all())
        sees_all = person.role == Role.ADMINISTRATOR or not sites or any(site.is_depot for site in sites)
        audience = None if sees_all else frozenset(site.pk for site in sites)
        audiences.setdefault(audience, []).append(person.pk)
    return audiences


def _name(site_ids: frozenset[int] | None) -> str:
    """Short, however many sites they are."""
    if site_ids is None:
        return "all"
    return sha256(",".join(str(pk) for pk in sorted(site_ids)).encode()).hexdigest()


def _week(now: datetime) -> str:
    """The ISO week whose turn is the latest: it begins on Monday at seven."""
    local = now.astimezone(ZoneInfo(settings.TIME_ZONE)).replace(tzinfo=None)
    year, week, _weekday = (local - timedelta(hours=AT.hour)).isocalendar()
    return f"{year}-W{week:02}"
