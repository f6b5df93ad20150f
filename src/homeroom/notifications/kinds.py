"""The registry of what people can be told by mail. Higher apps register their kinds; this app knows none of them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.models import User
from homeroom.accounts.policy import GRANTS, Permission, Role
from homeroom.notifications.attachments import Attachment


class Delivery(models.TextChoices):
    AT_ONCE = "at-once", _("At once")
    DIGEST = "digest", _("In the daily digest")
    OFF = "off", _("Not at all")


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A kind of fact that people can be told of.

    Who holds `permission` may get it. Unless they choose otherwise, administrators get it by `default`, everybody
    else by `default_of_others`. `template` is the base name of three templates, `<template>_subject.txt`,
    `<template>.txt` and `<template>.html`; in a digest the subject alone stands for the fact.

    `attachments` says which files the mail of a fact brings, of the fact's context. Where role and sites alone don't
    say who may know a fact, `may_know` does; both are asked when the mail is sent.
    """

    key: str
    label: str | Promise
    help_text: str | Promise
    permission: Permission
    template: str
    default: Delivery = Delivery.AT_ONCE
    default_of_others: Delivery = Delivery.OFF
    attachments: "Callable[[Mapping[str, Any]], Iterable[Attachment]] | None" = None
    may_know: "Callable[[User, Mapping[str, Any]], bool] | None" = None

    def default_for(self, role: Role) -> Delivery:
        return self.default if role == Role.ADMINISTRATOR else self.default_of_others

    @property
    def roles(self) -> frozenset[Role]:
        """Whose role may get it."""
        return frozenset(role for role, permissions in GRANTS.items() if self.permission in permissions)


_kinds: dict[str, Kind] = {}


def register_kind(kind: Kind) -> None:
    """Called once, in `AppConfig.ready()`. On the preferences page kinds stand in the order of registration."""
    if _kinds.setdefault(kind.key, kind) is not kind:
        raise ValueError(f"two kinds of notification are called {kind.key}")


def kinds() -> list[Kind]:
    return list(_kinds.values())


def kind_of(key: str) -> Kind | None:
    """None: the app that registered it is gone."""
    return _kinds.get(key)
