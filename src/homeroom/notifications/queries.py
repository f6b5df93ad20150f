from collections.abc import Collection, Iterable

from homeroom.accounts.models import User
from homeroom.accounts.policy import Role
from homeroom.notifications.kinds import Delivery, Kind
from homeroom.notifications.models import Fact, Preference
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
