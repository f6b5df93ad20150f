"""The worker's side of imports: claim one, plan or apply it, and never leave one behind."""

import os
import socket
from datetime import timedelta

import structlog
from django.db import transaction
from django.db.models import F, Q, QuerySet
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


class LeaseLost(Exception):  # noqa: N818 - the name is the fact
    """Another worker took this import over."""


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
    """Take one job by a conditional update: of two workers that see it, one gets it."""
    now = timezone.now()
    for job in ImportJob.objects.filter(state__in=UNDER_WAY).order_by("pk"):
        is_free = not job.owner or job.lease_until is None or job.lease_until < now or _is_dead(job.owner)
        if not is_free:
            continue
        lease = APPLY_LEASE if job.state == State.APPLYING else LEASE
        claimed = ImportJob.objects.filter(pk=job.pk, fence=job.fence, state=job.state).update(
            fence=F("fence") + 1, owner=_me(), lease_until=now + lease
        )
        if claimed:
            job.refresh_from_db()
            return job
    return None


def _me() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _is_dead(owner: str) -> bool:
    host, _, process = owner.rpartition(":")
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


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
    mine = _mine(job)
    read_header(job)
    mine.update(
        state=job.state,
        headers=job.headers,
        examples=job.examples,
        mapping=job.mapping,
        owner="",
        lease_until=None,
    )


def _plan(job: ImportJob, viewer: Viewer, *, note: str = "") -> None:
    """Work out what the file would do, and keep it row by row to be looked at."""
    planner = Planner(source_of(job), viewer)
    with transaction.atomic():
        _renew(job)
        ImportRow.objects.filter(job=job).delete()
    for batch in planner.batches():
        with transaction.atomic():
            _renew(job, **planner.tally.counts())
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
        if _mine(job).update(state=State.PLANNING, lease_until=timezone.now() + LEASE):
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


def _mine(job: ImportJob) -> QuerySet[ImportJob]:
    return ImportJob.objects.filter(pk=job.pk, fence=job.fence, state=job.state)


def _renew(job: ImportJob, **counts: int) -> None:
    if not _mine(job).update(lease_until=timezone.now() + LEASE, **counts):
        raise LeaseLost


def _settle(job: ImportJob, *, state: State, note: str, **values: object) -> None:
    """End this turn of work, unless somebody else has taken the job over."""
    _mine(job).update(state=state, note=note, owner="", lease_until=None, **values)


def _forget_applied(job: ImportJob) -> None:
    forget_file(job)
    ImportJob.objects.filter(pk=job.pk).update(stored_as="")


def forget_old_imports() -> None:
    """Delete uploads that nobody applied, and what an applied one has kept of people's names."""
    for job in ImportJob.objects.filter(state=State.APPLIED).exclude(stored_as=""):
        _forget_applied(job)
    long_ago = timezone.now() - KEPT
    for job in ImportJob.objects.filter(~Q(state__in=[State.APPLIED, *UNDER_WAY]), requested_at__lt=long_ago):
        job.delete()
        forget_file(job)
    ImportRow.objects.filter(job__state=State.APPLIED, job__finished_at__lt=long_ago).delete()
