"""Who is told, and when: pure decisions. Nothing here asks the database or the clock."""

from collections.abc import Iterable

from homeroom.accounts.policy import GRANTS, Role
from homeroom.notifications.kinds import Delivery, Kind


def may_be_told(kind: Kind, role: Role, *, own_site_ids: Iterable[int], site_ids: Iterable[int] = ()) -> bool:
    """Whether a person's role and sites let them know. No sites of their own means every site."""
    if kind.permission not in GRANTS[role]:
        return False
    own = frozenset(own_site_ids)
    return role == Role.ADMINISTRATOR or not own or own.issuperset(site_ids)


def delivery_of(kind: Kind, role: Role, chosen: str | None) -> Delivery:
    """What they chose, or the default of their role. What they may not know comes not at all."""
    if kind.permission not in GRANTS[role]:
        return Delivery.OFF
    return Delivery(chosen) if chosen else kind.default_for(role)
