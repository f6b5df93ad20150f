"""Photos and files of an incident. What is stored is what `files.checked` made of the upload.

A file is written before the row that speaks of it and deleted after the row is gone, so a row never lacks its file.
What a crash leaves behind in between is cleared by `clear_orphaned_files`.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import IO, Any
from uuid import uuid4

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from homeroom.audit.actors import Actor
from homeroom.audit.verbs import record
from homeroom.incidents.files import LARGEST_UPLOAD, Checked, checked, too_large
from homeroom.incidents.models import Attachment, Incident
from homeroom.incidents.verbs.incidents import locked, open_incident
from homeroom.inventory.models import Device
from homeroom.web.errors import Refused

Kind = Attachment.Kind
Upload = IO[bytes] | Any
"""An open file with a `name`."""
TOP_FOLDER = "incidents"
MOST_OF_AN_INCIDENT = 100
ORPHANED_AFTER = timedelta(days=1)
SWEPT_EVERY = timedelta(days=1)
SWEPT = f"{TOP_FOLDER}/swept"
_ACTIONS = {Kind.PHOTO: "incident.photo_added", Kind.FILE: "incident.file_added"}
_REMOVED = {Kind.PHOTO: "incident.photo_removed", Kind.FILE: "incident.file_removed"}


def attach(incident: Incident, uploads: Iterable[Upload], *, actor: Actor) -> list[Attachment]:
    """Add photos and files: all of them, or where one is refused none."""
    to_store = [_checked(upload) for upload in uploads]
    if not to_store:
        raise Refused(_("Choose a photo or a file first."), field="file")
    with _no_file_without_row() as written, transaction.atomic():
        stored = locked(incident)
        _refuse_too_many(stored.attachments.count() + len(to_store))
        return [_store(one, stored, written, actor=actor) for one in to_store]


def open_incident_with(
    device: Device, uploads: Iterable[Upload], *, summary: str, actor: Actor, **values: Any
) -> Incident:
    """`open_incident` and `attach` in one: where a photo is refused, no incident is opened."""
    to_store = [_checked(upload) for upload in uploads]
    _refuse_too_many(len(to_store))
    with _no_file_without_row() as written, transaction.atomic():
        incident = open_incident(device, summary=summary, actor=actor, **values)
        for one in to_store:
            _store(one, incident, written, actor=actor)
        return incident


@transaction.atomic
def remove_attachment(attachment: Attachment, *, actor: Actor) -> None:
    """Take a photo or file away, for good: the entry tells that it was there."""
    incident = locked(attachment.incident)
    stored = incident.attachments.filter(pk=attachment.pk).first()
    if stored is None:
        raise Refused(_("It is removed already."))
    names = [str(file.name) for file in (stored.file, stored.thumbnail) if file]
    told = {"attachment": stored.pk, "name": stored.name, "size": stored.size}
    record(actor, _REMOVED[Kind(stored.kind)], incident, before=told)
    stored.delete()
    transaction.on_commit(lambda: _delete(names))


def clear_orphaned_files() -> int:
    """Delete what no row speaks of and has lain for a day; how many there were. A month's folder at a time."""
    cleared = 0
    before = timezone.now() - ORPHANED_AFTER
    for folder in _folders():
        known = set[str]()
        for pair in Attachment.objects.filter(file__startswith=f"{folder}/").values_list("file", "thumbnail"):
            known.update(pair)
        names = [f"{folder}/{name}" for name in default_storage.listdir(folder)[1]]
        orphaned = [
            name for name in names if name not in known and default_storage.get_modified_time(name) < before
        ]
        _delete(orphaned)
        cleared += len(orphaned)
    return cleared


class DailySweep:
    """Once a day, whichever worker comes first, `clear_orphaned_files`. When, a file among the others tells."""

    def __init__(self) -> None:
        self._look_again = 0.0

    def __call__(self) -> bool:
        now = time.monotonic()
        if now < self._look_again:
            return False
        self._look_again = now + SWEPT_EVERY.total_seconds() / 24
        if not default_storage.exists(TOP_FOLDER) or _was_swept_lately():
            return False
        default_storage.delete(SWEPT)
        default_storage.save(SWEPT, ContentFile(b""))
        return clear_orphaned_files() > 0


def _was_swept_lately() -> bool:
    try:
        return bool(default_storage.get_modified_time(SWEPT) > timezone.now() - SWEPT_EVERY)
    except FileNotFoundError:  # never, or another worker is just about to
        return False


def _checked(upload: Upload) -> Checked:
    """Reads no more than may be kept, whatever the upload says of its size."""
    name = str(upload.name or "")
    content = upload.read(LARGEST_UPLOAD + 1)
    if len(content) > LARGEST_UPLOAD:
        raise too_large(name, LARGEST_UPLOAD)
    return checked(name, content)


def _refuse_too_many(count: int) -> None:
    if count > MOST_OF_AN_INCIDENT:
        sentence = _("An incident holds %(most)d photos and files at most.")
        raise Refused(sentence % {"most": MOST_OF_AN_INCIDENT}, field="file")


def _store(one: Checked, incident: Incident, written: list[str], *, actor: Actor) -> Attachment:
    attachment = Attachment(
        incident=incident,
        kind=one.kind,
        name=one.name,
        content_type=one.content_type,
        size=len(one.content),
        added_by=actor.label[:200],
        added_by_id=actor.id,
    )
    name = uuid4().hex
    for field, content, ending in (
        (attachment.file, one.content, one.suffix),
        (attachment.thumbnail, one.thumbnail, f"-thumbnail{one.suffix}"),
    ):
        if content:
            field.save(name + ending, ContentFile(content), save=False)
            written.append(str(field.name))
    attachment.save()
    told = {"attachment": attachment.pk, "name": one.name, "size": attachment.size}
    record(actor, _ACTIONS[one.kind], incident, after=told)
    return attachment


@contextmanager
def _no_file_without_row() -> Iterator[list[str]]:
    """Deletes the files that were written if their rows were not."""
    written: list[str] = []
    try:
        yield written
    except BaseException:
        _delete(written)
        raise


def _delete(names: Iterable[str]) -> None:
    for name in names:
        default_storage.delete(name)


def _folders() -> Iterator[str]:
    """`incidents/2026/03` and its like, as the model's fields name them."""
    if not default_storage.exists(TOP_FOLDER):
        return
    for year in sorted(default_storage.listdir(TOP_FOLDER)[0]):
        for month in sorted(default_storage.listdir(f"{TOP_FOLDER}/{year}")[0]):
            yield f"{TOP_FOLDER}/{year}/{month}"
