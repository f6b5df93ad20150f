import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.utils.functional import Promise

from homeroom.audit.actors import Actor
from homeroom.audit.models import Entry, PersonalValues

Values = Mapping[str, Any]


def record(
    actor: Actor,
    action: str,
    subject: models.Model,
    *,
    label: str | None = None,
    before: Values | None = None,
    after: Values | None = None,
    personal_before: Values | None = None,
    personal_after: Values | None = None,
) -> Entry:
    """Write one entry about `subject`. Call it inside the transaction of the change it tells.

    `action` is `<noun>.<verb>`, for example `device.updated`. Secrets never belong in before or after;
    values about a person go into `personal_before` and `personal_after`. `label` names the subject where
    its own text is personal.
    """
    with transaction.atomic():
        entry = Entry.objects.create(
            actor_id=actor.id,
            actor_label=actor.label[:200],
            action=action,
            object_type=subject._meta.label_lower,
            object_id=str(subject.pk),
            object_label=(label or str(subject))[:250],
            before=_plain(before),
            after=_plain(after),
        )
        if personal_before or personal_after:
            PersonalValues.objects.create(
                entry=entry, before=_plain(personal_before), after=_plain(personal_after)
            )
    return entry


@dataclass(frozen=True, slots=True)
class Told:
    """What one entry of many tells of its subject."""

    subject: models.Model
    before: Values | None
    after: Values | None


def record_each(actor: Actor, action: str, told: Iterable[Told]) -> None:
    """Write an entry about each of many subjects that were changed by one statement. Nothing personal belongs here."""
    Entry.objects.bulk_create(
        Entry(
            actor_id=actor.id,
            actor_label=actor.label[:200],
            action=action,
            object_type=each.subject._meta.label_lower,
            object_id=str(each.subject.pk),
            object_label=str(each.subject)[:250],
            before=_plain(each.before),
            after=_plain(each.after),
        )
        for each in told
    )


def changed_values(before: Values, after: Values) -> tuple[dict[str, Any], dict[str, Any]]:
    """Only the keys whose value differs, of each side."""
    keys = [key for key in after if before.get(key) != after[key]]
    return {key: before.get(key) for key in keys}, {key: after[key] for key in keys}


def _plain(values: Values | None) -> Any:
    if values is None:
        return None
    return json.loads(json.dumps(dict(values), cls=_Encoder))


class _Encoder(DjangoJSONEncoder):
    def default(self, o: object) -> Any:
        if isinstance(o, models.Model):
            return str(o)
        if isinstance(o, Promise):
            return str(o)
        return super().default(o)
