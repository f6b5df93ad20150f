"""Devices come, change and go."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from appleschool_sim.actions.action import Action, ActionError, Moment, present, replaced
from appleschool_sim.catalog import EVERY_MODEL
from appleschool_sim.coverages import Coverage
from appleschool_sim.devices import (
    REPLACEMENT_ORDERS,
    Device,
    another_unit,
    build_device,
    digest,
    midnight,
    of_model,
)
from appleschool_sim.kinds import PurchaseSource
from appleschool_sim.simulator import Simulator

WEEK = 7 * 86_400


class ReleaseOrder(StrEnum):
    BEFORE = "before"
    AFTER = "after"
    NEVER = "never"


class Replacing(Action, frozen=True):
    """How Apple replaces devices: a new one with an R order appears, and the old one is released.

    `before`: the old one goes at once and the new one appears after the delay; `after`: the other way round.
    """

    released: ReleaseOrder = ReleaseOrder.BEFORE
    forgotten: bool = False
    delay_seconds: float = 0
    covered_after_seconds: float = WEEK
    model: str | None = None
    capacity: str | None = None
    part_number: str | None = None
    color: str | None = None

    def like(self, old: Device) -> Device:
        """The old device, with what is to be different about the new one."""
        like = old
        if self.model is not None:
            model = next((model for model in EVERY_MODEL if model.name == self.model), None)
            if model is None:
                message = f"There is no model {self.model}"
                raise ActionError(message)
            like = of_model(old, model)
        return replaced(
            like,
            capacity=like.capacity if self.capacity is None else self.capacity,
            part_number=like.part_number if self.part_number is None else self.part_number,
            color=like.color if self.color is None else self.color,
        )


class Replace(Replacing, frozen=True, kw_only=True):
    """Apple replaces one device."""

    serial: str

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:
        world = simulator.world
        old = present(simulator, self.serial)
        like = self.like(old)
        delayed = at.simulated + timedelta(seconds=self.delay_seconds)
        appears = at.simulated if self.released is ReleaseOrder.AFTER else delayed
        covered_from = appears + timedelta(seconds=self.covered_after_seconds)
        # Nothing may fail from here on: a serial that is handed out must be in the journal.
        serial = world.unused_serial()
        number = int.from_bytes(digest(world.seed, "replacement", serial)[:6]) % REPLACEMENT_ORDERS
        order_number = f"R{number:09d}"
        new = replaced(
            another_unit(world.seed, like, serial),
            order_number=order_number,
            ordered=midnight(appears.date()),
            added=appears,
            updated=appears,
            source=PurchaseSource.APPLE,
            source_id="0001234567",
            replaces=old.serial,
        )
        simulator.later(appears, lambda: _appear(simulator, new, old, covered_from))
        if self.released is not ReleaseOrder.NEVER:
            gone = delayed if self.released is ReleaseOrder.AFTER else at.simulated
            simulator.later(gone, lambda: _release(simulator, self.serial, gone, forgotten=self.forgotten))
        simulator.catch_up(at.simulated)
        return {"serial": serial, "order_number": order_number}


class ReplaceSeveral(Replacing, frozen=True, kw_only=True):
    """Apple replaces several devices in the same way: all of them, or none if one can't be."""

    serials: list[str]

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:
        how = {name: getattr(self, name) for name in Replacing.__struct_fields__}
        each = [Replace(serial=serial, **how) for serial in dict.fromkeys(self.serials)]
        if not each:
            message = "No serial number is given"
            raise ActionError(message)
        for one in each:
            one.like(present(simulator, one.serial))
        return {
            "replacements": [{"original": one.serial, **one.apply(simulator, at)} for one in each],
        }


class Release(Action, frozen=True):
    """A device leaves the organization. `forgotten`: its record answers 404 instead of 200 with a date."""

    serial: str
    forgotten: bool = False

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:
        present(simulator, self.serial)
        _release(simulator, self.serial, at.simulated, forgotten=self.forgotten)
        return {}


class Add(Action, frozen=True):
    """A device joins the organization: as another one of `like`'s kind, or of any kind."""

    serial: str | None = None
    like: str | None = None
    order_number: str | None = None

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:
        world = simulator.world
        like = None if self.like is None else present(simulator, self.like)
        if self.serial is not None and world.index_of(self.serial) is not None:
            message = f"{self.serial} is there already"
            raise ActionError(message)
        serial = self.serial or world.unused_serial()
        if like is None:
            device = build_device(
                world.seed, world.positions, serial=serial, today=world.today, server_id=None
            )
        else:
            device = another_unit(world.seed, like, serial)
        now = at.simulated
        number = self.order_number or device.order_number
        added = world.add(
            replaced(device, added=now, updated=now, ordered=midnight(now.date()), order_number=number)
        )
        world.set_coverage(added.index, _begun_on(now.date(), world.coverage_at(added.index)))
        return {"serial": serial}


class Change(Action, frozen=True):
    """Something about a device's record changes."""

    serial: str
    color: str | msgspec.UnsetType = msgspec.UNSET
    capacity: str | msgspec.UnsetType = msgspec.UNSET
    part_number: str | msgspec.UnsetType = msgspec.UNSET
    order_number: str | msgspec.UnsetType | None = msgspec.UNSET
    server_id: str | msgspec.UnsetType | None = msgspec.UNSET
    os_version: str | msgspec.UnsetType = msgspec.UNSET

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:
        device = present(simulator, self.serial)
        given = {name: getattr(self, name) for name in self.__struct_fields__ if name != "serial"}
        chosen = {name: value for name, value in given.items() if value is not msgspec.UNSET}
        server_id = chosen.get("server_id")
        if server_id is not None and simulator.world.server(server_id) is None:
            message = f"There is no server {server_id}"
            raise ActionError(message)
        simulator.world.change(replaced(device, updated=at.simulated, **chosen))
        return {}


class Submit(Action, frozen=True):
    """An activity that a client posted to the API."""

    document: msgspec.Raw

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:
        return simulator.activities.create(bytes(self.document), at.simulated)


def _begun_on(day: date, records: tuple[Coverage, ...]) -> tuple[Coverage, ...]:
    """The records of a device that was bought new: all of its cover begins with this day."""
    return tuple(
        replaced(
            record,
            starts=midnight(day),
            ends=record.ends and midnight(day) + (record.ends - record.starts),
            canceled=None,
        )
        for record in records
    )


def _appear(simulator: Simulator, new: Device, old: Device, covered_from: datetime) -> None:
    world = simulator.world
    added = world.add(new)
    records = world.coverage_at(old.index)
    world.set_coverage(added.index, tuple(_moved(record, old.serial, new.serial) for record in records))
    world.delay_coverage(added.index, covered_from)


def _moved(record: Coverage, old: str, new: str) -> Coverage:
    """A replacement goes on under the cover of the device it replaces."""
    return replaced(record, id=record.id.replace(old, new))


def _release(simulator: Simulator, serial: str, moment: datetime, *, forgotten: bool) -> None:
    world = simulator.world
    device = world.device(serial)
    if device is None or device.released is not None:
        return
    world.change(replaced(device, released=moment, updated=moment, server_id=None))
    if forgotten:
        world.forget(serial)
