"""What can be done with a report on a schedule. Its turns are taken, and its mail is told, in `delivering`."""

from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from homeroom.accounts.models import User
from homeroom.accounts.policy import Viewer
from homeroom.audit.actors import Actor
from homeroom.audit.verbs import changed_values, record
from homeroom.inventory.exports.reports import Report
from homeroom.inventory.verbs.saving import assign, check_and_save, values_of
from homeroom.reports.models import ReportDelivery, ReportSchedule
from homeroom.reports.queries.schedules import may_choose_recipients, possible_recipients
from homeroom.reports.selection import canonical
from homeroom.reports.verbs.delivering import begin_turn
from homeroom.reports.verbs.files import existing_report, refuse_without_right
from homeroom.schedules.schedule import Rhythm, Schedule
from homeroom.web.errors import Refused

RHYTHMS = (Rhythm.DAILY, Rhythm.WEEKDAYS, Rhythm.WEEKLY, Rhythm.MONTHLY, Rhythm.CRON)
VALUES = frozenset({"name", "format", "attach", "only_with_rows"})


@transaction.atomic
def create_schedule(
    report: Report,
    query: str,
    schedule: Schedule,
    *,
    recipients: Collection[User],
    owner: User,
    viewer: Viewer,
    **values: Any,
) -> ReportSchedule:
    """Have a report sent again and again. A query that the report does not understand is refused."""
    refuse_without_right(report, viewer)
    _refuse_unsuitable(schedule)
    made = ReportSchedule(
        owner=owner, report=report.name, query=canonical(report, query, viewer), schedule=schedule
    )
    assign(made, values, allowed=VALUES)
    check_and_save(made)
    _choose(made, recipients, viewer)
    record(
        viewer.actor,
        "report_schedule.created",
        made,
        after=_told(made),
        personal_after=_told_of_persons(made),
    )
    return made


@transaction.atomic
def change_schedule(
    schedule: ReportSchedule,
    *,
    viewer: Viewer,
    turns: Schedule | None = None,
    recipients: Collection[User] | None = None,
    **values: Any,
) -> ReportSchedule:
    """What is not named stays as it is. Other turns count from now."""
    stored = ReportSchedule.objects.select_for_update().get(pk=schedule.pk)
    before, persons_before = _told(stored), _told_of_persons(stored)
    assign(stored, values, allowed=VALUES)
    if turns is not None:
        _refuse_unsuitable(turns)
        stored.reschedule(turns)
    check_and_save(stored)
    if recipients is not None:
        _choose(stored, recipients, viewer)
    old, new = changed_values(before, _told(stored))
    persons_old, persons_new = changed_values(persons_before, _told_of_persons(stored))
    if new or persons_new:
        record(
            viewer.actor,
            "report_schedule.updated",
            stored,
            before=old,
            after=new,
            personal_before=persons_old,
            personal_after=persons_new,
        )
    return stored


@transaction.atomic
def pause(schedule: ReportSchedule, *, actor: Actor) -> None:
    """It has no turns until it is resumed."""
    if ReportSchedule.objects.filter(pk=schedule.pk, active=True).update(active=False):
        record(actor, "report_schedule.paused", schedule)


@transaction.atomic
def resume(schedule: ReportSchedule, *, actor: Actor) -> None:
    """Turns that came while it was paused are not made up for."""
    paused = ReportSchedule.objects.filter(pk=schedule.pk, active=False)
    if paused.update(active=True, scheduled_since=timezone.now(), last_turn_at=None):
        record(actor, "report_schedule.resumed", schedule)


@transaction.atomic
def delete_schedule(schedule: ReportSchedule, *, actor: Actor) -> None:
    """What is not sent yet is not sent any more; files stay with those for whom they were made."""
    record(
        actor,
        "report_schedule.deleted",
        schedule,
        before=_told(schedule),
        personal_before=_told_of_persons(schedule),
    )
    schedule.delete()


@transaction.atomic
def leave(schedule: ReportSchedule, user: User, *, actor: Actor) -> None:
    """Get it no longer, also not what is under way."""
    if not schedule.recipients.filter(pk=user.pk).exists():
        return
    schedule.recipients.remove(user)
    ReportDelivery.objects.filter(
        turn__schedule=schedule, recipient=user, state=ReportDelivery.State.WAITING
    ).update(state=ReportDelivery.State.DECLINED)
    record(actor, "report_schedule.left", schedule, personal_before={"recipient": str(user)})


@transaction.atomic
def send_now(schedule: ReportSchedule, *, viewer: Viewer) -> None:
    """A turn out of turn; the next one comes when it would have."""
    stored = ReportSchedule.objects.select_for_update().get(pk=schedule.pk)
    refuse_without_right(existing_report(stored.report), viewer)
    if not stored.recipients.exists():
        raise Refused(_("Nobody receives it. Choose recipients first."))
    if ReportDelivery.objects.filter(turn__schedule=stored, state=ReportDelivery.State.WAITING).exists():
        raise Refused(_("It is being sent already."))
    begin_turn(stored, actor=viewer.actor)


def _choose(schedule: ReportSchedule, recipients: Collection[User], viewer: Viewer) -> None:
    """Who receives it already may stay, whatever became of their rights: their turns say so."""
    if not recipients:
        raise Refused(_("Choose who gets it."), field="recipients")
    present = {user.pk for user in schedule.recipients.all()}
    added = {user.pk: user for user in recipients if user.pk not in present}
    others = {pk for pk in added if pk != viewer.user_id}
    if others and not may_choose_recipients(viewer):
        raise Refused(_("You may have reports sent to yourself only."), field="recipients")
    possible = possible_recipients(existing_report(schedule.report)).filter(pk__in=added)
    for pk in sorted({*added} - {*possible.values_list("pk", flat=True)}):
        sentence = _("%(person)s may not see this report.") % {"person": added[pk]}
        raise Refused(sentence, field="recipients")
    schedule.recipients.set(recipients)


def _refuse_unsuitable(schedule: Schedule) -> None:
    if schedule.rhythm not in RHYTHMS:
        sentence = _("Reports come daily, Monday to Friday, weekly, monthly or by a cron expression.")
        raise Refused(sentence, field="schedule_rhythm")
    if schedule.rhythm == Rhythm.CRON and not schedule.cron.split()[0].isdecimal():
        sentence = _("Reports come once an hour at most: write one number for the minute.")
        raise Refused(sentence, field="schedule_cron")


def _told(schedule: ReportSchedule) -> dict[str, Any]:
    told = {"report": schedule.report, "schedule": str(schedule.schedule)}
    return told | values_of(schedule, VALUES)


def _told_of_persons(schedule: ReportSchedule) -> dict[str, Any]:
    """A query may hold a person's name."""
    people = ", ".join(sorted(str(user) for user in schedule.recipients.all()))
    return {"recipients": people, "query": schedule.query}
