"""Starting, ending and cancelling syncs. Whoever starts one, there is one at a time for a connection."""

from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from homeroom.applesync.models import Connection, SyncRun
from homeroom.applesync.notifications import tell_how_it_ended, tell_what_is_to_review
from homeroom.applesync.pipeline.lease import Lease, claim, owner_is_alive, owner_of
from homeroom.audit.actors import HOMEROOM, Actor
from homeroom.audit.verbs import record
from homeroom.web.errors import Refused

ACTIVE = (SyncRun.State.QUEUED, SyncRun.State.RUNNING)
LOOKED_AGAIN = (SyncRun.State.SUCCEEDED, SyncRun.State.HELD, SyncRun.State.PREVIEWED)


class SyncIsRunning(Refused):
    """Another sync of the same connection is at work; `run` is that one."""

    def __init__(self, run: SyncRun) -> None:
        self.run = run
        super().__init__(
            _(
                "Sync %(run)s of “%(connection)s” is running already: started by %(who)s, worked on by %(owner)s."
            )
            % {
                "run": run.pk,
                "connection": run.connection,
                "who": run.requested_by,
                "owner": owner_of(run) or _("nobody yet"),
            }
        )


@dataclass(frozen=True, slots=True)
class ClaimedRun:
    run: SyncRun
    lease: Lease


def request_sync(connection: Connection, *, actor: Actor, preview: bool = False) -> SyncRun:
    """Queue a sync or a preview for the worker. One that waits or runs already is returned instead of a second."""
    _refuse_inactive(connection)
    waiting = _active_run(connection)
    if waiting is not None:
        return waiting
    try:
        return _queue(connection, actor, preview=preview)
    except IntegrityError:  # somebody else was first, and may have ended by now
        return _active_run(connection) or _queue(connection, actor, preview=preview)


@transaction.atomic
def begin_sync(connection: Connection, *, actor: Actor, preview: bool = False) -> ClaimedRun:
    """Own a sync of the connection in this process: a new one, one that waits, or one whose process died.

    A worker meets a new one only once it is owned. A preview that nobody works on gives way to a sync. Raises
    SyncIsRunning if a living process works on one, and Refused for a preview while a sync is unfinished.
    """
    waiting = _active_run(connection)
    if waiting is not None and waiting.preview != preview and not owner_is_alive(waiting):
        if preview:
            raise Refused(
                _("Sync %(run)s is not finished. Start a sync to finish it, or cancel it.")
                % {"run": waiting.pk}
            )
        request_cancel(waiting, actor=actor)
    return _begin(request_sync(connection, actor=actor, preview=preview))


@transaction.atomic
def begin_accepted(run: SyncRun, *, actor: Actor) -> ClaimedRun:
    """Accept the changes as below, and own in this process the run that does them."""
    return _begin(accept_changes(run, actor=actor))


def _begin(run: SyncRun) -> ClaimedRun:
    lease = claim(run)
    if lease is None:
        raise SyncIsRunning(SyncRun.objects.select_related("connection").get(pk=run.pk))
    return _claimed(lease)


@transaction.atomic
def accept_changes(run: SyncRun, *, actor: Actor) -> SyncRun:
    """Let be done what a held run or a preview planned; the run to be worked on for it. Apple is asked nothing.

    Refuses what does not wait for a decision (any more). Raises SyncIsRunning while another sync is at work.
    """
    running = _active_run(run.connection)
    if running is not None and running != run:
        raise SyncIsRunning(running)
    if sentence := refusal_to_accept(run):  # asked last: what ran until now may have looked at Apple again
        raise Refused(sentence)
    try:
        with transaction.atomic():
            return _queue_accepted(run, actor)
    except IntegrityError:
        raise Refused(_("Another sync has just begun. Look again when it is over.")) from None


def _queue_accepted(run: SyncRun, actor: Actor) -> SyncRun:
    accepted = {"accepted_at": timezone.now(), "accepted_by": actor.label}
    if run.state == SyncRun.State.PREVIEWED:
        return _queue(run.connection, actor, replays=run, **accepted)
    waiting = SyncRun.objects.filter(pk=run.pk, state=SyncRun.State.HELD)
    if not waiting.update(state=SyncRun.State.QUEUED, finished_at=None, **accepted):
        raise Refused(_("Somebody else has just accepted it."))
    record(actor, "sync.accepted", run)
    run.refresh_from_db()
    return run


