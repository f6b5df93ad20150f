"""AppleCare is bought, changed, cancelled and lost."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from appleschool_sim.actions.action import Action, ActionError, Moment, ZonedTime, present, replaced
from appleschool_sim.coverages import Coverage
from appleschool_sim.devices import Device, digest, midnight
from appleschool_sim.kinds import PaymentType
from appleschool_sim.simulator import Simulator


class ChangeCoverage(Action, frozen=True):
    """The device's plan changes; without a plan it gets one."""

    serial: str
    starts: ZonedTime | msgspec.UnsetType = msgspec.UNSET
    ends: ZonedTime | msgspec.UnsetType | None = msgspec.UNSET
    description: str | msgspec.UnsetType = msgspec.UNSET
    payment: PaymentType | msgspec.UnsetType = msgspec.UNSET
    renewable: bool | msgspec.UnsetType = msgspec.UNSET

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:
        device = present(simulator, self.serial)
        records = simulator.world.coverage_at(device.index, at.simulated)
        given = {name: getattr(self, name) for name in self.__struct_fields__ if name != "serial"}
        chosen = {
            name: value.astimezone(UTC) if isinstance(value, datetime) else value
            for name, value in given.items()
            if value is not msgspec.UNSET
        }
        limited = tuple(record for record in records if not record.is_plan)
        plan = next((record for record in records if record.is_plan), None) or _new_plan(device, at.simulated)
        _set_coverage(simulator, device, (*limited, replaced(plan, **chosen)))
        return {}


class CancelCoverage(Action, frozen=True):
    """The device's plan is cancelled as of now."""

    serial: str

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:
        device = present(simulator, self.serial)
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

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:
        _set_coverage(simulator, present(simulator, self.serial), ())
        return {}


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
