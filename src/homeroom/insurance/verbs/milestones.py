"""Once a day, site by site, it is told which devices have come to a milestone before the end of their AppleCare."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import accumulate, groupby, islice
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.policy import HOMEROOM_VIEWER, Permission
from homeroom.insurance import queries
from homeroom.insurance.models import ToldMilestone
from homeroom.insurance.rules import MILESTONES, FollowUpState
from homeroom.notifications.kinds import Delivery, Kind
from homeroom.notifications.queries import was_told
from homeroom.notifications.verbs import notify
from homeroom.rows import write_rows

COVERAGE_ENDING = Kind(
    key="applecare-expiring",
    label=_("AppleCare expiring soon"),
    help_text=_(
        "For each site, the devices that wait for a decision and come to 90, 60, 30 or 7 days before the end: "
        "once for each milestone, never daily."
    ),
    permission=Permission.EDIT_INSURANCE,
    template="insurance/mail/coverage_ending",
    default=Delivery.DIGEST,
    default_of_others=Delivery.DIGEST,
)
AT = time(6)
"""In the district's time: after the night's syncs, and before the digests."""
BATCH = 2_000
MOST_LISTED = 25

Reached = dict[str, Any]
"""A device that has come to a milestone: see `_reached`."""


def tell_milestones(*, now: datetime) -> bool:
    """Take the day's turn, if it has come and was not taken; whether it was. One missed in the morning is made up for.

    What was told is kept with the telling, or neither is: a process that dies in the middle has done nothing.
    """
    local = now.astimezone(ZoneInfo(settings.TIME_ZONE))
    turn = str((local.replace(tzinfo=None) - timedelta(hours=AT.hour)).date())
    if was_told(COVERAGE_ENDING, turn):
        return False
    day = local.date()
    with transaction.atomic():
        # Told to nobody: that the day's turn is taken.
        if not notify(COVERAGE_ENDING, fact=turn, context={}, only_to=[]):
            return False
        ToldMilestone.objects.filter(ends__lt=day).delete()
        for (site_id, site), devices in groupby(_reached(day), key=_site_of):
            _tell(f"{turn} site:{site_id}", site_id, site, devices, day)
    return True


def _reached(day: date) -> Iterator[Reached]:
    """Site by site, the most urgent first; read bit by bit, however many there are."""
    paths = ("pk", "site_id", "site__name", "asset_tag", "serial_number", "coverage_ends", "milestone")
    found: Any = queries.newly_at_milestone(HOMEROOM_VIEWER, day)
    in_order = found.order_by("site__name", "site_id", "coverage_ends", "asset_tag", "pk")
    rows: Iterator[Reached] = in_order.values(*paths).iterator(chunk_size=BATCH)
    return rows


def _site_of(device: Reached) -> tuple[int, str]:
    return device["site_id"], device["site__name"]


def _tell(fact: str, site_id: int, site: str, devices: Iterator[Reached], day: date) -> None:
    milestones: Counter[int] = Counter()
    listed: list[Reached] = []
    while some := list(islice(devices, BATCH)):
        _keep(some)
        milestones.update(device["milestone"] for device in some)
        listed += some[: MOST_LISTED - len(listed)]
    count = milestones.total()
    context = {
        "site": site,
        "count": count,
        "days": max(milestones),
        "milestones": _within(milestones),
        "devices": [_told_of(device, day) for device in listed],
        "more": count - len(listed),
    }
    query = urlencode(
        {"site": str(site_id), "days": str(max(MILESTONES)), "follow_up": FollowUpState.WAITING.value}
    )
    path = f"{reverse('reports:report', args=['applecare-expiring'])}?{query}"
    notify(COVERAGE_ENDING, fact=fact, context=context, path=path, site_ids=[site_id])


def _within(milestones: Counter[int]) -> list[dict[str, int]]:
    """How many end within so many days: those of a nearer milestone are among them."""
    reached = sorted(milestones)
    counts = accumulate(milestones[days] for days in reached)
    return [{"days": days, "count": count} for days, count in zip(reached, counts, strict=True)]


def _keep(devices: Sequence[Reached]) -> None:
    write_rows(ToldMilestone, map(_row, devices))


def _row(device: Reached) -> dict[str, Any]:
    return {
        "device_id": device["pk"],
        "ends": device["coverage_ends"],
        "milestone": device["milestone"],
    }


def _told_of(device: Reached, day: date) -> dict[str, Any]:
    tag, serial = device["asset_tag"], device["serial_number"]
    return {
        "device": tag or serial,
        "serial_number": (tag and serial) or "",
        "ends": device["coverage_ends"],
        "days": (device["coverage_ends"] - day).days,
        "path": reverse("inventory:device", args=[device["pk"]]),
    }
