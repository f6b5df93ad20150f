"""What people are told by mail: how syncs fare, which replacements were applied, and which wait for a person."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.policy import Permission
from homeroom.applesync.models import Replacement, SyncRun
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
REPLACEMENT_APPLIED = Kind(
    key="replacement-applied",
    label=_("A replacement was processed"),
    help_text=_("Apple sent another device for one of ours, and Homeroom or a person paired the two."),
    permission=Permission.VIEW_INCIDENTS,
    template="applesync/mail/replacement_applied",
)
REPLACEMENTS_TO_REVIEW = Kind(
    key="replacements-to-review",
    label=_("Replacements to review"),
    help_text=_("Once for each sync that found new devices and could not be certain what they replace."),
    permission=Permission.REVIEW_REPLACEMENTS,
    template="applesync/mail/replacements_to_review",
)
KINDS = (SYNC_FAILED, SYNC_WORKS_AGAIN, SYNC_HELD, REPLACEMENT_APPLIED, REPLACEMENTS_TO_REVIEW)
MOST_NAMED = 10


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


def tell_that_it_is_applied(replacement: Replacement) -> None:
    """In the transaction that applies it. Applied once more after it was undone, it is news again."""
    incident, applied_at = replacement.incident, replacement.applied_at
    if incident is None or applied_at is None:
        return
    original = incident.device
    context = {
        "original": str(original),
        "original_serial": replacement.original_serial,
        "model": original.model,
        "site": original.site.name,
        "replacement_serial": replacement.replacement_serial,
        "order_number": replacement.order_number,
        "incident": incident.number,
        "summary": incident.summary,
        "decided_by": replacement.decided_by,
        "certain": replacement.certain,
        "applied_at": applied_at,
    }
    notify(
        REPLACEMENT_APPLIED,
        fact=f"replacement:{replacement.pk}/{applied_at.isoformat()}",
        context=context,
        path=replacement.get_absolute_url(),
        site_ids=[original.site_id],
    )


def tell_what_is_to_review(run: SyncRun) -> None:
    """In the transaction that ends a run, or that writes its suggestions: told if the run made any that still wait."""
    new = Replacement.objects.filter(run=run, state=Replacement.State.SUGGESTED).order_by(
        "replacement_serial", "rank", "pk"
    )
    best = {each.replacement_serial: each for each in reversed(new.select_related("incident__device"))}
    if not best:
        return
    named = sorted(best.values(), key=lambda each: each.replacement_serial)
    context = {
        "connection": run.connection.name,
        "count": len(named),
        "more": max(0, len(named) - MOST_NAMED),
        "pairs": [
            {
                "replacement_serial": each.replacement_serial,
                "original_serial": each.original_serial,
                "incident": each.incident_id,
            }
            for each in named[:MOST_NAMED]
        ],
    }
    sites = {each.incident.device.site_id for each in best.values() if each.incident}
    notify(
        REPLACEMENTS_TO_REVIEW,
        fact=f"run:{run.pk}",
        context=context,
        path=reverse("applesync:replacements-to-review"),
        site_ids=sites,
    )


def _tell_that_it_failed(run: SyncRun) -> None:
    context = {
        "connection": run.connection.name,
        "error": run.error,
        "fix": run.fix,
        "finished_at": run.finished_at,
        "next_run_at": run.connection.next_turn_at,
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
