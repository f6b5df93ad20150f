"""What keeps the statuses of an integration as they are: whoever writes them, they refuse."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any, ClassVar, Generic, TypeVar

from django.db import models
from django.utils.translation import gettext

from homeroom.rows import write_rows
from homeroom.web.errors import Refused


class SystemStatusIsFixed(Refused):
    """Something tried to rename, change or delete a status that belongs to an integration."""

    def __init__(self) -> None:
        super().__init__(
            gettext(
                "This status belongs to the Apple School Manager integration; it is never renamed or deleted."
            )
        )


Status = TypeVar("Status", bound="GuardedStatus")


class StatusQuerySet(models.QuerySet[Status], Generic[Status]):
    """Refuses to change or delete a set of statuses in which there is a system status."""

    def _refuse_system(self) -> None:
        if self.order_by().filter(system_key__isnull=False).exists():
            raise SystemStatusIsFixed

    def update(self, **kwargs: Any) -> int:
        self._refuse_system()
        return super().update(**kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        self._refuse_system()
        return super().delete()

    def bulk_create(self, objs: Iterable[Status], *args: Any, **kwargs: Any) -> list[Status]:
        statuses = list(objs)
        if kwargs.get("update_conflicts"):
            written = type(self)(self.model).filter(name__in=[status.name for status in statuses])
            written._refuse_system()  # noqa: SLF001 - its own class
        return super().bulk_create(statuses, *args, **kwargs)

    def district_own(self) -> "StatusQuerySet[Status]":
        """The statuses that people choose from: all but the system statuses."""
        return self.filter(system_key__isnull=True)


class GuardedStatus(models.Model):
    """A status of which the ones with a system key are written once and then stay."""

    NOUN: ClassVar[str]
    """How the audit trail calls it."""
    name: Any
    system_key: Any
    objects: ClassVar[StatusQuerySet[Any]]

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            self._refuse_system()
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        self._refuse_system()
        return super().delete(*args, **kwargs)

    @property
    def is_system(self) -> bool:
        return self.system_key is not None

    def _refuse_system(self) -> None:
        stored = type(self).objects.filter(pk=self.pk)
        if self.is_system or stored.filter(system_key__isnull=False).exists():
            raise SystemStatusIsFixed

    @classmethod
    def system_ids(cls) -> set[int]:
        return set(cls.objects.filter(system_key__isnull=False).values_list("pk", flat=True))


class SystemStatusIsNotChosen(Refused):
    """Something other than the integration tried to give a system status."""

    def __init__(self) -> None:
        super().__init__(gettext("This status is set by the Apple School Manager integration alone."))


_integration_is_writing: ContextVar[bool] = ContextVar("integration_is_writing", default=False)


@contextmanager
def integration_sets_status() -> Iterator[None]:
    """The one door for entering a system status; verbs of the integration alone go through it."""
    token = _integration_is_writing.set(True)
    try:
        yield
    finally:
        _integration_is_writing.reset(token)


Bearer = TypeVar("Bearer", bound=models.Model)


STATUS_NAMES = frozenset({"status", "status_id"})
"""Django takes either as the field's name, also where fields are listed."""


class BearerQuerySet(models.QuerySet[Bearer], Generic[Bearer]):
    """Of models with a `status`: refuses to enter a system status. One that has it may keep or leave it."""

    def update(self, **kwargs: Any) -> int:
        for name in STATUS_NAMES & kwargs.keys():
            self._refuse_value(kwargs[name])
        return super().update(**kwargs)

    def bulk_create(self, objs: Iterable[Bearer], *args: Any, **kwargs: Any) -> list[Bearer]:
        bearers = list(objs)
        refuse_to_enter(self.model, bearers)
        return super().bulk_create(bearers, *args, **kwargs)

    def bulk_update(self, objs: Iterable[Bearer], fields: Iterable[str], *args: Any, **kwargs: Any) -> int:
        bearers, names = list(objs), list(fields)
        if not STATUS_NAMES.isdisjoint(names):
            refuse_to_enter(self.model, bearers)
        with integration_sets_status():  # it updates with an expression, of what has just been looked at
            return super().bulk_update(bearers, names, *args, **kwargs)

    def write_rows(
        self, rows: Iterable[Mapping[str, Any]], *, unique: Collection[str] = (), update: Collection[str] = ()
    ) -> None:
        """Like `bulk_create`, of rows with a `status_id`, through one compiled statement; see `homeroom.rows`."""
        rows = list(rows)
        refuse_to_enter(
            self.model, [SimpleNamespace(pk=row.get("id"), status_id=row["status_id"]) for row in rows]
        )
        write_rows(self.model, rows, unique=unique, update=update)

    def _refuse_value(self, value: Any) -> None:
        """Whatever an expression comes to: nothing enters a system status but through the door."""
        if _integration_is_writing.get():
            return
        if hasattr(value, "resolve_expression"):
            raise SystemStatusIsNotChosen
        statuses = self.model._meta.get_field("status").related_model
        if getattr(value, "pk", value) in statuses.system_ids():  # type: ignore[union-attr]
            raise SystemStatusIsNotChosen


def refuse_to_enter(model: Any, bearers: Iterable[Any]) -> None:
    """Refuse if any of these is about to enter a system status that its stored row does not have."""
    if _integration_is_writing.get():
        return
    statuses: type[GuardedStatus] = model._meta.get_field("status").related_model
    system = statuses.system_ids()
    entering = {(bearer.pk, bearer.status_id) for bearer in bearers if bearer.status_id in system}
    if entering:
        stored = model.objects.filter(pk__in=[pk for pk, _status in entering if pk is not None])
        if entering - set(stored.values_list("pk", "status_id")):
            raise SystemStatusIsNotChosen


def guard_saving(instance: Any, update_fields: frozenset[str] | None = None, **_kwargs: Any) -> None:
    """For `pre_save`. A signal, because loading a fixture passes by `save()`."""
    if update_fields is not None and STATUS_NAMES.isdisjoint(update_fields):
        return
    status = instance._meta.get_field("status")
    if not status.is_cached(instance) or status.get_cached_value(instance).is_system:
        refuse_to_enter(type(instance), [instance])
