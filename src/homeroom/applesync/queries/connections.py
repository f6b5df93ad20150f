from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, QuerySet, Subquery

from homeroom.accounts.policy import Permission, Viewer
from homeroom.applesync.models import Connection, SyncRun


@dataclass(frozen=True, slots=True)
class Tile:
    """What the tile of the integration says of all its connections."""

    state: Connection.State
    last_synced_at: datetime | None


def connections(viewer: Viewer) -> QuerySet[Connection]:
    """The connections, each with `last_synced_at`. The private keys stay in the database, unopened."""
    if not viewer.may(Permission.VIEW_SYNC):
        return Connection.objects.none()
    succeeded = SyncRun.objects.filter(connection=OuterRef("pk"), state=SyncRun.State.SUCCEEDED)
    last = succeeded.order_by("-id").values("finished_at")[:1]
    return Connection.objects.defer("private_key").annotate(last_synced_at=Subquery(last))


def tile(shown: Iterable[Connection]) -> Tile:
    """One connection that needs attention makes the integration need it; an inactive one does not."""
    rows = list(shown)
    states = {row.state for row in rows}
    order = (Connection.State.NEEDS_ATTENTION, Connection.State.ACTIVE)
    state = next((state for state in order if state in states), Connection.State.NOT_ACTIVE)
    times = [row.last_synced_at for row in rows if row.last_synced_at]  # type: ignore[attr-defined]
    return Tile(state, max(times, default=None))


def row(connection: Connection) -> dict[str, object]:
    """A connection as the command line and exports show it: of its key, the fingerprint alone."""
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
        "active": connection.active,
        "state": connection.state,
        "problem": connection.problem,
    }
