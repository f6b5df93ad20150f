"""Whose coverage is asked for in a run, and in what order: the coverage queue.

Every device has its day in a cycle of HOMEROOM_COVERAGE_MAX_AGE_DAYS days, by a hash of its serial number, so that
each day has an even share from the first check on. Nights that were missed are made up for within a budget: what it
leaves out waits for the next day, the oldest check first. Devices in open incidents go ahead of all others: somebody
waits to know who pays.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from hashlib import blake2b
from math import ceil, inf, isqrt
from typing import Any

from django.conf import settings
from django.db.models import Case, DateTimeField, Exists, F, IntegerField, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Mod
from django.utils import timezone

from homeroom.applesync.models import AppleDevice, SyncRun
from homeroom.incidents.models import Incident
from homeroom.insurance.models import CoverageCheck, CoverageSummary
from homeroom.insurance.rules import MILESTONES
from homeroom.inventory.models import Device
from homeroom.rows import refresh_statistics

CHUNK = 1000
JOINED = (AppleDevice, CoverageCheck, CoverageSummary, Device, Incident)
"""The tables of the queue, which a first sync fills while it asks."""
# Days before the end of cover, and the day after it, on which Apple is asked once more.
ASKED_AGAIN = (*MILESTONES, -1)
# Even over every usual length of the cycle: a multiple of 7, 10, 12, 14, 15, 28 and 30.
COVERAGE_DAYS = 32_760
# So few are not worth putting off.
WORTH_MINUTES = 1000
ATTEMPTED = "device__coverage_check__attempted_at"
UNTIL = "device__coverage_summary__applecare_until"
_OPEN_INCIDENTS = Incident.objects.filter(device=OuterRef("device_id"), closed_at__isnull=True)


@dataclass(frozen=True, slots=True)
class Target:
    """A device whose coverage is to be asked for."""

    row_id: int
    serial_number: str
    device_id: int


def coverage_day(serial_number: str) -> int:
    """The same for a serial number always and everywhere; modulo the length of the cycle it is its day."""
    return int.from_bytes(blake2b(serial_number.encode(), digest_size=8).digest()) % COVERAGE_DAYS


def chunks(run: SyncRun, today: date, *, size: int = CHUNK) -> Iterator[list[Target]]:
    """One pass over the queue, from its beginning, of those that were not asked for in this run."""
    refresh_statistics(*JOINED)
    day = Day(run.connection_id, today)
    queue = Queue(day, asked_since=run.started_at)
    left = day.left_of_cap
    first: set[int] = set()
    for chunk in pages(queue.in_incidents, "device_id", size=size, most=left):
        first.update(target.row_id for target in chunk)
        left -= len(chunk)
        yield chunk
    for chunk in pages(queue.never_answered, "device_id", size=size, most=left):
        left -= len(chunk)
        yield chunk
    yield from _answered_before(day, queue, left, size=size, but=first)


def count(run: SyncRun, today: date) -> int:
    """How many a pass over the queue would ask for now."""
    refresh_statistics(*JOINED)
    day = Day(run.connection_id, today)
    queue = Queue(day, asked_since=run.started_at)
    ahead = pages(queue.in_incidents, "device_id", size=CHUNK, most=day.left_of_cap)
    first = {target.row_id for chunk in ahead for target in chunk}
    left = day.left_of_cap - len(first)
    new = min(queue.never_answered.count(), left)
    then = _answered_before(day, queue, left - new, size=CHUNK, but=first)
    return len(first) + int(new) + sum(map(len, then))


def waiting(day: "Day") -> int:
    """How many have their turn and are beyond the rest of the day's budget."""
    queue = Queue(day, asked_since=None)
    left = max(0, day.left_of_cap - queue.in_incidents.count() - queue.never_answered.count())
    allowed = min(left, max(day.left_of_budget, day.must_today))
    return int(max(0, queue.day_has_come.count() - allowed))


