"""What can be asked about insurance and coverage. The coverage state has its one definition here."""

from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import (
    BooleanField,
    Case,
    CharField,
    DateField,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
)
from django.utils import timezone

from homeroom.accounts.policy import Viewer
from homeroom.insurance.models import FollowUp, InsuranceRecord, Source, ToldMilestone
from homeroom.insurance.rules import MILESTONES, CoverageState, FollowUpState
from homeroom.inventory.makes import apples
from homeroom.inventory.models import Device
from homeroom.inventory.queries import current, visible_devices
from homeroom.plans import Likely

SUMMARY = "coverage_summary__"
CHECK = "coverage_check__"
FOLLOW_UP = "coverage_follow_up__"
_THAT_HOLD = [each.value for each in FollowUp.Decision if each != FollowUp.Decision.REOPENED]


def today() -> date:
    """The district's day, whatever the time zone of the person who asks."""
    return timezone.localdate(timezone=ZoneInfo(settings.TIME_ZONE))


_has_stopped: list[Exists] = []


def register_stopped_sync(stopped: Exists) -> None:
    """How a record's device is known to be synced no longer: a condition that higher apps bring."""
    _has_stopped.append(stopped)


def with_sync_mark(records: QuerySet[InsuranceRecord]) -> QuerySet[InsuranceRecord]:
    """Annotate `no_longer_synced`: a record that came from Apple, and that no sync would change any more."""
    stopped = [When(Q(source=Source.APPLECARE_SYNC) & condition, then=True) for condition in _has_stopped]
    return records.annotate(no_longer_synced=Case(*stopped, default=False, output_field=BooleanField()))


def insurance_records(viewer: Viewer) -> QuerySet[InsuranceRecord]:
    records = InsuranceRecord.objects.select_related("device")
    return records if viewer.site_ids is None else records.filter(device__in=visible_devices(viewer))


def with_coverage(devices: QuerySet[Device], day: date) -> QuerySet[Device]:
    """Annotates `coverage` and `warranty` (a CoverageState each), `coverage_ends` and `warranty_ends`.

    An end is null while there is no cover of that kind, or it is open-ended, or another period has begun
    whose end the summary does not hold yet.
    """
    return devices.annotate(
        coverage=_state("applecare", day),
        coverage_ends=_ends("applecare", day),
        warranty=_state("warranty", day),
        warranty_ends=_ends("warranty", day),
    )


def in_state(
    devices: QuerySet[Device], state: str, day: date, *, kind: str = "applecare"
) -> QuerySet[Device]:
    """Those whose AppleCare coverage, or `warranty`, is in that state."""
    return devices.filter(_is_in(state, kind, day))


def _is_in(state: str, kind: str, day: date) -> Q:
    """As conditions and not as what a case comes to, so that a database can tell how many there are.

    Of those that have no summary or check it can't: it would take the unknown ones for next to none.
    """
    began = _has_begun(kind, day)
    match state:
        case CoverageState.COVERED:
            return covered(kind, day)
        case CoverageState.ENDED:
            return began & ~covered(kind, day)
        case CoverageState.NONE:
            return ~covered(kind, day) & ~began & _is_known()
        case CoverageState.UNKNOWN:
            return Q(Likely(~covered(kind, day) & ~began & ~_is_known()))
    return Q(pk__in=())


def expiring(devices: QuerySet[Device], day: date, *, within: int) -> QuerySet[Device]:
    """Those that AppleCare covers on the day, and no longer after so many days."""
    still_covered = in_state(devices, CoverageState.COVERED, day)
    return ending(still_covered, day, since=day, until=day + timedelta(days=within))


def ending(
    devices: QuerySet[Device], day: date, *, since: date | None = None, until: date | None = None
) -> QuerySet[Device]:
    """Those whose AppleCare ends, or ended, in these days, both included."""
    # Of the summary's own days and not of `coverage_ends`: what comes of a case a database can't estimate.
    known = devices.filter(_none_has_begun_since(day), _until("isnull", False))
    if since is not None:
        known = known.filter(_until("gte", since))
    return known if until is None else known.filter(_until("lte", until))


def _none_has_begun_since(day: date) -> Q:
    """Where no other period has, the end is the one that the summary holds."""
    next_from = f"{SUMMARY}applecare_next_from"
    return Q(**{f"{next_from}__isnull": True}) | Q(**{f"{next_from}__gt": day})


def _until(than: str, value: object) -> Q:
    return Q(**{f"{SUMMARY}applecare_until__{than}": value})


def in_question(viewer: Viewer) -> QuerySet[Device]:
    """The devices whose AppleCare anybody asks about: neither lost, retired nor of another make."""
    return apples(current(visible_devices(viewer)))


def ending_some_day(viewer: Viewer, day: date) -> QuerySet[Device]:
    """Of these, the covered ones whose end is known."""
    return still_to_end(in_question(viewer), day)


def still_to_end(devices: QuerySet[Device], day: date) -> QuerySet[Device]:
    return ending(in_state(devices, CoverageState.COVERED, day), day, since=day)


def to_be_decided(devices: QuerySet[Device], day: date) -> QuerySet[Device]:
    """Those about whose end of AppleCare a person can decide: what *AppleCare Expiring Soon* has, however far ahead.

    Each with what `with_coverage` annotates.
    """
    return with_coverage(still_to_end(apples(current(devices)), day), day)


