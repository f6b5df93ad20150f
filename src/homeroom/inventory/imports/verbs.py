"""What can be done with a file: plan it, apply all of it or nothing, and its steps in the browser."""

import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import IO

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as translated

from homeroom.accounts.models import User
from homeroom.accounts.policy import Viewer
from homeroom.audit.verbs import record
from homeroom.inventory.imports.applying import SurroundingsChanged, Writer, prepared, rows_of
from homeroom.inventory.imports.columns import FIELDS, IDENTITIES, recognised
from homeroom.inventory.imports.models import ImportJob
from homeroom.inventory.imports.planning import Planner, Source, Tally, headers_and_examples
from homeroom.inventory.imports.reading import is_zip
from homeroom.inventory.imports.rows import Options
from homeroom.leases import LET_GO, unchanged
from homeroom.web.errors import Refused

State = ImportJob.State
LARGEST_UPLOAD = 50 * 1024 * 1024
LARGEST_READ_AT_ONCE = 2 * 1024 * 1024
"""A workbook opens only once all of its words are read: a larger one would keep the browser waiting."""
FOLDER = "imports"


class RowsRefused(Exception):  # noqa: N818 - the name is the fact
    """At least one row can't be applied, so none was."""

    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self.tally = tally


class PlanHasChanged(Exception):  # noqa: N818 - the name is the fact
    """The inventory changed after the plan was shown; nothing was applied."""


def plan_file(source: Source, viewer: Viewer) -> Tally:
    """What the file would do. Writes nothing."""
    planner = Planner(source, viewer)
    for _batch in planner.batches():
        pass
    return planner.tally


def apply_file(source: Source, viewer: Viewer, *, expected: str, job: ImportJob) -> Tally:
    """Apply the whole file in one transaction, if it still does what the plan with this fingerprint said.

    Should somebody change meanwhile what it is about, it is planned once more, inside the transaction.
    """
    with prepared(source, viewer) as ready:
        _refuse_unless_expected(ready.tally, expected)
        try:
            with _whole():
                now = timezone.now()
                ready.write(at=now)
                _finish(job, ready.tally, viewer, at=now)
        except SurroundingsChanged:
            return _apply_while_others_wait(source, viewer, expected=expected, job=job)
    return ready.tally


def _apply_while_others_wait(source: Source, viewer: Viewer, *, expected: str, job: ImportJob) -> Tally:
    with _whole():
        planner = Planner(source, viewer, lock=True)
        writer = Writer(source.noun, at=timezone.now())
        for batch in planner.batches():
            if planner.tally.refused:
                break
            writer.write(rows_of(source.noun, batch, planner.around.by_identity.values()))
        _refuse_unless_expected(planner.tally, expected)
        _finish(job, planner.tally, viewer, at=writer.now)
    return planner.tally


@contextmanager
def _whole() -> Iterator[None]:
    """All or nothing. What the database refuses was not so when it was planned."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError:
        raise PlanHasChanged from None


def _refuse_unless_expected(tally: Tally, expected: str) -> None:
    if tally.refused:
        raise RowsRefused(tally)
    if tally.fingerprint != expected:
        raise PlanHasChanged


def _finish(job: ImportJob, tally: Tally, viewer: Viewer, *, at: datetime) -> None:
    """Mark the job as applied, if it is still this owner's, and write the batch's one audit entry.

    `at` is when its rows were written, by which the timeline of a device finds the import that brought it.
    """
    values = {
        **tally.counts(),
        "new_sites": tally.new_sites,
        "state": State.APPLIED,
        "note": "",
        "finished_at": at,
        **LET_GO,
    }
    if job.pk is None:
        for name, value in values.items():
            setattr(job, name, value)
        job.save()
    elif not unchanged(job).update(**values):
        raise PlanHasChanged
    after = {"file": job.file_name, **tally.counts(), "new_sites": tally.new_sites}
    record(viewer.actor, f"{job.noun}.imported", job, after=after)


def import_from_command_line(source: Source, viewer: Viewer) -> Tally:
    """Plan and apply in one go. Raises RowsRefused with every problem if any row can't be applied."""
    tally = plan_file(source, viewer)
    if tally.refused:
        raise RowsRefused(tally)
    job = ImportJob(noun=source.noun, file_name=source.path.name[:255], requested_by_label=viewer.actor.label)
    try:
        return apply_file(source, viewer, expected=tally.fingerprint, job=job)
    except PlanHasChanged:
        raise Refused(
            translated("The inventory was changed while the file was being checked. Run the import again.")
        ) from None


