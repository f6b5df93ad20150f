"""What people are told by mail of syncs: that one failed, that it works again, that one waits for a decision."""

from django.utils.translation import gettext_lazy as _

from homeroom.accounts.policy import Permission
from homeroom.applesync.models import SyncRun
from homeroom.applesync.queries.changes import decision
from homeroom.notifications.kinds import Kind
from homeroom.notifications.queries import was_told
from homeroom.notifications.verbs import notify

State = SyncRun.State

SYNC_FAILED = Kind(
    key="sync-failed",
    label=_("A sync failed"),
    help_text=_("Once for each connection, however many syncs fail after it."),
    permission=Permission.VIEW_SYNC,
    template="applesync/mail/sync_failed",
)
SYNC_WORKS_AGAIN = Kind(
    key="sync-works-again",
    label=_("Syncs work again"),
    help_text=_("The first sync that succeeds after one that failed."),
    permission=Permission.VIEW_SYNC,
    template="applesync/mail/sync_works_again",
)
SYNC_HELD = Kind(
    key="sync-held",
    label=_("A sync waits for a decision"),
    help_text=_("It would end or release much more than usual. Told once until a sync succeeds."),
    permission=Permission.RUN_SYNC,
    template="applesync/mail/sync_held",
)
KINDS = (SYNC_FAILED, SYNC_WORKS_AGAIN, SYNC_HELD)


def tell_how_it_ended(run: SyncRun) -> None:
    """In the transaction that ends it. Previews and cancelled runs are no news."""
    if run.preview or run.state == State.CANCELLED:
        return
    if run.state == State.FAILED:
        _tell_that_it_failed(run)
        return
    _tell_that_it_works_again(run)
    if run.state == State.HELD:
        _tell_that_it_waits(run)


def _tell_that_it_failed(run: SyncRun) -> None:
    context = {
        "connection": run.connection.name,
        "error": run.error,
        "fix": run.fix,
        "finished_at": run.finished_at,
        "next_run_at": run.connection.next_run_at,
    }
    notify(SYNC_FAILED, fact=_failures_before(run), context=context, path=run.get_absolute_url())


def _tell_that_it_works_again(run: SyncRun) -> None:
    """Only to those failures that were told."""
    failures = _failures_before(run)
    if was_told(SYNC_FAILED, failures):
        context = {
            "connection": run.connection.name,
            "finished_at": run.finished_at,
            "listed": run.listed,
            "coverage_checked": run.coverage_checked,
        }
        notify(SYNC_WORKS_AGAIN, fact=failures, context=context, path=run.get_absolute_url())


def _tell_that_it_waits(run: SyncRun) -> None:
    waits_for = decision(run)
    context = {
        "connection": run.connection.name,
        "run": run.pk,
        "touched": waits_for.touched,
        "known": waits_for.known,
    }
    fact = _key(run, _last_before(run, State.SUCCEEDED))
    notify(SYNC_HELD, fact=fact, context=context, path=run.get_absolute_url())


def _failures_before(run: SyncRun) -> str:
    """Names the failures in a row that this run belongs to, or puts an end to: those since the last good one."""
    return _key(run, _last_before(run, State.SUCCEEDED, State.HELD))


def _key(run: SyncRun, since: int) -> str:
    return f"connection:{run.connection_id}/since:{since}"


def _last_before(run: SyncRun, *states: SyncRun.State) -> int:
    earlier = SyncRun.objects.filter(connection=run.connection_id, pk__lt=run.pk, preview=False)
    last = earlier.filter(state__in=states).order_by("-pk").values_list("pk", flat=True).first()
    return last or 0
