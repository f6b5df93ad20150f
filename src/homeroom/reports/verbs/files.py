"""What can be done with files of reports: order one, have it made again, open it, delete it. A worker makes them."""

import shutil
from typing import IO

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from homeroom.accounts.models import User
from homeroom.accounts.policy import Viewer
from homeroom.audit.actors import Actor
from homeroom.audit.verbs import record
from homeroom.inventory.exports.formats import Format
from homeroom.inventory.exports.reports import Report, report_or_none
from homeroom.notifications.models import Mail
from homeroom.reports.models import ReportDelivery, ReportFile, folder_path, in_a_week
from homeroom.reports.queries.files import files_under_way, why_closed
from homeroom.reports.queries.schedules import is_told_by_mail
from homeroom.reports.selection import in_words, read
from homeroom.web.errors import Refused

State = ReportFile.State
MOST_UNDER_WAY = 20
"""Of one person: a file more waits for one of these."""


def order_file(report: Report, query: str, format_name: str, *, owner: User, viewer: Viewer) -> ReportFile:
    """Have a worker make a report's rows into a file. The same one that is under way already is answered instead.

    Refuses what can't be understood as `selection` does. That the format can hold the rows, and what the owner may
    see, is looked at when the file is made; the latter again when it is fetched.
    """
    refuse_without_right(report, viewer)
    wanted = format_of(format_name)
    reading = read(report, query, viewer)
    reading.refuse_problems()
    words = "; ".join(f"{label}: {value}" for label, value in in_words(reading.filter))
    with transaction.atomic():
        under_way = files_under_way(owner).filter(report=report.name, query=reading.query, format=wanted)
        if (same := under_way.first()) is not None:
            return same
        _refuse_one_more(owner)
        file = ReportFile.objects.create(
            owner=owner, report=report.name, query=reading.query, words=words, format=wanted
        )
        _record(viewer.actor, "report_file.ordered", file)
    return file


def order_again(file: ReportFile, *, viewer: Viewer) -> ReportFile:
    """Have a file made anew that failed, or that was made when its owner might see something else."""
    refuse_without_right(existing_report(file.report), viewer)
    with transaction.atomic():
        stored = ReportFile.objects.select_for_update().get(pk=file.pk)
        if stored.is_under_way:
            return stored
        _refuse_one_more(stored.owner)
        _forget_content(stored.folder)
        stored.state, stored.folder, stored.failure = State.QUEUED, "", ""
        stored.rows, stored.rows_done, stored.size, stored.attempts = None, 0, None, 0
        stored.asked_at, stored.expires_at = timezone.now(), in_a_week()
        stored.started_at = stored.finished_at = stored.made_for = None
        stored.save()
        _record(viewer.actor, "report_file.ordered", stored)
    return stored


@transaction.atomic
def delete_file(file: ReportFile, *, actor: Actor) -> None:
    """Take back the order or delete the file. The worker that makes it notices, stops, and clears up.

    Who was not told of it yet is not told, and gets no mail that waits.
    """
    stored = ReportFile.objects.select_for_update().filter(pk=file.pk).first()
    if stored is None:
        return
    told = Q(state=ReportDelivery.State.TOLD) & ~is_told_by_mail(Mail.State.SENDING, Mail.State.SENT)
    ReportDelivery.objects.filter(Q(state=ReportDelivery.State.WAITING) | told, file=stored).update(
        state=ReportDelivery.State.DECLINED, note=_("The file was deleted before it was sent.")
    )
    _record(actor, "report_file.deleted", stored)
    if not stored.is_under_way:
        _forget_content(stored.folder)
    stored.delete()


def open_file(file: ReportFile, *, viewer: Viewer) -> IO[bytes]:
    """The whole file, to be read. Refused if it is not ready, or not what the viewer would get now."""
    if why := why_closed(file, viewer):
        raise Refused(why)
    try:
        return file.path.open("rb")
    except FileNotFoundError:  # deleted between the two
        raise Refused(why_closed(file, viewer)) from None


def refuse_without_right(report: Report, viewer: Viewer) -> None:
    if not report.may_be_taken_by(viewer.role):
        raise PermissionDenied


def existing_report(name: str) -> Report:
    report = report_or_none(name)
    if report is None:
        raise Refused(_("There is no such report any more."))
    return report


def format_of(name: str) -> Format:
    if name not in set(Format):
        raise Refused(_("Choose one of the formats CSV, XLSX and JSON."), field="format")
    return Format(name)


def _refuse_one_more(owner: User) -> None:
    if files_under_way(owner).count() >= MOST_UNDER_WAY:
        sentence = _("%(most)d files of yours are being made already. Wait for one of them, or delete it.")
        raise Refused(sentence % {"most": MOST_UNDER_WAY})


def _forget_content(folder: str) -> None:
    """Once the row is gone, or speaks of none: a crash in between leaves only what the sweep finds."""
    if folder:
        transaction.on_commit(lambda: shutil.rmtree(folder_path(folder), ignore_errors=True))


def _record(actor: Actor, action: str, file: ReportFile) -> None:
    """A query may hold a person's name."""
    told = {"report": file.report, "format": file.format}
    query = {"query": file.query} if file.query else None
    if action.endswith("deleted"):
        record(actor, action, file, before=told, personal_before=query)
    else:
        record(actor, action, file, after=told, personal_after=query)
