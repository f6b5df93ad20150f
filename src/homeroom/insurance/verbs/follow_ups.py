"""Deciding about devices whose AppleCare ends: one of them, or all that fit a filter. Nothing at Apple changes."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from homeroom.audit.actors import Actor
from homeroom.audit.verbs import changed_values, record
from homeroom.insurance import queries
from homeroom.insurance.models import FollowUp
from homeroom.insurance.queries import today
from homeroom.insurance.rules import FollowUpState, next_milestone
from homeroom.inventory.models import Device
from homeroom.rows import write_rows
from homeroom.web.errors import Refused

Decision = FollowUp.Decision
Seen = Mapping[int, date | None]
"""By the device's key, on which day its AppleCare ended when somebody saw it."""
BATCH = 5_000
MOST_NAMED = 1_000
LONGEST_NOTE = 300
FIELDS = ("decision", "ends", "until", "note", "decided_by", "decided_by_id", "decided_at", "with_others")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A device about which nothing was decided."""

    device: Device
    why: str
    as_asked: bool = False
    """It is so already."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many devices it was decided about. Of those that were left out, the first are named."""

    decided: int
    left_out: tuple[LeftOut, ...] = ()
    more_left_out: int = 0

    @property
    def row(self) -> dict[str, Any]:
        """Its JSON shape, of the command line and the API."""
        return {
            "decided": self.decided,
            "left_out": [
                {
                    "id": left.device.pk,
                    "serial_number": left.device.serial_number,
                    "asset_tag": left.device.asset_tag,
                    "why": left.why,
                }
                for left in self.left_out
            ],
            "more_left_out": self.more_left_out,
        }


@dataclass(frozen=True, slots=True)
class _Act:
    """What is decided, and of which of the devices."""

    decision: FollowUp.Decision
    until: date | None = None
    """The day from which all of them wait again; what is acknowledged waits again at each one's next milestone."""
    note: str = ""
    fits: Callable[[QuerySet[Device]], QuerySet[Device]] = lambda devices: devices
    why_not: Callable[[Any], str] = str
    """Of a device that ends but does not fit."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A device that it is decided about; `name` is its serial number, or its tag."""

    pk: int
    ends: date
    name: str


def acknowledge(
    devices: QuerySet[Device], *, actor: Actor, note: str = "", ends: Seen | None = None
) -> Outcome:
    """Somebody has seen it: each waits again at its next milestone.

    The devices are those that the actor sees, here and below. `ends` are the days that somebody saw who decides: a
    device of them whose AppleCare ends on another day by now is left out.
    """
    return _decide(devices, _Act(Decision.ACKNOWLEDGED, note=note.strip()), today(), actor=actor, ends=ends)


def snooze(
    devices: QuerySet[Device], *, until: date | None, actor: Actor, note: str = "", ends: Seen | None = None
) -> Outcome:
    """Each waits again from that day. A device whose AppleCare ends before it is left out."""
    day = today()
    if until is None:
        raise Refused(_("Say until when to snooze."), field="until")
    if until <= day:
        raise Refused(_("Snooze until a day after today."), field="until")
    act = _Act(
        Decision.SNOOZED,
        until,
        note.strip(),
        fits=lambda found: queries.ending(found, day, since=until),
        why_not=lambda device: (
            _("AppleCare ends before that day, on %(day)s.") % {"day": date_format(device.coverage_ends)}
        ),
    )
    return _decide(devices, act, day, actor=actor, ends=ends)


def will_not_renew(
    devices: QuerySet[Device], *, actor: Actor, note: str = "", ends: Seen | None = None
) -> Outcome:
    """They do not wait any more, unless AppleCare comes to end on another day."""
    return _decide(devices, _Act(Decision.WILL_NOT_RENEW, note=note.strip()), today(), actor=actor, ends=ends)


def reopen(devices: QuerySet[Device], *, actor: Actor, ends: Seen | None = None) -> Outcome:
    """Take back what was decided: they wait."""
    day = today()
    act = _Act(
        Decision.REOPENED,
        fits=lambda found: found.filter(queries.decided(day)),
        why_not=lambda _device: _("It waits already."),
    )
    return _decide(devices, act, day, actor=actor, ends=ends)


def decide(
    devices: QuerySet[Device],
    state: FollowUpState,
    *,
    actor: Actor,
    until: date | None = None,
    note: str = "",
    ends: Seen | None = None,
) -> Outcome:
    """Whichever of these brings them into that state."""
    if until is not None and state != FollowUpState.SNOOZED:
        raise Refused(_("Only what is snoozed waits again from a day that you say."), field="until")
    match state:
        case FollowUpState.WAITING:
            return reopen(devices, actor=actor, ends=ends)
        case FollowUpState.ACKNOWLEDGED:
            return acknowledge(devices, actor=actor, note=note, ends=ends)
        case FollowUpState.SNOOZED:
            return snooze(devices, until=until, actor=actor, note=note, ends=ends)
        case FollowUpState.WILL_NOT_RENEW:
            return will_not_renew(devices, actor=actor, note=note, ends=ends)


