"""What a run knows when it matches: read from the rows in a handful of statements, however large the district is."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from appleschool.reading import read_org_device
from appleschool.records import OrgDevice
from homeroom.applesync.models import AppleDevice, Replacement, StagedDevice, SyncRun, ToldReplacement
from homeroom.applesync.pipeline.missing import planned_departures
from homeroom.applesync.queries.orders import HasReplacementOrder
from homeroom.applesync.queries.runs import complete_listings
from homeroom.applesync.replacements.certainty import RIVALS_WITHIN
from homeroom.applesync.replacements.facts import (
    Candidate,
    Fate,
    Leaving,
    Look,
    Pair,
    Repair,
    Serial,
    Situation,
    Stray,
    Unit,
    serial,
)
from homeroom.incidents.models import Incident
from homeroom.incidents.queries import is_at_apple
from homeroom.inventory.models import Device

R_ORDER = "R"
ENOUGH_ALIKE = 3
State = Replacement.State
COLUMNS = (
    "serial_number",
    "product_family",
    "device_model",
    "product_type",
    "part_number",
    "capacity",
    "color",
    "order_number",
    "ordered_at",
    "purchase_source_type",
)


@dataclass(frozen=True, slots=True)
class Departed:
    """When a device was noticed to have left, and when it was released if Apple tells."""

    gone_since: datetime
    released_at: datetime | None
    is_news: bool = False
    """Noticed by this run, whose own listing is not among the complete ones yet."""


def open_repairs(run: SyncRun) -> list[Incident]:
    """Incidents whose device is at Apple and of this connection, or of none. One that is replaced waits for nothing."""
    replaced = Replacement.objects.filter(state=State.APPLIED, incident__device=OuterRef("device"))
    found = Incident.objects.filter(
        ~Exists(replaced), is_at_apple(), sent_at__isnull=False, device__serial_number__isnull=False
    ).select_related("device__apple_device")
    return [each for each in found.order_by("number") if _may_be_of(run, _row(each))]


def originals_to_ask_for(run: SyncRun) -> list[str]:
    """The serial numbers of originals at Apple that are listed: one question each tells whether they still are."""
    left = set(planned_departures(run).values_list("serial_number", flat=True))
    rows = {row.serial_number for each in open_repairs(run) if (row := _row(each)) and row.gone_since is None}
    return sorted(rows - left)


def situation(run: SyncRun, not_told: Iterable[str] = ()) -> Situation | None:
    """None where nothing is at Apple. `not_told` are originals that Apple could not be asked for in this run."""
    incidents = open_repairs(run)
    shipped = [each.shipped_at for each in incidents if each.shipped_at]
    if not shipped:
        return None
    since = min(shipped) - RIVALS_WITHIN
    departures = _planned(run)
    listings = _Listings(run)
    unknown = frozenset(not_told)
    repairs = tuple(_repair(each, departures, listings, unknown) for each in incidents)
    candidates = tuple(_candidates(run, since))
    return Situation(
        candidates=candidates,
        repairs=repairs,
        strays=tuple(_strays(run, since, repairs, candidates, departures, listings)),
        refused=_refused(run),
    )


def _row(incident: Incident) -> AppleDevice | None:
    return getattr(incident.device, "apple_device", None)


def _may_be_of(run: SyncRun, row: AppleDevice | None) -> bool:
    return row is None or row.connection_id == run.connection_id


def _repair(
    incident: Incident, departures: Mapping[Serial, Departed], listings: "_Listings", unknown: frozenset[str]
) -> Repair:
    row = _row(incident)
    unit = unit_of(row) if row else _typed_unit(incident.device)
    departed = departures.get(unit.serial) or (_departed(row) if row else None)
    if row is None:
        fate = Fate.NEVER_LISTED
    elif departed:
        fate = Fate.LEFT
    else:
        fate = Fate.UNKNOWN if unit.serial in unknown else Fate.LISTED
    assert incident.shipped_at is not None  # noqa: S101 - it was sent
    return Repair(
        incident=incident.number,
        unit=unit,
        shipped_at=incident.shipped_at,
        repair_number=incident.repair_number.strip().upper(),
        fate=fate,
        leaving=listings.leaving(departed) if departed else None,
    )


def _typed_unit(device: Device) -> Unit:
    """Of a device that Apple has never listed, what people typed."""
    return Unit(serial(device.serial_number or ""), device.product_family, Look(model=device.model))


def _departed(row: AppleDevice) -> Departed | None:
    return Departed(row.gone_since, row.released_at) if row.gone_since else None


def _planned(run: SyncRun) -> dict[Serial, Departed]:
    """What the run found to have left; it is written down only at its end."""
    found = planned_departures(run).values_list("serial_number", "after")
    return {Serial(name): departed for name, after in found if (departed := _told_departure(after or {}))}


def _told_departure(after: Mapping[str, Any]) -> Departed | None:
    gone, released = after.get("gone_since"), after.get("released_at")
    if not gone:
        return None
    released_at = datetime.fromisoformat(released) if released else None
    return Departed(datetime.fromisoformat(gone), released_at, is_news=True)


class _Listings:
    """When Apple's whole list was read: a device that is gone was on it until the time before it was noticed."""

    def __init__(self, run: SyncRun) -> None:
        times = complete_listings().filter(connection=run.connection_id).exclude(pk=run.pk)
        self._times = sorted(filter(None, times.values_list("listed_at", flat=True)))

    def leaving(self, departed: Departed) -> Leaving:
        if departed.released_at:
            return Leaving.at(departed.released_at)
        place = bisect_left(self._times, departed.gone_since) - (1 if departed.is_news else 2)
        last_seen = self._times[place] if place >= 0 else departed.gone_since - RIVALS_WITHIN
        return Leaving(last_seen, departed.gone_since)


