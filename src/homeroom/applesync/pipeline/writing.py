"""What a run does with the answers: a sync writes them where they belong."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Protocol

from django.db import transaction
from django.db.models import F

from appleschool import OrgDevice, Page
from homeroom.applesync.models import AppleDevice, RunChange, SyncRun
from homeroom.applesync.pipeline import changes, coverage, listing, matching, queue, replacing
from homeroom.applesync.pipeline.coverage import Answer
from homeroom.applesync.pipeline.lease import Lease
from homeroom.applesync.pipeline.missing import planned_departures, still_there
from homeroom.applesync.pipeline.queue import Target
from homeroom.applesync.pipeline.seen import Seen


class Writing(Protocol):
    """Where a run's answers go. Every method is called in the database's thread, and commits."""

    @property
    def starts_while_listing(self) -> bool:
        """Whether coverage can be asked for while the list is still coming in."""

    def begin(self) -> None:
        """Bring in order what changed on Homeroom's side since the last run."""

    def page(self, page: Page[OrgDevice], seen: Seen) -> None: ...

    def restart_list(self) -> None:
        """Begin the list again: Apple no longer knows the page where we were."""

    def count(self) -> None:
        """Once the list is complete: how many are matched, and how many coverages there are to ask for."""

    def targets(self) -> Iterator[Sequence[Target]]:
        """One pass over the queue of those whose coverage is to be asked for."""

    def answers(self, answers: Sequence[Answer]) -> None: ...

    def replacements(self, not_told: Sequence[str]) -> None:
        """Match new devices with repairs; `not_told` are originals that Apple could not be asked for."""


class Applying:
    """Into the mirror and the insurance records."""

    starts_while_listing = True

    def __init__(self, run: SyncRun, lease: Lease, today: date) -> None:
        self._run = run
        self._lease = lease
        self._today = today

    def begin(self) -> None:
        while found := list(matching.misfits().values_list("pk", "serial_number", "device_id")[:1000]):
            entries = [
                changes.of_device(RunChange.Action.UNLINKED, serial, device) for _pk, serial, device in found
            ]
            with transaction.atomic():
                matching.unlink([pk for pk, _serial, _device in found])
                changes.write(self._run, entries, state=RunChange.State.APPLIED)
                self._lease.renew(unlinked=F("unlinked") + len(found))

    def page(self, page: Page[OrgDevice], seen: Seen) -> None:
        listing.store_page(self._run, self._lease, page, seen)

    def restart_list(self) -> None:
        listing.restart(self._lease)

    def count(self) -> None:
        departed = planned_departures(self._run).filter(device__isnull=False).count()
        matched = AppleDevice.objects.filter(
            connection=self._run.connection_id, device__isnull=False, gone_since__isnull=True
        ).count()
        left = self.left() if self._run.connection.sync_coverage else 0
        self._lease.renew(
            matched=matched - departed, coverage_due=F("coverage_checked") + F("coverage_failed") + left
        )

    def targets(self) -> Iterator[Sequence[Target]]:
        for chunk in queue.chunks(self._run, self._today):
            yield still_there(self._run, chunk)

    def left(self) -> int:
        """How many coverages are still to be asked for."""
        return queue.count(self._run, self._today)

    def answers(self, answers: Sequence[Answer]) -> None:
        coverage.store_answers(self._run, self._lease, answers, self._today)

    def replacements(self, not_told: Sequence[str]) -> None:
        replacing.suggest(self._run, self._lease, replacing.match(self._run, not_told))
