"""The worker's side of imports: claim one, plan or apply it, and never leave one behind."""

from datetime import timedelta

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as translated

from homeroom.accounts.policy import Permission, Viewer
from homeroom.inventory.imports.models import ImportJob, ImportRow
from homeroom.inventory.imports.planning import Planner
from homeroom.inventory.imports.rows import Planned
from homeroom.inventory.imports.verbs import (
    PlanHasChanged,
    RowsRefused,
    apply_file,
    forget_file,
    read_header,
    source_of,
)
from homeroom.leases import LET_GO, LeaseLost, renew, take, unchanged
from homeroom.web.errors import Refused

State = ImportJob.State
UNDER_WAY = [State.READING, State.PLANNING, State.APPLYING]
LEASE = timedelta(minutes=2)
"""Renewed with every batch of a plan."""
APPLY_LEASE = timedelta(minutes=15)
"""An apply is one transaction and can't renew; a dead process on this host is seen at once all the same."""
KEPT = timedelta(days=7)
"""How long an upload waits to be applied, and how long the rows of an applied one can be looked at."""

log = structlog.get_logger(__name__)


def take_up_due_import() -> bool:
    """Do one import that is due, or that its worker left behind. False: there was none."""
    forget_old_imports()
    job = _claim()
    if job is None:
        return False
    try:
        _do(job)
    except LeaseLost:
        log.warning("import taken over by another worker", job=job.pk)
    except Refused as refused:
        _settle(job, state=State.FAILED, note=refused.sentence)
    except Exception:
        log.exception("import failed", job=job.pk)
        sentence = translated("Something went wrong while this file was worked on. Nothing was applied.")
        _settle(job, state=State.FAILED, note=sentence)
    return True


def _claim() -> ImportJob | None:
    jobs = ImportJob.objects.filter(state__in=UNDER_WAY).order_by("pk")
    taken = (take(job, _lease_of(job)) for job in jobs if job.is_free)
    return next(filter(None, taken), None)


def _lease_of(job: ImportJob) -> timedelta:
    return APPLY_LEASE if job.state == State.APPLYING else LEASE


def _do(job: ImportJob) -> None:
    user = job.requested_by
    if user is None or not user.is_active or not user.viewer().may(Permission.IMPORT):
        _settle(
            job, state=State.FAILED, note=translated("Whoever uploaded this file may not import any more.")
        )
    elif job.state == State.READING:
        _read(job)
    elif job.state == State.APPLYING:
        _apply(job, user.viewer())
    else:
        _plan(job, user.viewer())


def _read(job: ImportJob) -> None:
    row = unchanged(job)
    read_header(job)
    row.update(state=job.state, headers=job.headers, examples=job.examples, mapping=job.mapping, **LET_GO)


def _plan(job: ImportJob, viewer: Viewer, *, note: str = "") -> None:
    """Work out what the file would do, and keep it row by row to be looked at."""
    planner = Planner(source_of(job), viewer)
    with transaction.atomic():
        renew(job, LEASE)
        ImportRow.objects.filter(job=job).delete()
    for batch in planner.batches():
        with transaction.atomic():
            renew(job, LEASE, **planner.tally.counts())
            ImportRow.objects.bulk_create(_rows(job, batch))
    tally = planner.tally
    state = State.REFUSED if tally.refused else State.PLANNED
    _settle(
        job,
        state=state,
        note=note,
        fingerprint=tally.fingerprint,
        new_sites=tally.new_sites,
        **tally.counts(),
    )


def _apply(job: ImportJob, viewer: Viewer) -> None:
    try:
        apply_file(source_of(job), viewer, expected=job.fingerprint, job=job)
    except (PlanHasChanged, RowsRefused):
        renew(job, LEASE, state=State.PLANNING)
        job.state = State.PLANNING
        note = translated(
            "The inventory has changed since this plan was made, so nothing was applied. "
            "Look at the new plan and apply it again."
        )
        _plan(job, viewer, note=note)
        return
    _forget_applied(job)


def _rows(job: ImportJob, batch: list[Planned]) -> list[ImportRow]:
    return [
        ImportRow(
            job=job,
            number=planned.number,
            outcome=planned.outcome,
            label=planned.label[:250],
            changes=[[change.column, change.before, change.after] for change in planned.changes],
            problems=[[problem.column, problem.problem] for problem in planned.problems],
        )
        for planned in batch
        if planned.outcome
    ]


def _settle(job: ImportJob, *, state: State, note: str, **values: object) -> None:
    """End this turn of work, unless somebody else has taken the job over."""
    unchanged(job).update(state=state, note=note, **values, **LET_GO)


def _forget_applied(job: ImportJob) -> None:
    forget_file(job)
    ImportJob.objects.filter(pk=job.pk).update(stored_as="")


def forget_old_imports() -> None:
    """Delete uploads that nobody applied, and what an applied one has kept of people's names."""
    for job in ImportJob.objects.filter(state=State.APPLIED).exclude(stored_as=""):
        _forget_applied(job)
    long_ago = timezone.now() - KEPT
    for job in ImportJob.objects.filter(~Q(state__in=[State.APPLIED, *UNDER_WAY]), requested_at__lt=long_ago):
        if unchanged(job).delete()[0]:
            forget_file(job)
    ImportRow.objects.filter(job__state=State.APPLIED, job__finished_at__lt=long_ago).delete()