def upload(file: IO[bytes], *, noun: str, file_name: str, size: int, user: User) -> ImportJob:
    """Keep the file, read its header, and preselect its columns; a large workbook is left to the worker."""
    if size > LARGEST_UPLOAD:
        sentence = translated("The file is larger than %(most)d MB.") % {"most": LARGEST_UPLOAD // 1024**2}
        raise Refused(sentence, field="file")
    stored_as = f"{FOLDER}/{uuid.uuid4().hex}"
    path = Path(settings.MEDIA_ROOT) / stored_as
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    try:
        with path.open("wb") as copy:
            shutil.copyfileobj(file, copy)
        job = ImportJob(
            noun=noun,
            file_name=Path(file_name).name[:255],
            stored_as=stored_as,
            state=State.READING,
            requested_by=user,
            requested_by_label=str(user),
        )
        if size <= LARGEST_READ_AT_ONCE or not is_zip(path):
            read_header(job)
        job.save()
    except Refused as refused:
        path.unlink()
        raise Refused(refused.sentence, field="file") from None
    except BaseException:
        path.unlink()
        raise
    return job


def read_header(job: ImportJob) -> None:
    """Learn the file's headers and preselect what each stands for. Saving is the caller's."""
    headers, job.examples = headers_and_examples(source_of(job).path)
    job.headers = list(headers)
    job.mapping = recognised(job.noun, headers)
    job.state = State.UPLOADED


def choose_columns(job: ImportJob, *, mapping: Sequence[str], create_sites: bool, date_order: str) -> None:
    """Settle what each column is and have the file checked."""
    chosen = [name for name in mapping if name]
    unknown = set(chosen) - {field.name for field in FIELDS[job.noun]}
    if unknown or len(mapping) != len(job.headers):
        raise Refused(translated("The columns don't fit this file. Upload it again."))
    twice = next((name for name in chosen if chosen.count(name) > 1), None)
    if twice:
        label = next(field.label for field in FIELDS[job.noun] if field.name == twice)
        raise Refused(translated("Two columns are chosen for %(label)s.") % {"label": label})
    if not set(chosen) & set(IDENTITIES[job.noun]):
        labels = [str(field.label) for field in FIELDS[job.noun] if field.name in IDENTITIES[job.noun]]
        sentence = translated("Choose a column for: %(labels)s.")
        raise Refused(sentence % {"labels": translated(" or ").join(labels)})
    may_be_checked = {State.UPLOADED, State.PLANNED, State.REFUSED}
    moved = ImportJob.objects.filter(pk=job.pk, state__in=may_be_checked).update(
        mapping=list(mapping),
        create_sites=create_sites,
        date_order=date_order,
        state=State.PLANNING,
        note="",
        **LET_GO,
        created=0,
        updated=0,
        unchanged=0,
        refused=0,
    )
    if not moved:
        raise Refused(translated("This import is already being worked on."))


def request_apply(job: ImportJob) -> None:
    """Have the plan that was shown applied. Asked twice, it is applied once."""
    moved = ImportJob.objects.filter(pk=job.pk, state=State.PLANNED).update(state=State.APPLYING, **LET_GO)
    if not moved:
        raise Refused(translated("This import can't be applied: check its columns and its problems first."))


def discard(job: ImportJob) -> None:
    """Forget a file that was not applied."""
    deleted, _ = (
        ImportJob.objects.filter(pk=job.pk).exclude(state__in=[State.APPLYING, State.APPLIED]).delete()
    )
    if not deleted:
        raise Refused(translated("This import has been applied or is being applied; it can't be discarded."))
    forget_file(job)


def forget_file(job: ImportJob) -> None:
    if job.stored_as:
        (Path(settings.MEDIA_ROOT) / job.stored_as).unlink(missing_ok=True)


def source_of(job: ImportJob) -> Source:
    return Source(
        Path(settings.MEDIA_ROOT) / job.stored_as,
        job.noun,
        tuple(job.mapping),
        replace(Options(), create_sites=job.create_sites, date_order=job.date_order),
    )
