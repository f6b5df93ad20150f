"""What appeared at about the time of one repair, and why it was or was not matched: asked of the matching itself."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from homeroom.applesync.models import AppleDevice, Replacement, ToldReplacement
from homeroom.applesync.queries.orders import HasReplacementOrder
from homeroom.applesync.replacements.evidence import Never
from homeroom.applesync.replacements.facts import (
    Candidate,
    Fate,
    Leaving,
    Look,
    Pair,
    Repair,
    Serial,
    Situation,
    Unit,
    serial,
)
from homeroom.applesync.replacements.weighing import LONGEST_REPAIR, Scales
from homeroom.applesync.replacements.words import why_never
from homeroom.incidents.models import Incident
from homeroom.inventory.models import Device

State = Replacement.State
BEFORE = timedelta(days=30)
"""What appeared so long before a device was shipped is worth a word: the status may have been set late."""
MOST = 10


@dataclass(frozen=True, slots=True)
class Considered:
    """A new device held against one repair. `reason` is empty where nothing keeps the two apart."""

    serial_number: str
    appeared_at: datetime
    reason: str = ""

    @property
    def fits(self) -> bool:
        return not self.reason


def considered(incident: Incident, original: AppleDevice) -> Sequence[Considered]:
    """New devices of the same connection around the time of the repair, the nearest first; at most a few.

    Takes no viewer: they see the incident. An incident that was never sent is looked at as if it were sent when it
    was opened.
    """
    since = incident.shipped_at or incident.opened_at
    around = {row.pk: row for row in _candidates(original, since)}.values()
    rows = sorted(around, key=lambda row: abs(_appeared(row) - since))[:MOST]
    if not rows:
        return []
    told = _told([row.serial_number for row in rows])
    taken = _applied(rows, incident)
    repair = _repair(incident, original, since)
    candidates = [_candidate(row, told) for row in rows]
    scales = Scales(Situation(tuple(candidates), (repair,), refused=_refused(incident)))
    found = []
    for row, candidate in zip(rows, candidates, strict=True):
        weighed = scales.weigh(candidate, repair)
        reason = why_never(weighed) if isinstance(weighed, Never) else ""
        if other := taken.get(row.serial_number):
            reason = _("It replaces %(original)s already.") % {"original": other}
        found.append(Considered(row.serial_number, _appeared(row), reason))
    return found


def _candidates(original: AppleDevice, since: datetime) -> Iterator[AppleDevice]:
    """With an order number as replacements have it, or told to replace the original."""
    rows = (
        AppleDevice.objects.annotate(appeared=Coalesce("added_at", "first_seen_at"))
        .filter(
            connection=original.connection_id,
            gone_since__isnull=True,
            appeared__range=(since - BEFORE, since + LONGEST_REPAIR),
        )
        .exclude(pk=original.pk)
    )
    yield from rows.filter(HasReplacementOrder())
    told = ToldReplacement.objects.filter(original_serial=original.serial_number)
    devices = Device.objects.filter(replaces_serial=original.serial_number, serial_number__isnull=False)
    named = [
        *told.values_list("replacement_serial", flat=True),
        *devices.values_list("serial_number", flat=True),
    ]
    if named:
        yield from rows.filter(serial_number__in=named)


def _appeared(row: AppleDevice) -> datetime:
    return row.added_at or row.first_seen_at


def _told(serial_numbers: Sequence[str]) -> dict[str, Serial]:
    """Which original each of these replaces, as it was told."""
    told = ToldReplacement.objects.filter(replacement_serial__in=serial_numbers)
    devices = Device.objects.filter(serial_number__in=serial_numbers).exclude(replaces_serial="")
    pairs = [
        *told.values_list("replacement_serial", "original_serial"),
        *devices.values_list("serial_number", "replaces_serial"),
    ]
    return {str(replacement): serial(original) for replacement, original in pairs}


def _applied(rows: Iterable[AppleDevice], incident: Incident) -> dict[str, str]:
    applied = Replacement.objects.filter(
        state=State.APPLIED, replacement_serial__in=[row.serial_number for row in rows]
    ).exclude(incident=incident)
    return dict(applied.values_list("replacement_serial", "original_serial"))


def _refused(incident: Incident) -> frozenset[Pair]:
    refused = incident.replacements.filter(state__in=(State.DISMISSED, State.UNDONE))
    pairs = refused.values_list("original_serial", "replacement_serial")
    return frozenset(Pair(serial(original), serial(replacement)) for original, replacement in pairs)


def look_of(row: AppleDevice) -> Look:
    return Look(
        model=row.device_model,
        product_type=row.product_type,
        part_number=row.part_number,
        capacity=row.capacity,
        color=row.color,
    )


def _unit(row: AppleDevice) -> Unit:
    return Unit(serial(row.serial_number), row.product_family, look_of(row))


def _candidate(row: AppleDevice, told: dict[str, Serial]) -> Candidate:
    return Candidate(
        unit=_unit(row),
        appeared_at=_appeared(row),
        order_number=row.order_number,
        ordered_at=row.ordered_at,
        purchase_source=row.purchase_source_type,
        replaces=told.get(row.serial_number),
    )


def _repair(incident: Incident, original: AppleDevice, since: datetime) -> Repair:
    left = original.released_at or original.gone_since
    return Repair(
        incident=incident.number,
        unit=_unit(original),
        shipped_at=since,
        repair_number=incident.repair_number,
        fate=Fate.LEFT if left else Fate.LISTED,
        leaving=Leaving.at(left) if left else None,
    )
