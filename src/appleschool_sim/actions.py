"""What can be done to the simulated Apple while it runs."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar

import msgspec

from appleschool_sim.coverages import Coverage
from appleschool_sim.credentials import with_new_key
from appleschool_sim.devices import REPLACEMENT_ORDERS, Device, build_device, digest, midnight
from appleschool_sim.faults import Fault, FaultSetting
from appleschool_sim.kinds import PaymentType, PurchaseSource
from appleschool_sim.rate import TokenBucket
from appleschool_sim.simulator import Simulator

replaced = msgspec.structs.replace
WEEK = 7 * 86_400


class ActionError(ValueError):
    """The action makes no sense in this world."""


class Moment(msgspec.Struct, frozen=True):
    """When an action was taken: by the simulator's clock, and in truth."""

    simulated: datetime
    real: datetime


class Action(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing to do. Journaled, it can be done again to an equal world with an equal outcome."""

    is_journaled: ClassVar[bool] = True

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:
        raise NotImplementedError


class ReleaseOrder(StrEnum):
    BEFORE = "before"
    AFTER = "after"
    NEVER = "never"


class Replace(Action, frozen=True):
    """Apple replaces a device: a new one with an R order appears, and the old one is released.

    `before`: the old one goes at once and the new one appears after the delay; `after`: the other way round.
    """

    serial: str
    released: ReleaseOrder = ReleaseOrder.BEFORE
    forgotten: bool = False
    delay_seconds: float = 0
    covered_after_seconds: float = WEEK
    part_number: str | None = None
    color: str | None = None

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:
        world = simulator.world
        old = _present(simulator, self.serial)
        serial = world.unused_serial()
        number = int.from_bytes(digest(world.seed, "replacement", serial)[:6]) % REPLACEMENT_ORDERS
        order_number = f"R{number:09d}"
        delayed = at.simulated + timedelta(seconds=self.delay_seconds)
        appears = at.simulated if self.released is ReleaseOrder.AFTER else delayed
        new = replaced(
            old,
            serial=serial,
            order_number=order_number,
            ordered=midnight(appears.date()),
            added=appears,
            updated=appears,
            source=PurchaseSource.APPLE,
            source_id="0001234567",
            server_id=None,
            wifi_mac=None,
            bluetooth_mac=None,
            released=None,
            part_number=self.part_number or old.part_number,
            color=old.color if self.color is None else self.color,
        )
        covered_from = appears + timedelta(seconds=self.covered_after_seconds)
        simulator.later(appears, lambda: _appear(simulator, new, old, covered_from))
        if self.released is not ReleaseOrder.NEVER:
            gone = delayed if self.released is ReleaseOrder.AFTER else at.simulated
            simulator.later(gone, lambda: _release(simulator, self.serial, gone, forgotten=self.forgotten))
        simulator.catch_up(at.simulated)
        return {"serial": serial, "order_number": order_number}


class Release(Action, frozen=True):
    """A device leaves the organization. `forgotten`: its record answers 404 instead of 200 with a date."""

    serial: str
    forgotten: bool = False

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:
        _present(simulator, self.serial)
        _release(simulator, self.serial, at.simulated, forgotten=self.forgotten)
        return {}


class Add(Action, frozen=True):
    """A device joins the organization: as another one of `like`'s kind, or of any kind."""

    serial: str | None = None
    like: str | None = None
    order_number: str | None = None

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:
        world = simulator.world
        like = None if self.like is None else _present(simulator, self.like)
        if self.serial is not None and world.index_of(self.serial) is not None:
            message = f"{self.serial} is there already"
            raise ActionError(message)
        serial = self.serial or world.unused_serial()
        if like is None:
            device = build_device(
                world.seed, world.positions, serial=serial, today=world.today, server_id=None
            )
        else:
            device = replaced(like, serial=serial, server_id=None)
        now = at.simulated
        number = self.order_number or device.order_number
        added = replaced(device, added=now, updated=now, ordered=midnight(now.date()), order_number=number)
        world.add(added)
        return {"serial": serial}


class Change(Action, frozen=True):
    """Something about a device's record changes."""

    serial: str
    color: str | msgspec.UnsetType = msgspec.UNSET
    capacity: str | msgspec.UnsetType = msgspec.UNSET
    part_number: str | msgspec.UnsetType = msgspec.UNSET
    order_number: str | msgspec.UnsetType | None = msgspec.UNSET
    server_id: str | msgspec.UnsetType | None = msgspec.UNSET

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:
        device = _present(simulator, self.serial)
        given = {name: getattr(self, name) for name in self.__struct_fields__ if name != "serial"}
        chosen = {name: value for name, value in given.items() if value is not msgspec.UNSET}
        server_id = chosen.get("server_id")
        if server_id is not None and simulator.world.server(server_id) is None:
            message = f"There is no server {server_id}"
            raise ActionError(message)
        simulator.world.change(replaced(device, updated=at.simulated, **chosen))
        return {}


class ChangeCoverage(Action, frozen=True):
    """The device's plan changes; without a plan it gets one."""

    serial: str
    starts: datetime | msgspec.UnsetType = msgspec.UNSET
    ends: datetime | msgspec.UnsetType | None = msgspec.UNSET
    description: str | msgspec.UnsetType = msgspec.UNSET
    payment: PaymentType | msgspec.UnsetType = msgspec.UNSET
    renewable: bool | msgspec.UnsetType = msgspec.UNSET

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:
        device = _present(simulator, self.serial)
        records = simulator.world.coverage_at(device.index, at.simulated)
        given = {name: getattr(self, name) for name in self.__struct_fields__ if name != "serial"}
        chosen = {name: value for name, value in given.items() if value is not msgspec.UNSET}
        limited = tuple(record for record in records if not record.is_plan)
        plan = next((record for record in records if record.is_plan), None) or _new_plan(device, at.simulated)
        _set_coverage(simulator, device, (*limited, replaced(plan, **chosen)))
        return {}


class CancelCoverage(Action, frozen=True):
    """The device's plan is cancelled as of now."""

    serial: str

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:
        device = _present(simulator, self.serial)
        records = simulator.world.coverage_at(device.index, at.simulated)
        if not any(record.is_plan for record in records):
            message = f"{self.serial} has no plan"
            raise ActionError(message)
        canceled = midnight(at.simulated.date())
        changed = [replaced(record, canceled=canceled) if record.is_plan else record for record in records]
        _set_coverage(simulator, device, tuple(changed))
        return {}


class DropCoverage(Action, frozen=True):
    """Apple no longer returns any coverage for the device."""

    serial: str

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:  # noqa: ARG002
        _set_coverage(simulator, _present(simulator, self.serial), ())
        return {}


class RevokeKey(Action, frozen=True):
    """An administrator revokes the API key: no new tokens, and the old ones are no longer taken."""

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:  # noqa: ARG002
        simulator.tokens.revoke_key()
        return {}


class NewKey(Action, frozen=True):
    """An administrator makes a new key for the same account. The old one is no longer taken."""

    is_journaled: ClassVar[bool] = False

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:  # noqa: ARG002
        simulator.credentials = with_new_key(simulator.credentials)
        simulator.tokens.accept(simulator.credentials)
        return msgspec.structs.asdict(simulator.credentials)


class RestoreKey(Action, frozen=True):
    """Undo a revocation."""

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:  # noqa: ARG002
        simulator.tokens.is_revoked = False
        return {}


class ExpireTokens(Action, frozen=True):
    """Make every bearer token bad."""

    is_journaled: ClassVar[bool] = False

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:  # noqa: ARG002
        simulator.tokens.forget()
        return {}


class RetryAfter(StrEnum):
    SECONDS = "seconds"
    DATE = "date"
    NONE = "none"


class RateLimit(Action, frozen=True):
    """Limit API requests by a token bucket; no rate means no limit."""

    rate: float | None = None
    burst: int = 1
    retry_after: RetryAfter = RetryAfter.SECONDS

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:  # noqa: ARG002
        if self.rate is not None and (self.rate <= 0 or self.burst < 1):
            raise ActionError("rate must be more than 0 and burst at least 1")
        simulator.bucket = None if self.rate is None else TokenBucket(self.rate, self.burst)
        simulator.retry_after = self.retry_after
        return {}


class SwitchFault(Action, frozen=True):
    """Switch one fault on or off."""

    fault: Fault
    on: bool = True
    setting: FaultSetting = msgspec.field(default_factory=FaultSetting)

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:  # noqa: ARG002
        if self.on:
            simulator.faults.switch_on(self.fault, replaced(self.setting))
        else:
            simulator.faults.switch_off(self.fault)
        return {}


class ClearFaults(Action, frozen=True):
    """Switch all faults off."""

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:  # noqa: ARG002
        simulator.faults.switch_off()
        return {}


class TurnClock(Action, frozen=True):
    """Turn the clock to a moment or by some seconds; neither means back to the real time."""

    to: datetime | None = None
    by_seconds: float | None = None
    stopped: bool = False

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:
        if self.to is None and self.by_seconds is None:
            simulator.clock.run_real()
            return {}
        if self.to is not None and self.to.tzinfo is None:
            raise ActionError("a moment needs a time zone")
        moment = (self.to or at.simulated) + timedelta(seconds=self.by_seconds or 0)
        simulator.clock.turn_to(moment.astimezone(UTC), stopped=self.stopped, real=at.real)
        return {}


class ResetCounters(Action, frozen=True):
    """Count the clients' requests from zero again."""

    is_journaled: ClassVar[bool] = False

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:  # noqa: ARG002
        simulator.counters.reset()
        return {}


class Submit(Action, frozen=True):
    """An activity that a client posted to the API."""

    document: msgspec.Raw

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:
        return simulator.activities.create(bytes(self.document), at.simulated)


ACTIONS: dict[str, type[Action]] = {
    "replace": Replace,
    "release": Release,
    "add": Add,
    "change": Change,
    "change-coverage": ChangeCoverage,
    "cancel-coverage": CancelCoverage,
    "drop-coverage": DropCoverage,
    "revoke-key": RevokeKey,
    "restore-key": RestoreKey,
    "new-key": NewKey,
    "expire-tokens": ExpireTokens,
    "rate-limit": RateLimit,
    "fault": SwitchFault,
    "clear-faults": ClearFaults,
    "clock": TurnClock,
    "reset-counters": ResetCounters,
}
NAMES = {action: name for name, action in ACTIONS.items()} | {Submit: "activity"}


def _present(simulator: Simulator, serial: str) -> Device:
    device = simulator.world.device(serial)
    if device is None or device.released is not None:
        message = f"There is no device {serial}"
        raise ActionError(message)
    return device


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


def _new_plan(device: Device, now: datetime) -> Coverage:
    agreement = f"97{int.from_bytes(digest(device.index, 'new plan', device.serial)[:5]) % 10**11:011d}"
    starts = midnight(now.date())
    return Coverage(
        id=agreement,
        description="AppleCare+",
        payment=PaymentType.PAID_UP_FRONT,
        starts=starts,
        ends=starts + timedelta(days=3 * 365),
        agreement=agreement,
    )


def _set_coverage(simulator: Simulator, device: Device, records: tuple[Coverage, ...]) -> None:
    simulator.world.set_coverage(device.index, records)
    simulator.world.delay_coverage(device.index, device.added)
