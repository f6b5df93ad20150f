"""What an action is."""

from datetime import datetime
from typing import Annotated, Any, ClassVar

import msgspec

from appleschool_sim.devices import Device
from appleschool_sim.simulator import Simulator

replaced = msgspec.structs.replace
ZonedTime = Annotated[datetime, msgspec.Meta(tz=True)]


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


def present(simulator: Simulator, serial: str) -> Device:
    device = simulator.world.device(serial)
    if device is None or device.released is not None:
        message = f"There is no device {serial}"
        raise ActionError(message)
    return device