def refusal_to_accept(run: SyncRun) -> str:
    """Why the changes of this run can't be accepted (any more); empty if they can."""
    if not run.awaits_decision:
        return _("Sync %(run)s has nothing that waits for a decision.") % {"run": run.pk}
    if not run.connection.active:
        return _inactive(run.connection)
    later = SyncRun.objects.filter(connection=run.connection_id, pk__gt=run.pk)
    newer = later.filter(state__in=LOOKED_AGAIN if run.preview else LOOKED_AGAIN[:2]).first()
    if newer is not None:
        return _("Sync %(newer)s has looked at Apple again since. Decide about that one.") % {
            "newer": newer.pk
        }
    return ""


def claim_due_run() -> ClaimedRun | None:
    """For the worker: a run that waits to start, or one whose process died."""
    for run in SyncRun.objects.filter(state__in=ACTIVE, connection__active=True).order_by("pk"):
        if run.state == SyncRun.State.QUEUED or not owner_is_alive(run):
            lease = claim(run)
            if lease is not None:
                return _claimed(lease)
    return None


def release(lease: Lease) -> None:
    """Give the run back unfinished, so that the next process that looks for work goes on with it."""
    lease.renew(state=SyncRun.State.QUEUED, owner=None)


def finish(
    run: SyncRun,
    lease: Lease,
    state: SyncRun.State,
    *,
    error: str = "",
    fix: str = "",
    pace: float | None = None,
) -> None:
    """End a run, remember on its connection how it went, and tell who wants to know."""
    with transaction.atomic():
        lease.renew(
            state=state,
            step=SyncRun.Step.FINISHED,
            finished_at=timezone.now(),
            error=error,
            fix=fix,
            listing_seen=b"",
        )
        run.refresh_from_db()
        _remember(run, pace)
        tell_how_it_ended(run)
        tell_what_is_to_review(run)
        record(HOMEROOM, f"sync.{state}", run, after=counts(run) | ({"error": error} if error else {}))


def request_cancel(run: SyncRun, *, actor: Actor) -> None:
    """Ask a run to stop. One that nobody works on is over at once; what it has written stays."""
    with transaction.atomic():
        run = SyncRun.objects.select_for_update().get(pk=run.pk)
        if run.is_over:
            raise Refused(_("This sync is over already."))
        record(actor, "sync.cancel-requested", run)
        if run.state == SyncRun.State.QUEUED or not owner_is_alive(run):
            run.state = SyncRun.State.CANCELLED
            run.finished_at = timezone.now()
            run.fence += 1
        run.cancel_requested_at = timezone.now()
        run.save(update_fields=["state", "finished_at", "fence", "cancel_requested_at"])


def _queue(connection: Connection, actor: Actor, **values: Any) -> SyncRun:
    with transaction.atomic():
        run = SyncRun.objects.create(
            connection=connection, requested_by=actor.label, requested_by_id=actor.id, **values
        )
        told = {"connection": connection.name, "preview": run.preview}
        if run.replays:
            told["applies"] = run.replays.pk
        record(actor, "sync.requested", run, after=told)
    return run


def counts(run: SyncRun) -> dict[str, int]:
    """The numbers of a run under the names that the command line, the API and exports use."""
    return {
        "listed": run.listed,
        "matched": run.matched,
        "unmatched": run.unmatched,
        "created": run.created,
        "updated": run.updated,
        "unchanged": run.unchanged,
        "coverage_checked": run.coverage_checked,
        "coverage_failed": run.coverage_failed,
        "insurance_created": run.insurance_created,
        "insurance_updated": run.insurance_updated,
        "insurance_ended": run.insurance_ended,
        "replacements_applied": run.replacements_applied,
        "replacements_to_review": run.replacements_to_review,
        "requests": run.requests,
        "throttled": run.throttled,
        "retries": run.retries,
        "problems": run.problems,
    }


def _remember(run: SyncRun, pace: float | None) -> None:
    """Keep what the end of a run tells of its connection; written only where it differs."""
    told: dict[str, Any] = {}
    if run.state in {SyncRun.State.SUCCEEDED, SyncRun.State.HELD}:
        told = {"problem": "", "pace": pace}
    elif run.state == SyncRun.State.FAILED:
        told = {"problem": run.error[:500]}
    connection = Connection.objects.filter(pk=run.connection_id)
    if told and connection.values(*told).get() != told:
        connection.update(**told)


def _refuse_inactive(connection: Connection) -> None:
    if not connection.active:
        raise Refused(_inactive(connection))


def _inactive(connection: Connection) -> str:
    return _("“%(name)s” is not active. Activate it first.") % {"name": connection.name}


def _active_run(connection: Connection) -> SyncRun | None:
    return SyncRun.objects.filter(connection=connection, state__in=ACTIVE).first()


def _claimed(lease: Lease) -> ClaimedRun:
    return ClaimedRun(SyncRun.objects.select_related("connection", "replays").get(pk=lease.run_id), lease)
