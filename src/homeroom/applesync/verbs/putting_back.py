"""Taking back what a run did to Homeroom's own records. Apple's facts come back with the next sync."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from homeroom.applesync.models import Replacement, RunChange, SyncRun
from homeroom.applesync.verbs.replacements import undo_replacement
from homeroom.audit.actors import HOMEROOM, Actor
from homeroom.audit.verbs import record
from homeroom.insurance.queries import today
from homeroom.insurance.verbs import Rewrite, rewrite_synced_records
from homeroom.inventory.models import Device
from homeroom.web.errors import Refused

CHUNK = 500
State = RunChange.State
Noun = RunChange.Noun


def put_back(run: SyncRun, *, actor: Actor, device: Device | None = None) -> int:
    """Have stand again what the run ended or replaced, all or one device's; how many records there are.

    They are put back by `put_back_some`, which a worker calls; those that changed since are left alone.
    """
    chosen = can_be_put_back(run)
    if device is not None:
        chosen = chosen.filter(device=device)
    with transaction.atomic():
        count = chosen.update(state=State.PUTTING_BACK)
        if not count:
            raise Refused(_("There is nothing of this sync to put back."))
        told = {"records": count} | ({"device": device.serial_number} if device else {})
        record(actor, "sync.put-back", run, after=told)
    return count


def can_be_put_back(run: SyncRun) -> QuerySet[RunChange]:
    own = Q(noun=Noun.INSURANCE, action=RunChange.Action.ENDED) | Q(
        noun=Noun.REPLACEMENT, action=RunChange.Action.REPLACED
    )
    return RunChange.objects.filter(own, run=run, state=State.APPLIED)


def put_back_some(run: SyncRun | None = None) -> bool:
    """Put back the next records that are to be, of this run or of any; whether there were any."""
    waiting = RunChange.objects.filter(state=State.PUTTING_BACK)
    if run is not None:
        waiting = waiting.filter(run=run)
    with transaction.atomic():
        entries = list(waiting.filter(noun=Noun.INSURANCE).select_for_update()[:CHUNK])
        outcome = rewrite_synced_records(list(map(_as_before, entries)), today=today())
        _settle(entries, outcome)
    return _undo_next(waiting.filter(noun=Noun.REPLACEMENT)) or bool(entries)


def _undo_next(waiting: QuerySet[RunChange]) -> bool:
    """Undo the next replacement that is to be put back, in a transaction of its own; whether there was one."""
    with transaction.atomic():
        entry = waiting.select_for_update().first()
        if entry:
            _settle([entry], [_undone(entry)])
    return entry is not None


def _undone(entry: RunChange) -> bool:
    """False where a person undid it before, or the incident has gone on."""
    told = entry.after or {}
    pairing = Replacement.objects.filter(
        connection__runs=entry.run_id,
        incident=told.get("incident"),
        replacement_serial=told.get("replacement_serial"),
        state=Replacement.State.APPLIED,
    ).first()
    if pairing is None:
        return False
    reason = _("Sync %(run)s was put back.") % {"run": entry.run_id}
    try:
        undo_replacement(pairing, reason=reason, actor=HOMEROOM)
    except Refused:
        return False
    return True


def _as_before(entry: RunChange) -> Rewrite:
    """As the record was; that Apple was silent about it is forgotten too, or the next check would end it again."""
    values = (entry.before or {}) | {"missing_since": None}
    return Rewrite(entry.device_id or 0, entry.coverage_id, expected=entry.after or {}, values=values)


def _settle(entries: Sequence[RunChange], outcome: Sequence[bool]) -> None:
    for state, written in ((State.PUT_BACK, True), (State.OVERTAKEN, False)):
        ids = [entry.pk for entry, done in zip(entries, outcome, strict=True) if done is written]
        RunChange.objects.filter(pk__in=ids).update(state=state)
