"""What can be done with a person. Their name and address are kept apart in the audit trail."""

from typing import Any

from django.db import transaction

from homeroom.audit.actors import Actor
from homeroom.audit.verbs import changed_values, record
from homeroom.inventory.models import Person
from homeroom.inventory.verbs.saving import assign, check_and_save, values_of

_PERSONAL = frozenset({"name", "email"})
_PLAIN = frozenset({"external_id", "kind", "grade", "site", "active"})
PERSON_VALUES = _PERSONAL | _PLAIN


@transaction.atomic
def create_person(*, actor: Actor, **values: Any) -> Person:
    person = Person()
    assign(person, values, allowed=PERSON_VALUES)
    check_and_save(person)
    record(
        actor,
        "person.created",
        person,
        label=person.external_id,
        after=values_of(person, _PLAIN),
        personal_after=values_of(person, _PERSONAL),
    )
    return person


@transaction.atomic
def update_person(person: Person, *, actor: Actor, **values: Any) -> Person:
    stored = Person.objects.select_for_update(of=("self",)).select_related("site").get(pk=person.pk)
    before, personal_before = values_of(stored, _PLAIN), values_of(stored, _PERSONAL)
    assign(stored, values, allowed=PERSON_VALUES)
    old, new = changed_values(before, values_of(stored, _PLAIN))
    personal_old, personal_new = changed_values(personal_before, values_of(stored, _PERSONAL))
    if new or personal_new:
        check_and_save(stored)
        record(
            actor,
            "person.updated",
            stored,
            label=stored.external_id,
            before=old,
            after=new,
            personal_before=personal_old,
            personal_after=personal_new,
        )
    assign(person, {name: getattr(stored, name) for name in values}, allowed=PERSON_VALUES)
    return person


def deactivate(person: Person, *, actor: Actor) -> Person:
    """Somebody who has left. What they still hold stays assigned to them until it is checked in."""
    return update_person(person, actor=actor, active=False)