# Candidates


def _candidates(run: SyncRun, since: datetime) -> Iterator[Candidate]:
    """New devices since then, undecided, whose order number begins with R or that are told to replace one."""
    decided = _decided(run)
    found = {row["serial_number"]: row for rows in new_rows(run, since) for row in rows}
    if run.preview:
        found |= {row["serial_number"]: row for row in _staged_rows(run, since)}
    yield from (candidate_of(row) for name, row in sorted(found.items()) if name not in decided)


def _decided(run: SyncRun) -> set[str]:
    """Serial numbers that replace a device, or none of ours."""
    rows = Replacement.objects.filter(connection=run.connection_id)
    applied = rows.filter(state=State.APPLIED).values_list("replacement_serial", flat=True)
    not_ours = rows.filter(state=State.DISMISSED, incident__isnull=True)
    return {*applied, *not_ours.values_list("replacement_serial", flat=True)}


def new_rows(run: SyncRun, since: datetime) -> Iterator[Iterable[dict[str, Any]]]:
    rows = rows_of_candidates(run.connection_id).filter(appeared__gte=since)
    mirror = AppleDevice.objects.order_by().filter(connection=run.connection_id)
    named = ToldReplacement.objects.order_by().values("replacement_serial")
    naming = Device.objects.order_by().filter(replaces_serial__gt="").values("pk")
    # Each by an index of its own; together they would read the whole mirror.
    yield rows.filter(pk__in=mirror.filter(HasReplacementOrder()).values("pk"))
    yield rows.filter(pk__in=mirror.filter(serial_number__in=named).values("pk"))
    yield rows.filter(pk__in=mirror.filter(device__in=naming).values("pk"))


def _staged_rows(run: SyncRun, since: datetime) -> Iterator[dict[str, Any]]:
    """The same of what a preview keeps beside the mirror."""
    told = ToldReplacement.objects.filter(replacement_serial=OuterRef("serial_number"))
    staged = StagedDevice.objects.filter(run=run, attributes__isnull=False).annotate(
        told=Subquery(told.values("original_serial")[:1])
    )
    by_order = staged.filter(attributes__orderNumber__startswith=R_ORDER)
    by_word = staged.filter(told__isnull=False)
    by_device = staged.filter(device__isnull=False).exclude(device__replaces_serial="")
    for rows in (by_order, by_word, by_device):
        for each in rows.select_related("device").order_by("pk").iterator():
            record = read_org_device({"id": each.serial_number, "attributes": each.attributes})
            if isinstance(record, OrgDevice) and (record.added_to_org_at or run.requested_at) >= since:
                yield _staged_values(each, record, run.requested_at)


