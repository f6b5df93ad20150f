"""The worker's side of reports on a schedule. Each turn is taken once, each file ordered and each mail told once.

What is to be done stands in the deliveries of a turn, so whoever dies in between leaves it to the next one: a delivery
that waits without a file has one ordered, and one whose file is finished is told in the transaction that settles it.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from threading import Event

import structlog
from django.core.exceptions import PermissionDenied
from django.db import OperationalError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from homeroom.accounts.models import User
from homeroom.audit.actors import SCHEDULE, Actor
from homeroom.audit.verbs import record
from homeroom.inventory.exports.reports import report_named
from homeroom.notifications.queries import people_to_tell
from homeroom.reports.models import ReportDelivery, ReportFile, ReportSchedule, ReportTurn
from homeroom.reports.notifications import REPORT_ON_SCHEDULE, tell
from homeroom.reports.queries.files import UNDER_WAY, files_under_way
from homeroom.reports.queries.schedules import why_nothing
from homeroom.reports.verbs.files import MOST_UNDER_WAY, order_file
from homeroom.schedules.turns import take_due_turns
from homeroom.web.errors import Refused

State = ReportDelivery.State
KEPT = timedelta(days=90)
"""As long as the outbox keeps its mail."""

log = structlog.get_logger(__name__)


def take_due_report_turns(_stop: Event) -> bool:
    """Begin the turns that have come, and order the files of those under way; whether there was anything."""
    taken = take_due_turns(ReportSchedule.objects.all(), _begin_by_schedule, now=timezone.now())
    return taken + _order_files() > 0


def tell_finished_reports(_stop: Event) -> bool:
    """Tell each recipient whose file is finished; whether there was anybody."""
    finished = _waiting().exclude(file=None).exclude(file__state__in=UNDER_WAY)
    note = _("Homeroom could not tell of this file; the server's log says more.")
    return sum([_alone(_settle_finished, pk, note) for pk in finished.values_list("pk", flat=True)]) > 0


def begin_turn(schedule: ReportSchedule, *, actor: Actor) -> None:
    """Inside the transaction that decides that it is time. Orders nothing yet: that takes longer."""
    now = timezone.now()
    schedule.turns.filter(taken_at__lt=now - KEPT).delete()
    turn = ReportTurn.objects.create(schedule=schedule, taken_at=now, requested_by=actor.label)
    recipients = schedule.recipients.values_list("pk", flat=True)
    deliveries = ReportDelivery.objects.bulk_create(
        ReportDelivery(turn=turn, recipient_id=pk) for pk in recipients
    )
    record(actor, "report_schedule.sent", schedule, after={"recipients": len(deliveries)})


def _begin_by_schedule(schedule: ReportSchedule) -> None:
    begin_turn(schedule, actor=SCHEDULE)


def _waiting() -> QuerySet[ReportDelivery]:
    return ReportDelivery.objects.filter(state=State.WAITING)


def _order_files() -> int:
    """How many deliveries there was something to do for. Whose files are too many already waits for one of them."""
    without = _waiting().filter(file=None).order_by("pk")
    note = _("Homeroom could not ask this report; the server's log says more.")
    return sum([_alone(_order_file, pk, note) for pk in without.values_list("pk", flat=True)])


def _alone(step: Callable[[int], bool], pk: int, note: str) -> bool:
    """What fails of one delivery must not keep the others from theirs."""
    try:
        return step(pk)
    except OperationalError:
        raise
    except Exception:
        log.exception("A report on a schedule could not be delivered", delivery=pk, step=step.__name__)
        return bool(_waiting().filter(pk=pk).update(state=State.FAILED, note=note))


@transaction.atomic
def _order_file(pk: int) -> bool:
    delivery = _mine(pk)
    if delivery is None or delivery.file_id is not None:
        return False
    recipient, schedule = delivery.recipient, delivery.turn.schedule
    if why := why_nothing(recipient, schedule.report):
        return _settle(delivery, State.REFUSED, why)
    if files_under_way(recipient).count() >= MOST_UNDER_WAY:
        return False
    try:
        delivery.file = _ordered(schedule, recipient)
    except Refused as refused:
        return _settle(delivery, State.REFUSED, refused.sentence)
    except PermissionDenied:
        return _settle(delivery, State.REFUSED, _("May not see this report."))
    delivery.save(update_fields=["file"])
    return True


def _ordered(schedule: ReportSchedule, recipient: User) -> ReportFile:
    """With the recipient's eyes; that it was the schedule who ordered it is what the audit trail tells."""
    viewer = replace(recipient.viewer(), actor=SCHEDULE)
    report = report_named(schedule.report)
    return order_file(report, schedule.query, schedule.format, owner=recipient, viewer=viewer)


@transaction.atomic
def _settle_finished(pk: int) -> bool:
    delivery = _mine(pk)
    if delivery is None or delivery.file is None or delivery.file.is_under_way:
        return False
    file, schedule = delivery.file, delivery.turn.schedule
    if not file.is_ready:
        return _settle(delivery, State.FAILED, file.failure)
    if not file.rows and schedule.only_with_rows:
        return _settle(delivery, State.NO_ROWS)
    if not people_to_tell(REPORT_ON_SCHEDULE, site_ids=(), only_to=[delivery.recipient_id]):
        return _settle(delivery, State.DECLINED)
    tell(delivery)
    return _settle(delivery, State.TOLD)


def _mine(pk: int) -> ReportDelivery | None:
    """The delivery, if it still waits and no other process has it in hand."""
    found = _waiting().select_related("recipient", "turn__schedule__owner", "file")
    return found.select_for_update(of=("self",), skip_locked=True).filter(pk=pk).first()


def _settle(delivery: ReportDelivery, state: ReportDelivery.State, note: str = "") -> bool:
    return bool(_waiting().filter(pk=delivery.pk).update(state=state, note=note))
