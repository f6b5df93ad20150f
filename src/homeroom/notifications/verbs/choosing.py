"""What a person chooses to be told, and how."""

from collections.abc import Mapping

from django.db import transaction

from homeroom.accounts.models import User
from homeroom.accounts.policy import Role
from homeroom.audit.actors import Actor
from homeroom.audit.verbs import record
from homeroom.notifications.kinds import Delivery
from homeroom.notifications.models import Preference
from homeroom.notifications.queries import deliveries
from homeroom.web.errors import Refused


@transaction.atomic
def choose_deliveries(user: User, chosen: Mapping[str, Delivery], *, actor: Actor) -> None:
    """Choose per kind, by its key. What stays as it was is not written: it goes on following its default."""
    present = {kind.key: delivery for kind, delivery in deliveries(user).items()}
    unknown = set(chosen) - set(present)
    if unknown:
        raise Refused(f"{Role(user.role).label}: {', '.join(sorted(unknown))}")
    changed = {key: delivery for key, delivery in chosen.items() if delivery != present[key]}
    if not changed:
        return
    Preference.objects.bulk_create(
        (Preference(user=user, kind=key, delivery=delivery) for key, delivery in changed.items()),
        update_conflicts=True,
        unique_fields=["user", "kind"],
        update_fields=["delivery"],
    )
    before = {key: present[key].value for key in changed}
    after = {key: delivery.value for key, delivery in changed.items()}
    record(actor, "user.notifications-chosen", user, before=before, after=after)
