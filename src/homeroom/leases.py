"""Rows that one process at a time works on, and that another takes over once nobody does.

A row's state says what there is to do; the columns here, who does it. What a process has to say of a row that another
one has taken over is refused, by the row itself.
"""

from dataclasses import asdict
from datetime import timedelta
from typing import Any, TypeVar

from django.db import models
from django.utils import timezone

from homeroom.processes import Owner, this_process


class LeaseLost(Exception):  # noqa: N818 - the name is the fact
    """Another process has taken the row over, or it was deleted; nothing more may be written."""


class Leased(models.Model):
    """What is to be done says a `state`, which the models that are leased add."""

    state: models.CharField[Any, Any]
    fence = models.PositiveIntegerField(
        default=0, help_text="Grows with each process that takes it; what a former one has to say is refused."
    )
    process = models.JSONField(null=True, help_text="The process that works on it.")
    lease_until = models.DateTimeField(
        null=True, help_text="Unless renewed, it is given up. A dead process on this host is seen at once."
    )

    class Meta:
        abstract = True

    @property
    def is_free(self) -> bool:
        """Nobody works on it: nobody has taken it yet, or who has is dead or silent."""
        is_alive = Owner(**self.process).is_alive if self.process else False
        return is_alive is False or self.lease_until is None or self.lease_until < timezone.now()


Row = TypeVar("Row", bound=Leased)
LET_GO: dict[str, Any] = {"process": None, "lease_until": None}
"""What is written with the end of the work."""


def take(row: Row, lease: timedelta, **values: Any) -> Row | None:
    """Take it, and write the values: the row as it stands then. None: somebody else came first."""
    taken = unchanged(row).update(
        fence=models.F("fence") + 1,
        process=asdict(this_process()),
        lease_until=timezone.now() + lease,
        **values,
    )
    return models.QuerySet(type(row)).filter(pk=row.pk, fence=row.fence + 1).first() if taken else None


def unchanged(row: Row) -> models.QuerySet[Row]:
    """The row, to be written to, as long as it stands as it was read; else nothing."""
    return models.QuerySet(type(row)).filter(pk=row.pk, fence=row.fence, state=row.state)


def renew(row: Row, lease: timedelta, **values: Any) -> None:
    """Write the values and go on. Inside a transaction this is what fences it. Raises LeaseLost."""
    if not unchanged(row).update(lease_until=timezone.now() + lease, **values):
        raise LeaseLost
