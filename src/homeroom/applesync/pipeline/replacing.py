"""The last step: which new device replaces which at Apple. What is certain is planned, the rest suggested."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import F, QuerySet

from homeroom.applesync.models import AppleDevice, Connection, Replacement, RunChange, SyncRun
from homeroom.applesync.pipeline import changes, plan
from homeroom.applesync.pipeline.changes import Entry
from homeroom.applesync.pipeline.lease import Lease
from homeroom.applesync.replacements.evidence import stored
from homeroom.applesync.replacements.matching import Pairing, decide
from homeroom.applesync.replacements.queries import situation
from homeroom.applesync.verbs.replacements import apply_replacement
from homeroom.audit.actors import HOMEROOM
from homeroom.incidents.models import Incident
from homeroom.web.errors import Refused

State = Replacement.State
Noun = RunChange.Noun
Action = RunChange.Action


class Key(NamedTuple):
    """What makes a pairing of one connection: the replacement and the incident."""

    replacement: str
    incident: int


class Matched(NamedTuple):
    """What a run decided: pairings to suggest, and those of them that it may apply itself."""

    pairings: Mapping[Key, Pairing]
    certain: Sequence[Key]

    @property
    def to_review(self) -> int:
        """How many new devices wait for a person."""
        settled = {key.replacement for key in self.certain}
        return len({key.replacement for key in self.pairings} - settled)


NOTHING = Matched({}, ())


def match(run: SyncRun, not_told: Iterable[str]) -> Matched:
    """Ask the matching. A run of a connection that always asks may apply nothing itself."""
    known = situation(run, not_told)
    if known is None:
        return NOTHING
    pairings = {Key(each.replacement, each.incident): each for each in decide(known).pairings}
    may_apply = Connection.objects.filter(pk=run.connection_id, apply_replacements=True).exists()
    certain = [key for key, each in pairings.items() if each.certain and may_apply]
    return Matched(pairings, certain)


def preview(run: SyncRun, lease: Lease, not_told: Iterable[str]) -> None:
    """Tell what would be applied and what suggested; change nothing."""
    matched = match(run, not_told)
    known = {_key(row) for row in _suggested(run)}
    with transaction.atomic():
        _forget_plan(run)
        changes.write(run, _entries(run, matched, known), state=RunChange.State.PLANNED)
        lease.renew(replacements_applied=len(matched.certain), replacements_to_review=matched.to_review)


def suggest(run: SyncRun, lease: Lease, matched: Matched) -> None:
    """Have the suggestions stand as the matching saw them, and plan those that are certain.

    A suggestion that stands already is written only where it differs, so that an unchanged night writes nothing. What
    somebody has decided since the matching looked counts.
    """
    with transaction.atomic():
        _forget_plan(run)
        matched = _without_decided(run, matched)
        rows = {_key(row): row for row in _suggested(run).select_for_update()}
        outdated = [row.pk for key, row in rows.items() if key not in matched.pairings]
        Replacement.objects.filter(pk__in=outdated, state=State.SUGGESTED).delete()
        _rewrite(
            (row, each)
            for key, row in rows.items()
            if (each := matched.pairings.get(key)) and _differs(row, each)
        )
        _create(run, [each for key, each in matched.pairings.items() if key not in rows])
        entries = list(_entries(run, matched, rows.keys()))
        for action, state in (
            (Action.REPLACED, RunChange.State.PLANNED),
            (Action.SUGGESTED, RunChange.State.APPLIED),
        ):
            changes.write(run, [each for each in entries if each["action"] == action.value], state=state)
        lease.renew(replacements_to_review=matched.to_review)


def _without_decided(run: SyncRun, matched: Matched) -> Matched:
    decided = Replacement.objects.filter(connection=run.connection_id).exclude(state=State.SUGGESTED)
    rows = list(decided.only("replacement_serial", "incident", "state"))
    keys = {_key(row) for row in rows}
    settled = {row.replacement_serial for row in rows if row.state == State.APPLIED or not row.incident_id}
    replaced = {row.incident_id for row in rows if row.state == State.APPLIED}
    pairings = {
        key: each
        for key, each in matched.pairings.items()
        if key not in keys and key.replacement not in settled and key.incident not in replaced
    }
    return Matched(pairings, [key for key in matched.certain if key in pairings])


def apply_next(run: SyncRun, lease: Lease) -> bool:
    """Apply the next replacement of the plan, whole or not at all; whether there was one."""
    entry = plan.waiting(run).filter(noun=Noun.REPLACEMENT).first()
    if entry is None:
        return False
    with transaction.atomic():
        lease.renew()
        applied = _apply(run, entry)
        state = RunChange.State.APPLIED if applied else RunChange.State.OVERTAKEN
        RunChange.objects.filter(pk=entry.pk).update(state=state)
        lease.renew(replacements_applied=F("replacements_applied") + int(applied))
    return True


def _apply(run: SyncRun, entry: RunChange) -> bool:
    pairing = _still_certain(run, entry)
    if pairing is None:
        return False
    try:
        apply_replacement(pairing, actor=HOMEROOM)
    except Refused:
        return False
    return True


def _still_certain(run: SyncRun, entry: RunChange) -> Replacement | None:
    """The suggestion that was planned, unless somebody changed his mind or the incident since."""
    key = _key_of(entry)
    pairing = (
        _suggested(run)
        .filter(replacement_serial=key.replacement, incident=key.incident, certain=True)
        .filter(connection__process_replacements=True, connection__apply_replacements=True)
        .select_related("incident__device", "apple_device")
        .first()
    )
    if pairing is None or pairing.incident is None or pairing.apple_device is None:
        return None
    appeared = pairing.apple_device.added_at or pairing.apple_device.first_seen_at
    shipped = pairing.incident.shipped_at
    same_device = pairing.incident.device.serial_number == entry.serial_number
    return pairing if same_device and shipped and shipped <= appeared else None


def _suggested(run: SyncRun) -> QuerySet[Replacement]:
    return Replacement.objects.filter(connection=run.connection_id, state=State.SUGGESTED)


def _forget_plan(run: SyncRun) -> None:
    """A run that was stopped and goes on matches again: what it had planned may have changed."""
    RunChange.objects.filter(run=run, noun=Noun.REPLACEMENT, state=RunChange.State.PLANNED).delete()


def _key(row: Replacement) -> Key:
    return Key(row.replacement_serial, row.incident_id or 0)


def _key_of(entry: RunChange) -> Key:
    after = entry.after or {}
    return Key(after.get("replacement_serial", ""), after.get("incident", 0))


def _values(pairing: Pairing) -> dict[str, Any]:
    return {
        "certain": pairing.certain,
        "rank": pairing.rank,
        "evidence": [stored(each) for each in pairing.evidence],
    }


def _differs(row: Replacement, pairing: Pairing) -> bool:
    return any(getattr(row, name) != value for name, value in _values(pairing).items())


def _rewrite(rows: Iterable[tuple[Replacement, Pairing]]) -> None:
    changed = []
    for row, pairing in rows:
        for name, value in _values(pairing).items():
            setattr(row, name, value)
        changed.append(row)
    Replacement.objects.bulk_update(changed, ["certain", "rank", "evidence"])


def _create(run: SyncRun, pairings: Sequence[Pairing]) -> None:
    serials = [each.replacement for each in pairings]
    mirror = AppleDevice.objects.filter(connection=run.connection_id, serial_number__in=serials)
    listed = {row.serial_number: row for row in mirror.only("serial_number", "order_number")}
    rows = [
        Replacement(
            connection_id=run.connection_id,
            incident_id=each.incident,
            original_serial=each.original,
            replacement_serial=each.replacement,
            apple_device=listed[each.replacement],
            order_number=listed[each.replacement].order_number,
            run=run,
            **_values(each),
        )
        for each in pairings
    ]
    # Where somebody decides about the very same pairing at this moment, what they decided stays.
    Replacement.objects.bulk_create(rows, ignore_conflicts=True)


def _entries(run: SyncRun, matched: Matched, known: Container[Key]) -> Iterator[Entry]:
    """Of the run's change set: the certain pairings, and of the others the best of each new device if it is new."""
    devices = dict(
        Incident.objects.filter(pk__in={key.incident for key in matched.pairings}).values_list(
            "pk", "device_id"
        )
    )
    certain = set(matched.certain)
    for key, each in matched.pairings.items():
        if key in certain or (each.rank == 0 and key not in known):
            yield {
                "noun": Noun.REPLACEMENT.value,
                "action": (Action.REPLACED if key in certain else Action.SUGGESTED).value,
                "serial_number": each.original,
                "device_id": devices.get(each.incident),
                "coverage_id": "",
                "before": None,
                "after": {"replacement_serial": each.replacement, "incident": each.incident},
            }
