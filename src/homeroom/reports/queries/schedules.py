"""Reports on a schedule: who sees which, who may change them, who can get them, and what became of their turns."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import CharField, Exists, Max, OuterRef, Prefetch, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy

from homeroom.accounts.models import User
from homeroom.accounts.policy import Permission, Role, Viewer
from homeroom.inventory.exports.reports import Report, report_or_none
from homeroom.notifications.models import Mail, Telling
from homeroom.reports.models import FACT, TOLD_AS, ReportDelivery, ReportSchedule, ReportTurn

State = ReportDelivery.State
MISSED = (State.REFUSED, State.FAILED)
TURNS_TOLD = 5

_BECAME = {
    State.TOLD: ngettext_lazy("%(count)d mail", "%(count)d mails", "count"),
    State.WAITING: ngettext_lazy("%(count)d file is being made", "%(count)d files are being made", "count"),
    State.NO_ROWS: ngettext_lazy("%(count)d without rows", "%(count)d without rows", "count"),
    State.DECLINED: ngettext_lazy("%(count)d wants no mail", "%(count)d want no mail", "count"),
    State.REFUSED: ngettext_lazy("%(count)d gets nothing", "%(count)d get nothing", "count"),
    State.FAILED: ngettext_lazy("%(count)d failed", "%(count)d failed", "count"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """A delivery, and the mail by which it was told."""

    delivery: ReportDelivery
    mails: Mapping[int, Mail | None]

    @property
    def mail(self) -> Mail | None:
        return self.mails.get(self.delivery.pk)

    @property
    def in_digest(self) -> bool:
        """Waits for one: it is told, and there is no mail yet."""
        return self.delivery.pk in self.mails and self.mail is None

    def is_under_way(self, *, has_server: bool) -> bool:
        """What becomes of it will be known in a moment. Mail that waits for its server says why."""
        if self.mail is None:
            return self.delivery.state == State.WAITING
        is_on_its_way = self.mail.state in {Mail.State.QUEUED, Mail.State.SENDING} and not self.mail.note
        return has_server and is_on_its_way


def schedules(viewer: Viewer) -> QuerySet[ReportSchedule]:
    """Their own and those they receive; who answers for settings sees every one."""
    seen = ReportSchedule.objects.select_related("owner")
    if _answers_for_all(viewer):
        return seen
    received = ReportSchedule.recipients.through.objects.filter(
        reportschedule=OuterRef("pk"), user=viewer.user_id
    )
    return seen.filter(Q(owner=viewer.user_id) | Exists(received))


def changeable_schedules(viewer: Viewer) -> QuerySet[ReportSchedule]:
    """Those of which `may_change_schedule` is true."""
    seen = schedules(viewer)
    return seen if _answers_for_all(viewer) else seen.filter(owner=viewer.user_id)


def missed_schedules(viewer: Viewer) -> QuerySet[ReportSchedule]:
    """Those that go on, and of which somebody who receives them got nothing the last time.

    Of those that the viewer may change. Who may not choose recipients sees to themselves.
    """
    receives = ReportSchedule.recipients.through.objects.filter(
        reportschedule=OuterRef("turn__schedule"), user=OuterRef("recipient")
    )
    got_nothing = Q(state__in=MISSED) | Q(is_told_by_mail(Mail.State.FAILED), state=State.TOLD)
    missed = ReportDelivery.objects.filter(
        got_nothing, Exists(receives), turn__schedule=OuterRef("pk"), turn__in=_last_turns()
    )
    if not may_choose_recipients(viewer):
        missed = missed.filter(recipient=viewer.user_id)
    return changeable_schedules(viewer).filter(Exists(missed), active=True)


def is_told_by_mail(*states: Mail.State) -> Exists:
    """The condition that a delivery is told of by a mail in one of these states."""
    fact = Concat(Value(FACT), Cast(OuterRef("pk"), CharField()))
    return Exists(Telling.objects.filter(fact__kind=TOLD_AS, fact__key=fact, mail__state__in=states))


def may_change_schedule(viewer: Viewer, schedule: ReportSchedule) -> bool:
    return schedule.owner_id == viewer.user_id or _answers_for_all(viewer)


def may_choose_recipients(viewer: Viewer) -> bool:
    """Who knows the accounts of others; everybody else has reports sent to themselves."""
    return viewer.may(Permission.MANAGE_USERS)


def possible_recipients(report: Report) -> QuerySet[User]:
    """Whoever may see the report, and take it away. Takes no viewer: it is about everybody."""
    roles = [role for role in Role if report.may_be_taken_by(role)]
    return User.objects.filter(is_active=True, role__in=roles)


def why_nothing(user: User, name: str) -> str:
    """Why somebody gets nothing of a report, in a sentence; empty if they get theirs."""
    report = report_or_none(name)
    if report is None:
        return _("There is no such report any more.")
    if not user.is_active:
        return _("May no longer sign in.")
    if not report.may_be_taken_by(Role(user.role)):
        return _("May not see this report.")
    return ""


def with_last_turn(seen: QuerySet[ReportSchedule]) -> QuerySet[ReportSchedule]:
    """Each with its last turn, if it had one, and with no other."""
    turns = ReportTurn.objects.filter(pk__in=_last_turns()).prefetch_related("deliveries")
    return seen.prefetch_related(Prefetch("turns", turns))


def _last_turns() -> QuerySet[Any, Any]:
    """The keys of each schedule's last turn."""
    return ReportTurn.objects.order_by().values("schedule").annotate(last=Max("pk")).values("last")


def deliveries_told(viewer: Viewer, schedule: ReportSchedule, turn: ReportTurn) -> list[ReportDelivery]:
    """Those of a turn that a viewer is told of: who may not change the schedule, of their own alone."""
    everything = may_change_schedule(viewer, schedule)
    return [each for each in turn.deliveries.all() if everything or each.recipient_id == viewer.user_id]


def outcome(viewer: Viewer, schedule: ReportSchedule) -> str:
    """What became of the last turn, counted."""
    turn = schedule.last_turn
    counted = Counter(each.state for each in deliveries_told(viewer, schedule, turn)) if turn else Counter()
    return ", ".join(
        str(words % {"count": counted[state]}) for state, words in _BECAME.items() if counted[state]
    )


def last_turns(viewer: Viewer, schedule: ReportSchedule) -> list[tuple[ReportTurn, list[Told]]]:
    """The last few, with what a viewer is told of each."""
    turns = schedule.turns.prefetch_related("deliveries__recipient", "deliveries__file")[:TURNS_TOLD]
    told = [(turn, deliveries_told(viewer, schedule, turn)) for turn in turns]
    mails = _mails_of([each for _turn, deliveries in told for each in deliveries])
    return [(turn, [Told(each, mails) for each in deliveries]) for turn, deliveries in told]


def _mails_of(deliveries: Iterable[ReportDelivery]) -> Mapping[int, Mail | None]:
    """The mail by which each delivery was told, None while it waits for a digest; by the delivery's key."""
    facts = {delivery.fact: delivery.pk for delivery in deliveries if delivery.state == State.TOLD}
    tellings = Telling.objects.filter(fact__kind=TOLD_AS, fact__key__in=facts).select_related("fact", "mail")
    return {facts[telling.fact.key]: telling.mail for telling in tellings}


def _answers_for_all(viewer: Viewer) -> bool:
    return viewer.may(Permission.MANAGE_SETTINGS)
