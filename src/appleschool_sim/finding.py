"""Looking for devices in the simulated world without walking through all of them."""

from collections.abc import Callable, Iterator
from datetime import datetime
from enum import StrEnum
from itertools import chain, islice
from typing import Any

from appleschool_sim.coverages import Coverage, kind_of
from appleschool_sim.devices import SHOWCASE_RESELLER_ODD, Device
from appleschool_sim.kinds import CoverageKind
from appleschool_sim.world import World

SHOWN = 10
# Serials follow from their position by hashing: a part of one can only be looked for one by one.
LOOKED_AT = 20_000
LOOKED_AT_FOR_EXAMPLES = 3_000
SHORTEST_PART = 2
_COVERED = {CoverageKind.PLAN, CoverageKind.OPEN_ENDED}
_WORDS = {
    CoverageKind.NONE: "No coverage",
    CoverageKind.LIMITED: "Limited warranty",
    CoverageKind.PLAN: "AppleCare",
    CoverageKind.EXPIRED: "Coverage ended",
    CoverageKind.CANCELED: "AppleCare cancelled",
    CoverageKind.OPEN_ENDED: "AppleCare without an end",
}


class Example(StrEnum):
    """What kind of devices somebody may want a few of."""

    COVERED = "covered"
    WARRANTY = "warranty"
    UNCOVERED = "uncovered"
    ENDED = "ended"
    UNASSIGNED = "unassigned"
    REPLACEMENTS = "replacements"
    ADDED = "added"
    RELEASED = "released"


def find(world: World, written: str, now: datetime) -> dict[str, Any]:
    """Devices whose serial is what was written, in any case and with blanks, or holds it.

    A whole serial is found in a world of any size. A part of one is looked for among the devices that joined since
    the beginning and the first of the others; `complete` tells whether that was all.
    """
    text = "".join(written.split()).upper()
    exact = filter(None, [world.device(text)])
    parts = _holding(world, text) if len(text) >= SHORTEST_PART else iter(())
    found = {device.serial: device for device in islice(chain(exact, parts), SHOWN + 1)}
    return {
        "devices": [describe(world, device, now) for device in islice(found.values(), SHOWN)],
        "complete": world.initial <= LOOKED_AT,
        "looked_at": min(world.initial, LOOKED_AT),
    }


def examples(world: World, of: Example, now: datetime) -> dict[str, Any]:
    """A few devices of a kind, from the latest or the first ones."""
    return {"devices": [describe(world, device, now) for device in islice(_examples(world, of, now), SHOWN)]}


def describe(world: World, device: Device, now: datetime) -> dict[str, Any]:
    """What a person needs to know of a device to choose it."""
    server = world.server(device.server_id or "")
    successor = next((new.serial for new in world.lately_added() if new.replaces == device.serial), None)
    return {
        "serial": device.serial,
        "model": device.model.name,
        "capacity": device.capacity,
        "color": device.color,
        "order_number": device.order_number,
        "added": device.added,
        "released": device.released,
        "replaces": device.replaces,
        "replaced_by": successor,
        "server": server and server.name,
        "coverage": _coverage_in_words(world.coverage_at(device.index, now), now),
    }


def _holding(world: World, text: str) -> Iterator[Device]:
    for device in world.lately_added():
        if text in device.serial:
            yield device
    for index in range(min(world.initial, LOOKED_AT)):
        serial = world.serial_at(index)
        if text in serial and (known := world.device(serial)):
            yield known


def _examples(world: World, of: Example, now: datetime) -> Iterator[Device]:
    if of is Example.RELEASED:
        return iter(world.lately_released())
    if of in {Example.ADDED, Example.REPLACEMENTS}:
        joined = (device for device in world.lately_added() if device.released is None)
        return (device for device in joined if of is Example.ADDED or device.replaces)
    return filter(_is_example(world, of, now), _listed_ordinary_first(world))


def _is_example(world: World, of: Example, now: datetime) -> Callable[[Device], bool]:
    if of is Example.UNASSIGNED:
        return lambda device: device.server_id is None
    wanted = {
        Example.COVERED: _COVERED,
        Example.WARRANTY: {CoverageKind.LIMITED},
        Example.UNCOVERED: {CoverageKind.NONE},
        Example.ENDED: {CoverageKind.EXPIRED, CoverageKind.CANCELED},
    }[of]
    return lambda device: kind_of(world.coverage_at(device.index, now), now.date()) in wanted


def _listed_ordinary_first(world: World) -> Iterator[Device]:
    """Some of the list's devices; those that show the oddities of real fleets come last."""
    oddities = range(min(SHOWCASE_RESELLER_ODD + 1, world.initial))
    ordinary = range(len(oddities), min(world.initial, LOOKED_AT_FOR_EXAMPLES))
    for index in chain(ordinary, oddities):
        if not world.is_released(index):
            yield world.device_at(index)


def _coverage_in_words(records: tuple[Coverage, ...], now: datetime) -> str:
    kind = kind_of(records, now.date())
    words = _WORDS[kind]
    if kind not in {CoverageKind.PLAN, CoverageKind.LIMITED}:
        return words
    ends = [
        record.ends
        for record in records
        if record.ends and record.is_active(now.date()) and record.is_plan == (kind is CoverageKind.PLAN)
    ]
    return f"{words} until {max(ends):%Y-%m-%d}" if ends else words