def _answered_before(
    day: "Day", queue: "Queue", left: float, *, size: int, but: Collection[int]
) -> Iterator[list[Target]]:
    """What ends soon, as far as what has its day leaves room; what changed at Apple; then that, the oldest first.

    A whole fleet may end on one day, and has its days anyway. Changes come on top of the budget where none is set.
    `but` are those that went ahead.
    """
    early = set(but)
    if queue.ending.exists() or queue.changed.exists():
        room = int(max(0, min(day.left_of_budget, left) - queue.day_has_come.count()))
        for_changes = max(room, WORTH_MINUTES) if left == inf else room
        for lane, key, places in ((queue.ending, UNTIL, room), (queue.changed, "updated_at", for_changes)):
            taken = len(early) - len(but)
            for chunk in pages(lane, key, size=size, most=places - taken, but=early):
                early.update(target.row_id for target in chunk)
                yield chunk
    most = min(left - (len(early) - len(but)), max(day.left_of_budget, day.must_today))
    yield from pages(queue.day_has_come, ATTEMPTED, size=size, most=most, but=early)


class Day:
    """How much may be asked for on a day, and how much of it has been."""

    def __init__(self, connection_id: int, today: date) -> None:
        self.today = today
        self.cycle: int = settings.CONFIGURATION.coverage_max_age_days
        self.devices = AppleDevice.objects.filter(
            connection=connection_id, device__isnull=False, gone_since__isnull=True
        )

    @cached_property
    def share(self) -> int:
        """What is to be asked for each day so that everything has its turn within the cycle."""
        return ceil(self.devices.count() / self.cycle)

    @property
    def budget(self) -> int:
        """The share, and room for a spread that is not perfectly even."""
        return with_unevenness(self.share)

    @property
    def left_of_cap(self) -> float:
        """What the configured budget leaves for the rest of the day, new devices included."""
        cap = settings.CONFIGURATION.coverage_daily_budget
        return max(0, cap - self._checked_today.count()) if cap else inf

    @property
    def left_of_budget(self) -> int:
        """New devices come on top of it, so checks of what was first seen today don't count."""
        spent = self._checked_today.filter(first_seen_at__lt=midnight(self.today)).count()
        return max(0, self.budget - spent)

    @property
    def must_today(self) -> int:
        """Checks that would be older than the cycle tomorrow. After missed nights, two budgets' worth."""
        last = midnight(self.today - timedelta(days=self.cycle - 1))
        old = self.devices.filter(**{f"{ATTEMPTED}__lt": last}).count()
        return min(old, max(2 * self.budget, WORTH_MINUTES))

    @property
    def _checked_today(self) -> QuerySet[AppleDevice]:
        return self.devices.filter(**{f"{ATTEMPTED}__gte": midnight(self.today)})