@transaction.atomic
def _decide(devices: QuerySet[Device], act: _Act, day: date, *, actor: Actor, ends: Seen | None) -> Outcome:
    if len(act.note) > LONGEST_NOTE:
        raise Refused(_("A note has at most %(number)s characters.") % {"number": LONGEST_NOTE}, field="note")
    asked = devices.order_by()
    ending = queries.to_be_decided(asked, day)
    moved = _moved(ending, ends or {})
    number, chosen = asked.count(), act.fits(ending)
    found = [device for device in _read(chosen) if device.pk not in moved]
    left_out = tuple(_left_out(asked, ending, chosen, moved, act)) if len(found) < number else ()
    if len(found) == 1:
        before = _standing(found[0])
        _write(found, act, day, actor)
        _record_one(actor, act, found[0], before)
    elif found:
        _write(found, act, day, actor)
        _record_many(actor, act, found)
    return Outcome(len(found), left_out, max(0, number - len(found) - len(left_out)))


def _moved(ending: QuerySet[Any], seen: Seen) -> set[int]:
    """The devices that end on another day than somebody saw."""
    if not seen:
        return set()
    now = ending.filter(pk__in=seen).values_list("pk", "coverage_ends")
    return {pk for pk, ends in now if ends != seen[pk]}


def _read(chosen: QuerySet[Any]) -> list[_Found]:
    names = ("pk", "coverage_ends", "serial_number", "asset_tag")
    return [
        _Found(pk, ends, serial or tag or "")
        for pk, ends, serial, tag in chosen.order_by("pk").values_list(*names)
    ]


def _write(found: Sequence[_Found], act: _Act, day: date, actor: Actor) -> None:
    """One statement for each few thousand."""
    told = {
        "decision": act.decision.value,
        "note": act.note,
        "decided_by": actor.label[:200],
        "decided_by_id": actor.id,
        "decided_at": timezone.now(),
        "with_others": len(found) > 1,
    }
    rows = (
        {"device_id": device.pk, "ends": device.ends, "until": _until(act, device.ends, day), **told}
        for device in found
    )
    while batch := list(islice(rows, BATCH)):
        write_rows(FollowUp, batch, unique=("device",), update=FIELDS)


def _until(act: _Act, ends: date, day: date) -> date | None:
    return next_milestone(ends, day) if act.decision == Decision.ACKNOWLEDGED else act.until


def _left_out(
    asked: QuerySet[Device],
    ending: QuerySet[Any],
    chosen: QuerySet[Device],
    moved: Collection[int],
    act: _Act,
) -> Iterator[LeftOut]:
    not_ending = _("It has no AppleCare whose end is to be decided about.")
    for device in asked.exclude(pk__in=ending.values("pk")).order_by("pk")[:MOST_NAMED]:
        yield LeftOut(device, not_ending)
    unfit = ending.exclude(pk__in=chosen.values("pk")).exclude(pk__in=moved)
    for device in unfit.order_by("pk")[:MOST_NAMED]:
        yield LeftOut(device, act.why_not(device), as_asked=act.decision == Decision.REOPENED)
    by_now = _("AppleCare ends on %(day)s by now. Look at it again, then decide.")
    for device in ending.filter(pk__in=moved).order_by("pk")[:MOST_NAMED]:
        yield LeftOut(device, by_now % {"day": date_format(device.coverage_ends)})


def _standing(device: _Found) -> dict[str, Any]:
    """What was decided about it, of what an audit entry tells."""
    stored = FollowUp.objects.filter(pk=device.pk).values("until", "note").first()
    return dict(stored or {"until": None, "note": ""})


def _record_one(actor: Actor, act: _Act, device: _Found, before: dict[str, Any]) -> None:
    row = FollowUp.objects.select_related("device").get(pk=device.pk)
    old, new = changed_values(before, {"until": row.until, "note": row.note})
    record(actor, _action(act), row.device, before=old, after=new)


def _record_many(actor: Actor, act: _Act, found: Sequence[_Found]) -> None:
    """One entry for all of them."""
    after = {"until": act.until, "note": act.note, "serial_numbers": [device.name for device in found]}
    label = _("%(number)s devices") % {"number": len(found)}
    record(actor, _action(act), FollowUp(device_id=found[0].pk), label=label, after=after)


def _action(act: _Act) -> str:
    return f"coverage.{act.decision.value}"
