"""Which incidents the statistics count."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q

from homeroom.incidents.models import Incident
from homeroom.incidents.queries import is_at_apple
from homeroom.reports.statistics.tally import NOT_REPAIRS, REPLACED, first_day


def zone() -> ZoneInfo:
    return ZoneInfo(settings.TIME_ZONE)


def midnight(day: date) -> datetime:
    """The beginning of the district's day."""
    return datetime.combine(day, time(), zone())


def opened_lately(day: date) -> Q:
    return Q(opened_at__gte=midnight(first_day(day)))


def counted_in_rates(day: date) -> Q:
    return opened_lately(day) & ~Q(kind__in=NOT_REPAIRS)


def repaired_lately(day: date) -> Q:
    """Sent to Apple, and closed lately."""
    return Q(sent_at__isnull=False, closed_at__gte=midnight(first_day(day)))


def closed_in_month(first: date, following: date) -> Q:
    return Q(closed_at__gte=midnight(first), closed_at__lt=midnight(following))


def with_result(result: str) -> Q:
    replaced = Q(outcome=Incident.Outcome.REPLACED)
    return replaced if result == REPLACED else ~replaced


def countable(day: date) -> Q:
    """What any number counts."""
    return opened_lately(day) | repaired_lately(day) | is_at_apple()
