"""What can be asked about syncs: their history, how far one is, what it counted."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, TypedDict

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _
from django_stubs_ext.annotations import Annotations

from homeroom.accounts.policy import Permission, Viewer
from homeroom.applesync.models import Connection, RunNote, SyncRun
from homeroom.applesync.verbs.runs import counts
from homeroom.insurance.models import CoverageCheck
from homeroom.inventory.queries import of_visible_devices
from homeroom.plans import there_is_none
from homeroom.web.counts import written

CHECKPOINT_FIELDS = ("listing_seen", "listing_cursor")
PROBLEMS = (
    RunNote.Kind.UNREADABLE,
    RunNote.Kind.ODD_VALUE,
    RunNote.Kind.COVERAGE_FAILED,
    RunNote.Kind.UNKNOWN_TO_APPLE,
    RunNote.Kind.DETAILS_FAILED,
)


class Listing(TypedDict):
    listed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is. `total` is 0 while nobody can say."""

    done: int
    total: int
    left: timedelta | None
    line: str


def runs(viewer: Viewer) -> QuerySet[SyncRun]:
    if not viewer.may(Permission.VIEW_SYNC):
        return SyncRun.objects.none()
    return (
        SyncRun.objects.defer(*CHECKPOINT_FIELDS)
        .select_related("connection")
        .defer("connection__private_key")
    )


def notes(viewer: Viewer, run: SyncRun) -> QuerySet[RunNote]:
    """A run's notes; those about devices of other sites only for those who see all sites."""
    return of_visible_devices(run.notes.select_related("device"), viewer)


def sync_problems(viewer: Viewer) -> QuerySet[RunNote]:
    """What syncs could not read, make sense of or learn, as it was noted last of each serial number.

    A coverage check that failed is one as long as none has succeeded since. What left Apple's list is a fact and no
    problem; a preview tells nothing that the sync after it does not tell again.
    """
    if not viewer.may(Permission.VIEW_SYNC):
        return RunNote.objects.none()
    again = RunNote.objects.filter(
        serial_number=OuterRef("serial_number"),
        kind=OuterRef("kind"),
        run__connection=OuterRef("run__connection"),
        run__preview=False,
        pk__gt=OuterRef("pk"),
    )
    succeeded = CoverageCheck.objects.filter(device=OuterRef("device"), failure="")
    still_failing = ~Q(kind=RunNote.Kind.COVERAGE_FAILED) | there_is_none(succeeded)
    seen = of_visible_devices(RunNote.objects.filter(kind__in=PROBLEMS, run__preview=False), viewer)
    return seen.filter(Q(serial_number="") | ~Exists(again), still_failing)


def complete_listings() -> QuerySet[Annotated[SyncRun, Annotations[Listing]]]:
    """Runs that wrote Apple's whole list, the latest first; a preview that was applied had read it before."""
    ended = (SyncRun.State.SUCCEEDED, SyncRun.State.HELD)
    found = SyncRun.objects.filter(state__in=ended, preview=False).order_by("-id")
    return found.annotate(listed_at=Coalesce("replays__started_at", "started_at"))


def last_complete_listing(connection: Connection) -> datetime | None:
    """When Apple's whole list was last read, and written: what is not gone was seen then."""
    complete = complete_listings().filter(connection=connection)
    return complete.values_list("listed_at", flat=True).first()


def note_kinds(shown: QuerySet[RunNote]) -> list[tuple[str, str, int]]:
    """Each kind of note that occurs, its label and how often."""
    found = shown.order_by().values_list("kind").annotate(times=Count("pk"))
    return [(kind, str(RunNote.Kind(kind).label), times) for kind, times in sorted(found)]


def duration(run: SyncRun) -> timedelta:
    if run.started_at is None:
        return timedelta(0)
    return (run.finished_at or timezone.now()) - run.started_at


def progress(run: SyncRun) -> Progress:
    done = run.coverage_checked + run.coverage_failed
    left = _time_left(run, done)
    if run.step == SyncRun.Step.COVERAGE and run.coverage_due:
        line = _("%(step)s: %(done)s of %(total)s") % _shown(run, done=done, total=run.coverage_due)
    else:
        line = _("%(step)s: %(listed)s listed, coverage of %(done)s asked for") % _shown(
            run, listed=run.listed, done=done
        )
    line += " · " + _("%(requests)s requests") % {"requests": written(run.requests)}
    if run.throttled:
        line += " · " + _("%(throttled)s times told to slow down") % {"throttled": written(run.throttled)}
    return Progress(done, run.coverage_due, left, line)


def result(run: SyncRun) -> dict[str, object]:
    """The one JSON shape of a run: of `homeroom apple sync --json`, the API and exports."""
    numbers = counts(run)
    requests = {name: numbers.pop(name) for name in ("requests", "throttled", "retries", "problems")}
    return {
        "run": run.pk,
        "connection": run.connection.name,
        "state": run.state,
        **numbers,
        **{name: requests[name] for name in ("requests", "throttled", "retries")},
        "seconds": round(duration(run).total_seconds(), 3),
        "problems": requests["problems"],
    }


def _time_left(run: SyncRun, done: int) -> timedelta | None:
    """By the run's own speed so far, once the list is complete and something has been asked for."""
    if run.step != SyncRun.Step.COVERAGE or not done or run.coverage_due <= done:
        return None
    return duration(run) / done * (run.coverage_due - done)


def _shown(run: SyncRun, **numbers: int) -> dict[str, object]:
    shown: dict[str, object] = {name: written(number) for name, number in numbers.items()}
    return shown | {"step": run.get_step_display()}
