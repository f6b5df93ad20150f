"""Which imports somebody may look at, and the rows of one."""

from django.db.models import Q, QuerySet

from homeroom.accounts.models import User
from homeroom.accounts.policy import Role
from homeroom.inventory.imports.models import ImportJob, ImportRow


def visible_imports(user: User) -> QuerySet[ImportJob]:
    """Administrators see every import, others their own: a file can hold more than their sites."""
    imports = ImportJob.objects.all()
    return imports if user.role == Role.ADMINISTRATOR else imports.filter(requested_by=user)


WAITING = (ImportJob.State.UPLOADED, ImportJob.State.PLANNED, ImportJob.State.REFUSED)


def imports_waiting_for(user_id: int | None) -> QuerySet[ImportJob]:
    """Those that they began, and that go no further without them."""
    if user_id is None:
        return ImportJob.objects.none()
    return ImportJob.objects.filter(requested_by=user_id, state__in=WAITING)


def rows_of(job: ImportJob, *, outcome: str = "", text: str = "") -> QuerySet[ImportRow]:
    rows = job.rows.all()
    if outcome in ImportRow.Outcome.values:
        rows = rows.filter(outcome=outcome)
    if text:
        rows = rows.filter(
            Q(label__icontains=text) | Q(changes__icontains=text) | Q(problems__icontains=text)
        )
    return rows
