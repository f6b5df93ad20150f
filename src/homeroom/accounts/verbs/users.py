"""People who sign in: made, changed and shut out by administrators; some things they change themselves."""

from collections.abc import Iterable
from typing import Any
from zoneinfo import available_timezones

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from homeroom.accounts.models import User
from homeroom.accounts.policy import Role
from homeroom.audit.actors import Actor
from homeroom.audit.verbs import changed_values, record
from homeroom.web.errors import Refused

PERSONAL = ("email", "name")


@transaction.atomic
def create_user(
    *, actor: Actor, email: str, password: str, name: str, role: Role, site_ids: Iterable[int] = ()
) -> User:
    """Make an account that can sign in at once. Raises Refused naming the field that is wrong."""
    user = User(email=email.strip().lower(), name=name.strip(), role=role)
    _check_email(user)
    _set_password(user, password)
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError:
        raise _taken() from None
    user.sites.set(site_ids)
    record(
        actor,
        "user.created",
        user,
        after={"role": role, "sites": sorted(site_ids)},
        personal_after={"email": user.email, "name": user.name},
    )
    return user


@transaction.atomic
def update_user(user: User, *, actor: Actor, site_ids: Iterable[int] | None = None, **values: Any) -> User:
    """Change `email`, `name`, `role`, `is_active`, `time_zone` and sites; the last administrator stays one."""
    user = User.objects.select_for_update().get(pk=user.pk)
    before = {name: getattr(user, name) for name in values}
    if "email" in values:
        values["email"] = values["email"].strip().lower()
    for name, value in values.items():
        setattr(user, name, value)
    _check_email(user)
    if user.time_zone and user.time_zone not in available_timezones():
        raise Refused(_("There is no such time zone."), field="time_zone")
    _keep_an_administrator(user)
    user.save(update_fields=list(values))
    if site_ids is not None:
        before["sites"] = sorted(user.sites.values_list("pk", flat=True))
        values["sites"] = sorted(site_ids)
        user.sites.set(site_ids)
    old, new = changed_values(before, values)
    if new:
        record(
            actor,
            "user.updated",
            user,
            before=_only(old, personal=False),
            after=_only(new, personal=False),
            personal_before=_only(old, personal=True),
            personal_after=_only(new, personal=True),
        )
    return user


@transaction.atomic
def set_password(user: User, password: str, *, actor: Actor) -> None:
    """Give a user a new password; every session of theirs ends with it."""
    _set_password(user, password)
    user.save(update_fields=["password"])
    record(actor, "user.password-set", user)


def _check_email(user: User) -> None:
    try:
        validate_email(user.email)
    except ValidationError as error:
        raise Refused(" ".join(error.messages), field="email") from None
    if User.objects.filter(email__iexact=user.email).exclude(pk=user.pk).exists():
        raise _taken()


def _taken() -> Refused:
    return Refused(_("Somebody signs in with this address already."), field="email")


def _set_password(user: User, password: str) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Refused(" ".join(error.messages), field="password") from None
    user.set_password(password)


def _keep_an_administrator(user: User) -> None:
    if user.is_active and user.role == Role.ADMINISTRATOR:
        return
    administrators = set(
        User.objects.select_for_update()
        .filter(is_active=True, role=Role.ADMINISTRATOR)
        .values_list("pk", flat=True)
    )
    if administrators == {user.pk}:
        raise Refused(_("Homeroom needs at least one administrator who may sign in."), field="role")


def _only(values: dict[str, Any], *, personal: bool) -> dict[str, Any]:
    return {name: value for name, value in values.items() if (name in PERSONAL) is personal}
