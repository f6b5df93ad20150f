"""What appeared at about the time of one repair, and why it was or was not matched: asked of the matching itself."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from homeroom.applesync.models import AppleDevice, Replacement, ToldReplacement
from homeroom.applesync.queries.orders import HasReplacementOrder
from homeroom.applesync.replacements.evidence import Never
from homeroom.applesync.replacements.facts import Fate, Leaving, Pair, Repair, Situation, serial
from homeroom.applesync.replacements.queries import candidate_of, rows_of_candidates, unit_of
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
    around = {row["serial_number"]: row for row in _candidates(original, since)}.values()
    nearest = sorted(around, key=lambda row: abs(row["appeared"] - since))[:MOST]
    if not nearest:
        return []
    candidates = [candidate_of(row) for row in nearest]
    taken = _applied([each.unit.serial for each in candidates], incident)
    repair = _repair(incident, original, since)
    scales = Scales(Situation(tuple(candidates), (repair,), refused=_refused(incident)))
    found = []
    for candidate in candidates:
        weighed = scales.weigh(candidate, repair)
        reason = why_never(weighed) if isinstance(weighed, Never) else ""
        if other := taken.get(candidate.unit.serial):
            reason = _("It replaces %(original)s already.") % {"original": other}
        found.append(Considered(candidate.unit.serial, candidate.appeared_at, reason))
    return found


def _candidates(original: AppleDevice, since: datetime) -> Iterator[dict[str, Any]]:
    """With an order number as replacements have it, or told to replace the original."""
    rows = (
        rows_of_candidates(original.connection_id)
        .filter(gone_since__isnull=True, appeared__range=(since - BEFORE, since + LONGEST_REPAIR))
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


def _applied(serials: Sequence[str], incident: Incident) -> dict[str, str]:
    applied = Replacement.objects.filter(state=State.APPLIED, replacement_serial__in=serials).exclude(
        incident=incident
    )
    return dict(applied.values_list("replacement_serial", "original_serial"))


def _refused(incident: Incident) -> frozenset[Pair]:
    refused = incident.replacements.filter(state__in=(State.DISMISSED, State.UNDONE))
    pairs = refused.values_list("original_serial", "replacement_serial")
    return frozenset(Pair(serial(original), serial(replacement)) for original, replacement in pairs)


def _repair(incident: Incident, original: AppleDevice, since: datetime) -> Repair:
    left = original.released_at or original.gone_since
    return Repair(
        incident=incident.number,
        unit=unit_of(original),
        shipped_at=since,
        repair_number=incident.repair_number.strip().upper(),
        fate=Fate.LEFT if left else Fate.LISTED,
        leaving=Leaving.at(left) if left else None,
    )
