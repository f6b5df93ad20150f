"""Keeping the rollup of a large district in step with it; see docs/decisions/statistics-from-a-rollup.md."""

import time
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import Max, Q
from django.utils import timezone

from homeroom.applesync.models import SyncRun
from homeroom.audit.models import Entry
from homeroom.incidents.models import Incident
from homeroom.insurance.queries import today
from homeroom.inventory.models import Device
from homeroom.reports.models import Rollup, RollupCell
from homeroom.reports.queries.counting import device_groups, incident_groups
from homeroom.reports.queries.statistics import is_large, last_count
from homeroom.reports.statistics import rollup as rules
from homeroom.reports.statistics.tally import Stored, Tally, Values, stored
from homeroom.rows import write_rows

THE_ONE = 1
COUNTING = ("listed", "linked", "unlinked", "coverage_checked", "coverage_failed")
"""What of a sync under way tells that it has written."""


def refresh_due_rollup() -> bool:
    """Count again where it is time to; whether it was. A small district has no rollup."""
    if not is_large():
        if Rollup.objects.exists():
            _drop()
        return False
    mark = _mark()
    kept = Rollup.objects.get_or_create(pk=THE_ONE)[0]
    now = timezone.now()
    if not rules.is_due(last_count(kept), now=now, day=today(), mark=mark) or not _take(now):
        return False
    refresh_rollup()
    return True


def refresh_rollup() -> None:
    """Count the whole district, and write the cells that differ. Reads outside the transaction that writes."""
    began, mark, day, at = time.monotonic(), _mark(), today(), timezone.now()
    counted = rules.cells(
        device_groups(Device.objects.all(), day), incident_groups(Incident.objects.all(), day), day
    )
    kept = Rollup.objects.get_or_create(pk=THE_ONE)[0]
    changed, gone = _differences(counted)
    with transaction.atomic():
        kept = Rollup.objects.select_for_update().get(pk=THE_ONE)
        if kept.counted_at is not None and kept.counted_at > at:
            return  # somebody else counted later, and wrote first
        RollupCell.objects.filter(pk__in=gone).delete()
        write_rows(RollupCell, changed, unique=_IDENTITY, update=("numbers",))
        kept.day, kept.counted_at, kept.mark, kept.taken_at = day, at, mark, None
        kept.seconds = time.monotonic() - began
        kept.save()


_IDENTITY = ("cut", "site_id", "product_family", "model", "funding_source")


def _differences(counted: Mapping[rules.Cell, Tally]) -> tuple[list[dict[str, object]], list[int]]:
    """The rows to write, and the keys of those that stand for nothing any more."""
    standing: dict[rules.Cell, Stored] = {}
    gone = []
    cells = RollupCell.objects.values_list("pk", *_IDENTITY, "numbers")
    for pk, cut, site, family, model, funding, numbers in cells.iterator():
        names = rules.CUTS[cut] if cut < len(rules.CUTS) else frozenset()
        given = {"site_id": site, "product_family": family, "model": model, "funding_source": funding}
        cell = (cut, Values(**{name: value for name, value in given.items() if name in names}))
        if cell in counted:
            standing[cell] = numbers
        else:
            gone.append(pk)
    changed = []
    for (cut, of), numbers in counted.items():
        after = stored(numbers)
        if standing.get((cut, of)) != after:
            changed.append(_row(cut, of, after))
    return changed, gone


def _row(cut: int, of: Values, numbers: Stored) -> dict[str, object]:
    return {
        "cut": cut,
        "site_id": of.site_id or 0,
        "product_family": of.product_family or "",
        "model": of.model or "",
        "funding_source": of.funding_source or "",
        "numbers": numbers,
    }


@transaction.atomic
def _drop() -> None:
    Rollup.objects.all().delete()
    RollupCell.objects.all().delete()


def _mark() -> str:
    """What changed last. Every verb leaves an audit entry; a sync under way counts what it has written."""
    entry = Entry.objects.order_by().aggregate(last=Max("pk"))["last"]
    running = SyncRun.objects.filter(state=SyncRun.State.RUNNING).order_by("pk").values_list("pk", *COUNTING)
    return f"{entry} {list(running)}"[:200]


def _take(now: datetime) -> bool:
    """One process counts at a time; one that died is given up after some minutes."""
    free = Q(taken_at__isnull=True) | Q(taken_at__lt=now - rules.GIVEN_UP_AFTER)
    return bool(Rollup.objects.filter(free, pk=THE_ONE).update(taken_at=now))
