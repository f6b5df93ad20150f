"""Keys, limits, faults, the clock and the counters: what stands between a client and the devices."""

from datetime import UTC, timedelta
from enum import StrEnum
from typing import Any, ClassVar

import msgspec

from appleschool_sim.actions.action import Action, ActionError, Moment, ZonedTime, replaced
from appleschool_sim.credentials import with_new_key
from appleschool_sim.faults import Fault, FaultSetting
from appleschool_sim.rate import TokenBucket
from appleschool_sim.simulator import Simulator

SLOWEST_RATE = 0.001


class RevokeKey(Action, frozen=True):
    """An administrator revokes the API key: no new tokens, and the old ones are no longer taken."""

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:
        simulator.tokens.revoke_key()
        return {}


class NewKey(Action, frozen=True):
    """An administrator makes a new key for the same account. The old one is no longer taken."""

    is_journaled: ClassVar[bool] = False

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:
        simulator.credentials = with_new_key(simulator.credentials)
        simulator.tokens.accept(simulator.credentials)
        return msgspec.structs.asdict(simulator.credentials)


class RestoreKey(Action, frozen=True):
    """Undo a revocation."""

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:
        simulator.tokens.is_revoked = False
        return {}


class ExpireTokens(Action, frozen=True):
    """Make every bearer token bad."""

    is_journaled: ClassVar[bool] = False

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:
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

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:
        if self.rate is not None and (self.rate < SLOWEST_RATE or self.burst < 1):
            message = f"rate must be at least {SLOWEST_RATE} and burst at least 1"
            raise ActionError(message)
        simulator.bucket = None if self.rate is None else TokenBucket(self.rate, self.burst)
        simulator.retry_after = self.retry_after
        return {}


class SwitchFault(Action, frozen=True):
    """Switch one fault on or off."""

    fault: Fault
    on: bool = True
    setting: FaultSetting = msgspec.field(default_factory=FaultSetting)

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:
        if self.on:
            simulator.faults.switch_on(self.fault, replaced(self.setting))
        else:
            simulator.faults.switch_off(self.fault)
        return {}


class ClearFaults(Action, frozen=True):
    """Switch all faults off."""

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:
        simulator.faults.switch_off()
        return {}


class TurnClock(Action, frozen=True):
    """Turn the clock to a moment or by some seconds; neither means back to the real time."""

    to: ZonedTime | None = None
    by_seconds: float | None = None
    stopped: bool = False

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:
        if self.to is None and self.by_seconds is None:
            simulator.clock.run_real()
            return {}
        moment = (self.to or at.simulated) + timedelta(seconds=self.by_seconds or 0)
        simulator.clock.turn_to(moment.astimezone(UTC), stopped=self.stopped, real=at.real)
        return {}


class ResetCounters(Action, frozen=True):
    """Count the clients' requests from zero again."""

    is_journaled: ClassVar[bool] = False

    def apply(self, simulator: Simulator, at: Moment) -> dict[str, Any]:
        simulator.counters.reset()
        return {}