class Queue:
    """The lanes of the queue, disjoint but for `ending` and `changed`, which may hold what others do."""

    def __init__(self, day: Day, *, asked_since: datetime | None) -> None:
        self._day = day
        self._asked_since = asked_since or timezone.now()

    @property
    def in_incidents(self) -> QuerySet[AppleDevice]:
        """In an open incident, and due for whichever reason, or not asked for since the incident was opened."""
        opened_since = Exists(_OPEN_INCIDENTS.filter(opened_at__gt=OuterRef(ATTEMPTED)))
        due_again = self._answered & (self._has_its_day | Q(opened_since))
        in_one = Incident.objects.filter(closed_at__isnull=True).order_by().values("device")
        return self._with_turn.filter(device__in=in_one).filter(self._never_answered | due_again)

    @property
    def never_answered(self) -> QuerySet[AppleDevice]:
        return self._day.devices.filter(self._never_answered, ~Exists(_OPEN_INCIDENTS))

    @property
    def ending(self) -> QuerySet[AppleDevice]:
        """AppleCare that has come to one of its milestones since the last check."""
        reached = _milestones(self._day.today, self._day.cycle)
        return (
            self._day.devices.filter(self._answered)
            .filter(**{f"{UNTIL}__gte": min(reached), f"{UNTIL}__lte": max(reached)})
            .annotate(reached_at=_by(UNTIL, reached))
            .filter(**{f"{ATTEMPTED}__lt": F("reached_at")})
        )

    @property
    def changed(self) -> QuerySet[AppleDevice]:
        """Changed at Apple since the last check. What changed longer ago than a cycle has had its day since."""
        lately = midnight(self._day.today - timedelta(days=self._day.cycle))
        changed = Q(updated_at__gte=lately, updated_at__gt=F(ATTEMPTED))
        return self._day.devices.filter(self._answered, changed)

    @property
    def day_has_come(self) -> QuerySet[AppleDevice]:
        """Not checked since their day in the cycle; and those whose last check failed, once a day."""
        return self._with_turn.filter(self._answered, self._has_its_day, ~Exists(_OPEN_INCIDENTS))

    @property
    def _with_turn(self) -> QuerySet[AppleDevice]:
        """With `due_at`, the beginning of their last day in the cycle."""
        cycle = self._day.cycle
        turn = Mod("coverage_day", cycle, output_field=IntegerField())
        return self._day.devices.annotate(turn=turn, due_at=turns(self._day.today, cycle))

    @property
    def _has_its_day(self) -> Q:
        failed = ~Q(device__coverage_check__failure="")
        before_today = Q(**{f"{ATTEMPTED}__lt": midnight(self._day.today)})
        return before_today & (failed | Q(**{f"{ATTEMPTED}__lt": F("due_at")}))

    @property
    def _never_answered(self) -> Q:
        done = Q(succeeded_at__isnull=False) | Q(attempted_at__gte=self._asked_since)
        return Q(~Exists(CoverageCheck.objects.filter(done, device=OuterRef("device_id"))))

    @property
    def _answered(self) -> Q:
        return Q(
            **{"device__coverage_check__succeeded_at__isnull": False, f"{ATTEMPTED}__lt": self._asked_since}
        )


def with_unevenness(share: int) -> int:
    """An even share of a day, and what a hash may usually exceed it by."""
    return share + 3 * isqrt(share) + 3


def turns(today: date, cycle: int) -> Case:
    """The beginning of the last day in the cycle of a row, by its `turn`: the coverage day modulo the cycle."""
    days = (today - timedelta(days=ago) for ago in range(cycle))
    return _by("turn", {day.toordinal() % cycle: day for day in days})


def midnight(day: date) -> datetime:
    """The beginning of a day of the district."""
    return timezone.make_aware(datetime.combine(day, datetime.min.time()), timezone.get_default_timezone())


def _milestones(today: date, cycle: int) -> dict[date, date]:
    """The last days of cover that reached a milestone within the cycle, each with the day on which it did."""
    reached: dict[date, date] = {}
    for milestone in sorted(ASKED_AGAIN, reverse=True):
        for ago in range(cycle):
            day = today - timedelta(days=ago)
            reached[day + timedelta(days=milestone)] = day
    return reached


def _by(name: str, days: dict[Any, date]) -> Case:
    """The beginning of the day that belongs to the value of a field."""
    return Case(
        *(When(**{name: value}, then=Value(midnight(day))) for value, day in days.items()),
        output_field=DateTimeField(),
    )


def pages(
    lane: QuerySet[AppleDevice], key: str, *, size: int, most: float, but: Collection[int] = ()
) -> Iterator[list[Target]]:
    """A lane in the order of `key`, in chunks and up to `most`, without the rows of `but`."""
    rows = lane.order_by(key, "pk").values_list(key, "pk", "serial_number", "device_id")
    behind = Q()
    while most > 0 and (found := list(rows.filter(behind)[:size])):
        last, last_id = found[-1][:2]
        behind = Q(**{f"{key}__gte": last}) & (Q(**{f"{key}__gt": last}) | Q(pk__gt=last_id))
        chunk = [Target(*row[1:]) for row in found if row[1] not in but][: int(min(size, most))]
        most -= len(chunk)
        if chunk:
            yield chunk
