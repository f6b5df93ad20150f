from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Min, QuerySet

from homeroom.accounts.models import User
from homeroom.accounts.policy import Permission, Role, Viewer
from homeroom.notifications.kinds import Delivery, Kind, kinds
from homeroom.notifications.models import Fact, Mail, Preference
from homeroom.notifications.rules import delivery_of, may_be_told


def was_told(kind: Kind, fact: str) -> bool:
    return Fact.objects.filter(kind=kind.key, key=fact).exists()


def people_to_tell(
    kind: Kind, *, site_ids: Iterable[int], only_to: Collection[int] | None = None
) -> dict[int, Delivery]:
    """Who may be told and wants to be, by user id, and how. Takes no viewer: it is about everybody."""
    people = User.objects.filter(is_active=True, role__in=kind.roles).prefetch_related("sites")
    if only_to is not None:
        people = people.filter(pk__in=only_to)
    chosen = dict(Preference.objects.filter(kind=kind.key).values_list("user_id", "delivery"))
    wanted = {
        person.pk: delivery_of(kind, Role(person.role), chosen.get(person.pk))
        for person in people
        if may_be_told(
            kind, Role(person.role), own_site_ids=[site.pk for site in person.sites.all()], site_ids=site_ids
        )
    }
    return {user_id: delivery for user_id, delivery in wanted.items() if delivery != Delivery.OFF}


def deliveries(user: User) -> dict[Kind, Delivery]:
    """How this person is told of each kind that their role may know, in the order of the preferences page."""
    chosen = dict(Preference.objects.filter(user=user).values_list("kind", "delivery"))
    role = Role(user.role)
    return {kind: delivery_of(kind, role, chosen.get(kind.key)) for kind in kinds() if role in kind.roles}


def mails(viewer: Viewer) -> QuerySet[Mail]:
    """Every mail of the outbox, for those who answer for it."""
    if not viewer.may(Permission.MANAGE_SETTINGS):
        return Mail.objects.none()
    return Mail.objects.select_related("recipient").prefetch_related("tellings__fact")


@dataclass(frozen=True, slots=True)
class Standing:
    """How the outbox stands: how many mails wait and since when, how many failed, when the last one went out."""

    waiting: int
    oldest_waiting: datetime | None
    why: str
    failed: int
    last_sent: datetime | None


def standing(viewer: Viewer) -> Standing:
    seen = mails(viewer).select_related(None).prefetch_related(None)
    waiting = seen.filter(state__in=[Mail.State.QUEUED, Mail.State.SENDING])
    counts = waiting.aggregate(number=Count("pk"), oldest=Min("queued_at"))
    delayed = waiting.exclude(note="").order_by("due_at").first()
    return Standing(
        waiting=counts["number"],
        oldest_waiting=counts["oldest"],
        why=delayed.note if delayed else "",
        failed=seen.filter(state=Mail.State.FAILED).count(),
        last_sent=seen.filter(state=Mail.State.SENT).aggregate(last=Max("settled_at"))["last"],
    )
