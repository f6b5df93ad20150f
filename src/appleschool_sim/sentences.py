"""What an action did, in words for the person who took it."""

from typing import Any

from appleschool_sim.actions import (
    Action,
    Add,
    CancelCoverage,
    Change,
    ChangeCoverage,
    ClearFaults,
    DropCoverage,
    ExpireTokens,
    NewKey,
    RateLimit,
    Release,
    ReleaseOrder,
    Replace,
    ReplaceSeveral,
    ResetCounters,
    RestoreKey,
    RetryAfter,
    RevokeKey,
    SwitchFault,
    TurnClock,
)
from appleschool_sim.actions.devices import Replacing
from appleschool_sim.simulator import Simulator

_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
_ALWAYS = {
    RevokeKey: "The key is revoked: no new tokens, and the old ones are no longer taken.",
    RestoreKey: "The key is good again. Clients need a new token.",
    ExpireTokens: "All tokens are bad now. Clients get 401 until they ask for a new one.",
    ClearFaults: "All faults are off.",
    ResetCounters: "The counts begin at zero.",
}


def sentence(action: Action, outcome: dict[str, Any], simulator: Simulator) -> str:
    """What the action did, the simulator being as it left it."""
    match action:
        case Replace(serial=serial):
            return _replaced(action, [{"original": serial, **outcome}])
        case ReplaceSeveral():
            return _replaced(action, outcome["replacements"])
        case Release() | Add() | Change():
            return _of_device(action, outcome)
        case ChangeCoverage() | CancelCoverage() | DropCoverage():
            return _of_coverage(action)
    return _of_service(action, outcome, simulator)


def duration(seconds: float) -> str:
    """A time in its largest whole unit: 4 hours, 90 minutes."""
    whole = round(abs(seconds))
    name, size = next((unit for unit in _UNITS if whole and whole % unit[1] == 0), _UNITS[-1])
    return f"{whole // size} {name}{'' if whole // size == 1 else 's'}"


def _replaced(action: Replacing, pairs: list[dict[str, str]]) -> str:
    news = ", ".join(
        f"{pair['serial']} (order {pair['order_number']}) for {pair['original']}" for pair in pairs
    )
    what = "a replacement" if len(pairs) == 1 else f"{len(pairs)} replacements"
    return f"Apple ships {what}: {news}. {_when(action, several=len(pairs) > 1)}"


def _when(action: Replacing, *, several: bool) -> str:
    old, new = ("old ones", "new ones") if several else ("old one", "new one")
    are, go, appear = ("are", "go", "appear") if several else ("is", "goes", "appears")
    later = f"in {duration(action.delay_seconds)}" if action.delay_seconds else "now"
    forgotten = " and forgotten" if action.forgotten else ""
    match action.released:
        case ReleaseOrder.NEVER:
            timing = (
                f"The {new} {appear} {later}, and the {old} {'stay' if several else 'stays'} on the list."
            )
        case ReleaseOrder.AFTER:
            timing = f"The {new} {are} on the list now, and the {old} {are} released{forgotten} {later}."
        case ReleaseOrder.BEFORE if action.delay_seconds:
            timing = f"The {old} {go} now{', forgotten' if forgotten else ''}; the {new} {appear} {later}."
        case ReleaseOrder.BEFORE:
            timing = f"The {new} {are} on the list now, and the {old} {are} released{forgotten}."
    if not action.covered_after_seconds:
        return timing
    return f"{timing} Coverage goes on {duration(action.covered_after_seconds)} after that."


def _of_device(action: Release | Add | Change, outcome: dict[str, Any]) -> str:
    match action:
        case Release(serial=serial, forgotten=True):
            return f"{serial} is released, and Apple knows nothing of it any more."
        case Release(serial=serial):
            return f"{serial} is released."
        case Add(like=None):
            return f"{outcome['serial']} has joined the organization."
        case Add(like=like):
            return f"{outcome['serial']} has joined the organization, of the same kind as {like}."
        case Change(serial=serial):
            return f"The record of {serial} has changed."


def _of_coverage(action: ChangeCoverage | CancelCoverage | DropCoverage) -> str:
    match action:
        case CancelCoverage(serial=serial):
            return f"The AppleCare plan of {serial} is cancelled as of today."
        case DropCoverage(serial=serial):
            return f"{serial} has no coverage any more, not even an ended one."
        case ChangeCoverage(serial=serial):
            return f"The AppleCare plan of {serial} has changed."


def _of_service(action: Action, outcome: dict[str, Any], simulator: Simulator) -> str:
    match action:
        case NewKey():
            return f"There is a new key, {outcome['key_id']}; the old one is no longer taken."
        case RateLimit():
            return _limited(action)
        case SwitchFault(fault=fault, on=on):
            return f"The fault {fault.value} is {'on' if on else 'off'}."
        case TurnClock():
            return _turned(simulator)
    return _ALWAYS[type(action)]


def _limited(action: RateLimit) -> str:
    if action.rate is None:
        return "There is no limit of requests any more."
    advice = {
        RetryAfter.SECONDS: "with Retry-After in seconds",
        RetryAfter.DATE: "with Retry-After as a date",
        RetryAfter.NONE: "without Retry-After",
    }[action.retry_after]
    first = "1 request" if action.burst == 1 else f"{action.burst} requests"
    return f"{first} at once and {action.rate:g} a second from then on; more get 429 {advice}."


def _turned(simulator: Simulator) -> str:
    now = simulator.clock.now()
    shown = f"{now:%Y-%m-%d %H:%M} UTC"
    if not simulator.clock.is_turned:
        return f"The clock shows the real time again: {shown}."
    return f"The clock shows {shown}{' and stands still' if simulator.clock.is_stopped else ''}."
