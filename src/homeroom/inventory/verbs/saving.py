"""How the inventory's nouns are checked and written; a wrong value becomes a refusal that names its field."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, models, transaction

from homeroom.web.errors import Refused


def assign(subject: models.Model, values: Mapping[str, Any], *, allowed: frozenset[str]) -> None:
    """Set the values, text without surrounding white space."""
    unknown = values.keys() - allowed
    if unknown:
        raise TypeError(f"{subject._meta.label} has no value {', '.join(sorted(unknown))} to set")
    for name, value in values.items():
        setattr(subject, name, value.strip() if isinstance(value, str) else value)


def check_and_save(subject: models.Model) -> None:
    try:
        subject.full_clean()
    except ValidationError as error:
        raise _refused(error) from error
    try:
        with transaction.atomic():
            subject.save()
    except IntegrityError:
        # Somebody else took the tag, serial number or name since the check: the check now finds it.
        try:
            subject.full_clean()
        except ValidationError as error:
            raise _refused(error) from error
        raise


def values_of(subject: models.Model, names: frozenset[str]) -> dict[str, Any]:
    """As the audit trail keeps them: related objects by name, in the order of the model."""
    return {
        field.name: _plain(getattr(subject, field.name))
        for field in subject._meta.concrete_fields
        if field.name in names
    }


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, models.Model) else value


def _refused(error: ValidationError) -> Refused:
    field, messages = next(iter(error.message_dict.items()))
    return Refused(" ".join(messages), field=None if field == NON_FIELD_ERRORS else field)
