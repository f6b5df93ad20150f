"""What can be asked about connections: how each stands, when it last synced, and when it will again."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, TypedDict

from django.conf import settings
from django.db.models import Case, Exists, F, OuterRef, QuerySet, Subquery, When
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django_stubs_ext.annotations import Annotations

from homeroom.accounts.policy import Permission, Viewer
from homeroom.applesync import schedules
from homeroom.applesync.models import Connection, SyncRun

SIGN_OF_LIFE = timedelta(minutes=10)
"""A sync that gave one within this time is at work: a district's first one may take days."""


class Syncs(TypedDict):
    last_synced_at: datetime | None
    is_syncing: bool
    held_run: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What is said of one connection, or of all of them on the tile."""

    state: Connection.State
    last_synced_at: datetime | None
    next_run_at: datetime | None

    @property
    def is_due(self) -> bool:
        """A turn has come and no worker has taken it up yet."""
        return self.next_run_at is not None and self.next_run_at <= timezone.now()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing(Summary):
    """A connection as people look after it; `problem` is empty where there is none."""

    connection: Connection
    problem: str
    held_run: int | None
    """The last sync, where it waits for a decision."""


def connections(viewer: Viewer) -> QuerySet[Annotated[Connection, Annotations[Syncs]]]:
    """The connections, each with its `last_synced_at`. The private keys stay in the database, unopened."""
    if not viewer.may(Permission.VIEW_SYNC):
        return _known(Connection.objects.none())
    return _known(Connection.objects.all())


def standings(viewer: Viewer) -> list[Standing]:
    """Of every connection."""
    return [_standing(row) for row in connections(viewer)]


def every_standing() -> list[Standing]:
    """Of every connection, for the command line: who may run it may see them."""
    return [_standing(row) for row in _known(Connection.objects.all())]


def standing(connection: Connection) -> Standing:
    """Of one, as the database has it now. Asks for no permission: the connection was found by who may see it."""
    return _standing(_known(Connection.objects.filter(pk=connection.pk)).get())


def tile(shown: Iterable[Standing]) -> Summary:
    """One connection that needs attention makes the integration need it; an inactive one does not."""
    rows = list(shown)
    states = {row.state for row in rows}
    order = (Connection.State.NEEDS_ATTENTION, Connection.State.ACTIVE)
    return Summary(
        state=next((state for state in order if state in states), Connection.State.NOT_ACTIVE),
        last_synced_at=max((row.last_synced_at for row in rows if row.last_synced_at), default=None),
        next_run_at=min((row.next_run_at for row in rows if row.next_run_at), default=None),
    )


def row(standing: Standing) -> dict[str, object]:
    """A connection as the command line and the API show it: of its key, the fingerprint alone."""
    connection = standing.connection
    return {
        "id": connection.pk,
        "name": connection.name,
        "kind": connection.kind,
        "team_id": connection.team_id,
        "client_id": connection.client_id,
        "key_id": connection.key_id,
        "key_fingerprint": connection.key_fingerprint,
        "sync_coverage": connection.sync_coverage,
        "process_replacements": connection.process_replacements,
        "apply_replacements": connection.apply_replacements,
        "schedule": str(connection.schedule),
        "active": connection.active,
        "state": standing.state,
        "problem": standing.problem,
        "last_synced_at": standing.last_synced_at,
        "next_run_at": standing.next_run_at,
    }


def _known(found: QuerySet[Connection]) -> QuerySet[Annotated[Connection, Annotations[Syncs]]]:
    runs = SyncRun.objects.filter(connection=OuterRef("pk"))
    good = runs.filter(state=SyncRun.State.SUCCEEDED).order_by("-id").values("finished_at")[:1]
    at_work = runs.filter(
        state=SyncRun.State.RUNNING, preview=False, heartbeat_at__gte=timezone.now() - SIGN_OF_LIFE
    )
    looked = runs.filter(state__in=[SyncRun.State.SUCCEEDED, SyncRun.State.HELD]).order_by("-id")
    held = Case(When(state=SyncRun.State.HELD, then=F("id")))
    return found.defer("private_key").annotate(
        last_synced_at=Subquery(good),
        is_syncing=Exists(at_work),
        held_run=Subquery(looked.annotate(held=held).values("held")[:1]),
    )


def _standing(connection: Annotated[Connection, Annotations[Syncs]]) -> Standing:
    problems = [connection.problem] if connection.problem else []
    if connection.held_run:
        problems.append(_("Sync %(run)s waits for a decision.") % {"run": connection.held_run})
    if _is_silent(connection):
        problems.append(_silence(connection))
    needs_attention = connection.active and problems
    return Standing(
        connection=connection,
        state=Connection.State.NEEDS_ATTENTION if needs_attention else connection.state,
        problem=" ".join(problems),
        held_run=connection.held_run,
        last_synced_at=connection.last_synced_at,
        next_run_at=connection.next_turn_at,
    )


def _is_silent(connection: Annotated[Connection, Annotations[Syncs]]) -> bool:
    """Whether syncs have been failing or missing for too long. Nobody has to reset it: a good sync ends it."""
    if not connection.active or connection.is_syncing:
        return False
    good = max(connection.last_synced_at or connection.scheduled_since, connection.scheduled_since)
    if hours := settings.CONFIGURATION.apple_sync_watchdog_hours:
        alarm: datetime | None = good + timedelta(hours=hours)
    else:
        alarm = schedules.alarm_after(connection.schedule, good, timezone.get_default_timezone())
    return alarm is not None and alarm <= timezone.now()


def _silence(connection: Annotated[Connection, Annotations[Syncs]]) -> str:
    if connection.last_synced_at is None:
        return _("No sync has succeeded yet.")
    moment = timezone.localtime(connection.last_synced_at)
    return _("No successful sync since %(moment)s (%(time)s).") % {
        "moment": date_format(moment, "DATETIME_FORMAT"),
        "time": timesince(moment),
    }