def _staged_values(staged: StagedDevice, record: OrgDevice, now: datetime) -> dict[str, Any]:
    return {
        "serial_number": staged.serial_number,
        "product_family": record.product_family or "",
        "device_model": record.device_model or "",
        "product_type": record.product_type or "",
        "part_number": record.part_number or "",
        "capacity": record.capacity_bytes,
        "color": record.color or "",
        "order_number": record.order_number or "",
        "ordered_at": record.ordered_at,
        "purchase_source_type": record.purchase_source_type or "",
        "appeared": record.added_to_org_at or now,
        "told": getattr(staged, "told", None),
        "device__replaces_serial": staged.device.replaces_serial if staged.device else None,
    }


def rows_of_candidates(connection_id: int) -> QuerySet[Any, dict[str, Any]]:
    """Of the whole mirror, with what `candidate_of` reads; to be filtered."""
    told = ToldReplacement.objects.filter(replacement_serial=OuterRef("serial_number"))
    rows: QuerySet[Any, dict[str, Any]] = (
        AppleDevice.objects.filter(connection=connection_id)
        .annotate(
            appeared=Coalesce("added_at", "first_seen_at"),
            told=Subquery(told.values("original_serial")[:1]),
        )
        .order_by()
        .values(*COLUMNS, "appeared", "told", "device__replaces_serial")
    )
    return rows


def candidate_of(row: Mapping[str, Any]) -> Candidate:
    """What was told by itself counts before what the device's own row tells."""
    replaces = row["told"] or row["device__replaces_serial"]
    return Candidate(
        unit=_unit(row),
        appeared_at=row["appeared"],
        order_number=row["order_number"].strip().upper(),
        ordered_at=row["ordered_at"],
        purchase_source=row["purchase_source_type"],
        replaces=serial(replaces) if replaces else None,
    )


# What left beside


def _strays(
    run: SyncRun,
    since: datetime,
    repairs: Sequence[Repair],
    candidates: Sequence[Candidate],
    departures: Mapping[Serial, Departed],
    listings: _Listings,
) -> Iterator[Stray]:
    """Devices of the candidates' families that left since then; neither at Apple nor replaced."""
    if not candidates:
        return
    families = {each.unit.family.casefold() for each in candidates}
    at_apple = {each.unit.serial for each in repairs}
    met: Counter[object] = Counter()
    for row in _gone_rows(run, since, departures):
        unit = _unit(row)
        if unit.serial in at_apple or not _is_of(unit, families):
            continue
        departed = departures.get(unit.serial) or Departed(row["gone_since"], row["released_at"])
        leaving = listings.leaving(departed)
        # Thousands may be released on a day, as surplus: a few like ones say as much.
        like = (unit.family, unit.look, leaving.by.date())
        met[like] += 1
        if met[like] <= ENOUGH_ALIKE:
            yield Stray(unit, leaving)


def _is_of(unit: Unit, families: set[str]) -> bool:
    return not unit.family or "" in families or unit.family.casefold() in families


def _gone_rows(
    run: SyncRun, since: datetime, departures: Mapping[Serial, Departed]
) -> Iterator[dict[str, Any]]:
    replaced = Replacement.objects.filter(
        connection=run.connection_id, state=State.APPLIED, original_serial=OuterRef("serial_number")
    )
    rows = (
        AppleDevice.objects.filter(~Exists(replaced), connection=run.connection_id)
        .order_by("gone_since", "released_at", "pk")
        .values(*COLUMNS, "gone_since", "released_at")
    )
    yield from rows.filter(gone_since__gte=since).iterator()
    if departures:
        planned = planned_departures(run).values("serial_number")
        yield from rows.filter(gone_since__isnull=True, serial_number__in=planned).iterator()


def _refused(run: SyncRun) -> frozenset[Pair]:
    rows = Replacement.objects.filter(
        connection=run.connection_id, state__in=[State.DISMISSED, State.UNDONE], incident__isnull=False
    )
    pairs = rows.values_list("incident__device__serial_number", "original_serial", "replacement_serial")
    return frozenset(
        Pair(Serial(original), Serial(replacement))
        for now, then, replacement in pairs
        for original in (now, then)
        if original
    )


def unit_of(row: AppleDevice) -> Unit:
    return _unit({name: getattr(row, name) for name in COLUMNS})


def _unit(row: Mapping[str, Any]) -> Unit:
    look = Look(row["device_model"], row["product_type"], row["part_number"], row["capacity"], row["color"])
    return Unit(Serial(row["serial_number"]), row["product_family"], look)
