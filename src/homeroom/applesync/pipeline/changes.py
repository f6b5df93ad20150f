"""A run's change set: entries of what it changes, written in the transaction of the change."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from homeroom.applesync.models import RunChange, SyncRun
from homeroom.insurance.verbs import RecordChange
from homeroom.rows import write_rows

Entry = dict[str, Any]
EMPTY = (None, "", False)
Noun = RunChange.Noun
Action = RunChange.Action
State = RunChange.State

SHOWN_OF_NEW_DEVICES = (
    "deviceModel",
    "productFamily",
    "deviceCapacity",
    "color",
    "partNumber",
    "orderNumber",
    "status",
    "addedToOrgDateTime",
)


def write(run: SyncRun, entries: Iterable[Entry], *, state: RunChange.State) -> None:
    """Add entries to the run's change set. In a preview all of them are planned, whatever `state` says."""
    kept = State.PLANNED if run.preview else state
    write_rows(RunChange, ({"run_id": run.pk, "state": kept.value, **entry} for entry in entries))


def of_device(
    action: RunChange.Action,
    serial_number: str,
    device_id: int | None,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> Entry:
    """An entry about a device at Apple."""
    return {
        "noun": Noun.APPLE_DEVICE.value,
        "action": action.value,
        "serial_number": serial_number,
        "device_id": device_id,
        "before": before,
        "after": after,
    }


def shown(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """What an entry says of a new device; the mirror has it all."""
    return {name: attributes[name] for name in SHOWN_OF_NEW_DEVICES if attributes.get(name)}


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What differs between two records, as it was and as it is; absent and null are the same."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {name: before.get(name) for name in names}, {name: after.get(name) for name in names}


def of_insurance(change: RecordChange, serial_number: str) -> Entry:
    """An entry about an insurance record."""
    if change.before is None:
        before, after = None, {name: value for name, value in change.after.items() if value not in EMPTY}
    else:
        before, after = differences(change.before, change.after)
    return {
        "noun": Noun.INSURANCE.value,
        "action": _insurance_action(change).value,
        "serial_number": serial_number,
        "device_id": change.device_id,
        "coverage_id": change.apple_id,
        "before": before and _told(before),
        "after": _told(after),
    }


def _insurance_action(change: RecordChange) -> RunChange.Action:
    if change.before is None:
        return Action.CREATED
    return Action.ENDED if change.ends else Action.UPDATED


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as JSON holds them: days and times in ISO 8601, exactly."""
    return {
        name: value.isoformat() if isinstance(value, (date, datetime)) else value
        for name, value in values.items()
    }
