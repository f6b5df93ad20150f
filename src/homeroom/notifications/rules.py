"""Who is told, and when: pure decisions. Nothing here asks the database or the clock."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from homeroom.accounts.policy import GRANTS, Role
from homeroom.notifications.kinds import Delivery, Kind


def may_be_told(kind: Kind, role: Role, *, own_site_ids: Iterable[int], site_ids: Iterable[int] = ()) -> bool:
    """Whether a person's role and sites let them know. No sites of their own means every site."""
    if kind.permission not in GRANTS[role]:
        return False
    own = frozenset(own_site_ids)
    return role == Role.ADMINISTRATOR or not own or own.issuperset(site_ids)


def delivery_of(kind: Kind, role: Role, chosen: str | None) -> Delivery:
    """What they chose, or the default of their role. What they may not know comes not at all."""
    if kind.permission not in GRANTS[role]:
        return Delivery.OFF
    return Delivery(chosen) if chosen else kind.default_for(role)


FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=15)
DIGEST_AT = time(7)


def pause_after(attempts: int) -> timedelta:
    """How long a mail waits after so many attempts in vain. It never gives up."""
    doublings: int = min(max(attempts - 1, 0), 10)
    return min(LONGEST_PAUSE, FIRST_PAUSE * (1 << doublings))


def last_digest_moment(now: datetime, zone: tzinfo) -> datetime:
    """The latest moment, not after `now`, at which the clock of the zone showed the time of the digest."""
    day = now.astimezone(zone).date()
    moment = _at_digest_time(day, zone)
    return moment if moment <= now else _at_digest_time(day - timedelta(days=1), zone)


def _at_digest_time(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, DIGEST_AT, zone).astimezone(UTC)
