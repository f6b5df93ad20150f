"""What keeps the statuses of an integration as they are: whoever writes them, they refuse."""

from collections.abc import Iterable
from typing import Any, ClassVar, Generic, TypeVar

from django.db import models
from django.utils.translation import gettext

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