def with_follow_up(devices: QuerySet[Device], day: date) -> QuerySet[Device]:
    """Annotates `follow_up` (a FollowUpState), and what goes with it.

    `follow_up_until` is null while it waits; `decided_by` and `follow_up_note` are of what was last decided about
    this end.
    """
    return devices.annotate(
        follow_up=_follow_up(day),
        follow_up_until=_of_decision("until", decided(day)),
        decided_by=_of_decision("decided_by", about_this_end()),
        follow_up_note=_of_decision("note", about_this_end()),
    )


def in_follow_up(devices: QuerySet[Device], state: str, day: date) -> QuerySet[Device]:
    return devices.alias(follow_up_state=_follow_up(day)).filter(follow_up_state=state)


@dataclass(frozen=True, slots=True)
class Shown:
    """Devices as a page has them. By `mark` a form knows them again: which, when they end, what was decided."""

    number: int
    mark: str


def shown(devices: QuerySet[Device], day: date, *, most: int) -> Shown | None:
    """None: there are more."""
    told = with_coverage(devices, day).annotate(follow_up=_follow_up(day))
    rows = list(told.order_by().values_list("pk", "coverage_ends", "follow_up")[: most + 1])
    if len(rows) > most:
        return None
    return Shown(len(rows), sha256(repr(sorted(rows)).encode()).hexdigest())


def decided(day: date) -> Q:
    """Somebody decided about the end that AppleCare has now, and that day it still holds."""
    holds = Q(**{f"{FOLLOW_UP}until__isnull": True}) | Q(**{f"{FOLLOW_UP}until__gt": day})
    return about_this_end() & Q(**{f"{FOLLOW_UP}decision__in": _THAT_HOLD}) & holds


def about_this_end() -> Q:
    return Q(**{f"{FOLLOW_UP}ends": F(f"{SUMMARY}applecare_until")})


def newly_at_milestone(viewer: Viewer, day: date) -> QuerySet[Device]:
    """Those that wait and have come to a `milestone` that was not told of this end yet, nor a later one."""
    soon = ending(ending_some_day(viewer, day), day, until=day + timedelta(days=max(MILESTONES)))
    waiting = in_follow_up(with_coverage(soon, day), FollowUpState.WAITING, day).annotate(
        milestone=_milestone(day)
    )
    told = ToldMilestone.objects.filter(
        device=OuterRef("pk"), ends=OuterRef("coverage_ends"), milestone__lte=OuterRef("milestone")
    )
    return waiting.filter(~Exists(told))


def without_applecare(viewer: Viewer, day: date) -> QuerySet[Device]:
    """Of these, those that had AppleCare, and those of which Apple says that they have none. Not the unknown ones."""
    known = _has_begun("applecare", day) | _is_known()
    return in_question(viewer).filter(~covered("applecare", day), known)


def covered(kind: str, day: date) -> Q:
    lasts = Q(**{f"{SUMMARY}{kind}_until__isnull": True}) | Q(**{f"{SUMMARY}{kind}_until__gte": day})
    return _next_has_begun(kind, day) | (_has_begun(kind, day) & lasts)


def _ends(kind: str, day: date) -> Case:
    return Case(
        When(_next_has_begun(kind, day), then=None),
        default=F(f"{SUMMARY}{kind}_until"),
        output_field=DateField(),
    )


def _follow_up(day: date) -> Case:
    return Case(
        When(decided(day), then=F(f"{FOLLOW_UP}decision")),
        default=Value(FollowUpState.WAITING.value),
        output_field=CharField(),
    )


def _of_decision(field: str, condition: Q) -> Case:
    return Case(When(condition, then=F(f"{FOLLOW_UP}{field}")))


def _milestone(day: date) -> Case:
    """The last one that was reached: a device that is first seen with 20 days left has come to that of 30."""
    reached = [
        When(coverage_ends__lte=day + timedelta(days=days), then=Value(days)) for days in sorted(MILESTONES)
    ]
    return Case(*reached, output_field=IntegerField())


def _has_begun(kind: str, day: date) -> Q:
    return Q(**{f"{SUMMARY}{kind}_from__lte": day})


def _next_has_begun(kind: str, day: date) -> Q:
    return Q(**{f"{SUMMARY}{kind}_next_from__lte": day})


def _is_known() -> Q:
    """Whether the last check succeeded: then what Apple did not tell of, there is not."""
    return Q(**{f"{CHECK}succeeded_at__isnull": False, f"{CHECK}failure": ""})


def _state(kind: str, day: date) -> Case:
    return Case(
        When(covered(kind, day), then=Value(CoverageState.COVERED.value)),
        When(_has_begun(kind, day), then=Value(CoverageState.ENDED.value)),
        When(_is_known(), then=Value(CoverageState.NONE.value)),
        default=Value(CoverageState.UNKNOWN.value),
        output_field=CharField(),
    )


def record_status(day: date) -> Case:
    """`active`, `ended`, `cancelled` or `upcoming`, of insurance records."""
    return Case(
        When(cancelled_on__lte=day, then=Value("cancelled")),
        When(Q(ended_on__lte=day) | Q(ends__lt=day), then=Value("ended")),
        When(starts__gt=day, then=Value("upcoming")),
        default=Value("active"),
        output_field=CharField(),
    )
