"""The fleet as it really is: every device and its coverage, computed when asked for and never held."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime

import msgspec

from appleschool_sim.coverages import Coverage, build_coverages, kind_of
from appleschool_sim.devices import Device, build_device, digest
from appleschool_sim.kinds import CoverageKind, Kind
from appleschool_sim.serials import Serials

_SERVERS_BY_RESIDUE = {
    Kind.SCHOOL: (None, 2, 1, 1, 1, 1, 1, *(0,) * 13),
    Kind.BUSINESS: (None, 2, 1, 1, 1, 1, 1, *(0,) * 9, *(4,) * 4),
}
BUILT_IN = "APPLE_MDM"


class MdmServer(msgspec.Struct, frozen=True):
    id: str
    name: str
    type: str
    status: str
    families: tuple[str, ...]


class World:
    """A district's devices as Apple holds them.

    Device number i follows from the seed and i by hashing. Only what differs from that is kept: devices
    added, changed or released, and coverage changed or dropped. Positions never move, so that a walk
    through the list stays true while devices come and go.
    """

    def __init__(self, kind: Kind, devices: int, *, seed: int, today: date) -> None:
        self.kind = kind
        self.seed = seed
        self.today = today
        self.initial = devices
        self.servers = _servers(seed, kind)
        self._server_numbers = _SERVERS_BY_RESIDUE[kind]
        self._serials = Serials(seed)
        self._added: list[Device] = []
        self._index_by_added_serial: dict[str, int] = {}
        self._changed: dict[int, Device] = {}
        self._coverages: dict[int, tuple[Coverage, ...]] = {}
        self._covered_from: dict[int, datetime] = {}
        self._forgotten: set[int] = set()
        self._handed_out = 0

    @property
    def positions(self) -> int:
        """One past the highest position, released devices included."""
        return self.initial + len(self._added)

    def __len__(self) -> int:
        """How many devices the list shows."""
        return self.positions - sum(device.released is not None for device in self._overridden())

    def serial_at(self, index: int) -> str:
        if index >= self.initial:
            return self._added[index - self.initial].serial
        return self._serials.at(index)

    def index_of(self, serial: str) -> int | None:
        if (added := self._index_by_added_serial.get(serial)) is not None:
            return added
        index = self._serials.index_of(serial)
        return index if index is not None and index < self.initial else None

    def device_at(self, index: int) -> Device:
        if (changed := self._changed.get(index)) is not None:
            return changed
        if index >= self.initial:
            return self._added[index - self.initial]
        return build_device(
            self.seed,
            index,
            serial=self._serials.at(index),
            today=self.today,
            server_id=self._first_server_of(index),
        )

    def device(self, serial: str) -> Device | None:
        """The device, also a released one unless Apple has forgotten it; None for an unknown serial."""
        index = self.index_of(serial)
        return None if index is None or index in self._forgotten else self.device_at(index)

    def is_released(self, index: int) -> bool:
        device = self._changed.get(index)
        return device is not None and device.released is not None

    def devices(self, start: int = 0) -> Iterator[Device]:
        """The devices the list shows, in the order of the list."""
        for index in range(start, self.positions):
            if not self.is_released(index):
                yield self.device_at(index)

    def lately_added(self) -> Iterator[Device]:
        """Devices that joined since the beginning, the last one first."""
        for added in reversed(self._added.copy()):
            yield self.device_at(added.index)

    def lately_released(self) -> list[Device]:
        """Devices that Apple still holds a record of, the last one released first."""
        gone = [
            (device.released, device.serial)
            for device in self._changed.copy().values()
            if device.released is not None and device.index not in self._forgotten
        ]
        return [device for _, serial in sorted(gone, reverse=True) if (device := self.device(serial))]

    def coverage(self, serial: str, now: datetime | None = None) -> tuple[Coverage, ...]:
        """The device's coverage records; empty without cover and for an unknown device."""
        index = self.index_of(serial)
        return () if index is None else self.coverage_at(index, now)

    def coverage_at(self, index: int, now: datetime | None = None) -> tuple[Coverage, ...]:
        covered_from = self._covered_from.get(index)
        if covered_from is not None and now is not None and now < covered_from:
            return ()
        if (changed := self._coverages.get(index)) is not None:
            return changed
        return build_coverages(self.seed, self.device_at(index), kind=self.kind, today=self.today)

    def coverage_kinds(self, today: date | None = None) -> Counter[CoverageKind]:
        """How many listed devices have which kind of cover. Walks the whole fleet."""
        day = today or self.today
        return Counter(kind_of(self.coverage_at(device.index), day) for device in self.devices())

    def server(self, server_id: str) -> MdmServer | None:
        return next((server for server in self.servers if server.id == server_id), None)

    @property
    def built_in_server(self) -> MdmServer | None:
        """Apple's own device management service, which only Apple Business has."""
        return next((server for server in self.servers if server.type == BUILT_IN), None)

    def server_id_at(self, index: int) -> str | None:
        if index >= self.initial or index in self._changed:
            return self.device_at(index).server_id
        return self._first_server_of(index)

    def device_count(self, server_id: str) -> int:
        cycle = len(self._server_numbers)
        count = sum(
            (self.initial - residue + cycle - 1) // cycle
            for residue, number in enumerate(self._server_numbers)
            if number is not None and self.servers[number].id == server_id
        )
        for device in self._overridden():
            count -= device.index < self.initial and self._first_server_of(device.index) == server_id
            count += device.released is None and device.server_id == server_id
        return count

    def add(self, device: Device) -> Device:
        """Put a device at the end of the list. Its index is set here."""
        if self.index_of(device.serial) is not None:
            message = f"{device.serial} is there already"
            raise ValueError(message)
        added = msgspec.structs.replace(device, index=self.positions)
        self._added.append(added)
        self._index_by_added_serial[added.serial] = added.index
        return added

    def unused_serial(self) -> str:
        """A serial that no device has, another one at every call."""
        # Far beyond the devices that were there at first, so that it can't be one of theirs.
        self._handed_out += 1
        return self._serials.at(10**10 + self._handed_out)

    def change(self, device: Device) -> None:
        self._changed[device.index] = device

    def forget(self, serial: str) -> None:
        """From now on the serial is unknown, as when Apple no longer keeps a record of a released device."""
        index = self.index_of(serial)
        if index is not None:
            self._forgotten.add(index)

    def set_coverage(self, index: int, records: tuple[Coverage, ...]) -> None:
        self._coverages[index] = records

    def delay_coverage(self, index: int, until: datetime) -> None:
        self._covered_from[index] = until

    def _overridden(self) -> Iterator[Device]:
        # Copies, since the truth is counted in a thread of its own while requests change the world.
        changed = self._changed.copy()
        yield from (device for device in self._added.copy() if device.index not in changed)
        yield from changed.values()

    def _first_server_of(self, index: int) -> str | None:
        number = self._server_numbers[index % len(self._server_numbers)]
        return None if number is None else self.servers[number].id


def _servers(seed: int, kind: Kind) -> tuple[MdmServer, ...]:
    described: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
        ("District MDM", "MDM", "ACTIVE", ("IPAD", "MAC")),
        ("Classroom carts", "MDM", "ACTIVE", ()),
        ("Apple Configurator", "APPLE_CONFIGURATOR", "ACTIVE", ()),
        ("Former MDM", "MDM", "INACTIVE", ()),
    )
    if kind is Kind.BUSINESS:
        described += (("Built-in device management", BUILT_IN, "ACTIVE", ()),)
    return tuple(
        MdmServer(digest(seed, "server", number)[:16].hex().upper(), *each)
        for number, each in enumerate(described)
    )
