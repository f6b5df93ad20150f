"""Telling a fact: who wants to know it is settled in the transaction that makes it true."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db import transaction

from homeroom.notifications.facts import packed
from homeroom.notifications.kinds import Delivery, Kind, kind_of
from homeroom.notifications.models import Fact, Mail, Telling
from homeroom.notifications.queries import people_to_tell


class NotInATransaction(RuntimeError):  # noqa: N818 - the name is the fact
    """A fact was told outside of the transaction that makes it true."""


def notify(
    kind: Kind,
    *,
    fact: str,
    context: Mapping[str, Any],
    path: str = "",
    site_ids: Iterable[int] = (),
    only_to: Collection[int] | None = None,
) -> bool:
    """Tell everybody who wants to know; False if this fact was told before.

    `site_ids` are the sites whose devices or people it names: whoever is limited to others is not told. `only_to`
    names users by id, for what concerns somebody in person; they may still choose not to be told. Sends nothing.
    """
    if not transaction.get_connection().in_atomic_block:
        raise NotInATransaction(kind.key)
    if kind_of(kind.key) is not kind:
        raise LookupError(f"the kind {kind.key} is not registered")
    told, is_new = Fact.objects.get_or_create(
        kind=kind.key,
        key=fact,
        defaults={"context": packed(context), "path": path, "site_ids": sorted(set(site_ids))},
    )
    if is_new:
        _address(told, people_to_tell(kind, site_ids=told.site_ids, only_to=only_to))
    return is_new


def _address(fact: Fact, people: Mapping[int, Delivery]) -> None:
    """A mail to each who wants it at once; the others wait for their digest."""
    at_once = [user_id for user_id, delivery in people.items() if delivery == Delivery.AT_ONCE]
    mails = Mail.objects.bulk_create(Mail(recipient_id=user_id) for user_id in at_once)
    by_recipient = {mail.recipient_id: mail for mail in mails}
    Telling.objects.bulk_create(
        Telling(
            fact=fact,
            recipient_id=user_id,
            in_digest=user_id not in by_recipient,
            mail=by_recipient.get(user_id),
        )
        for user_id in people
    )
