"""The control API from Python."""

import urllib.request
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypedDict, Unpack
from urllib.error import HTTPError

import msgspec

from appleschool_sim.actions import (
    NAMES,
    Action,
    Add,
    CancelCoverage,
    Change,
    ChangeCoverage,
    ClearFaults,
    DropCoverage,
    ExpireTokens,
    Moment,
    NewKey,
    RateLimit,
    Release,
    Replace,
    ResetCounters,
    RestoreKey,
    RetryAfter,
    RevokeKey,
    SwitchFault,
    TurnClock,
)
from appleschool_sim.credentials import Credentials
from appleschool_sim.faults import Fault, FaultSetting
from appleschool_sim.kinds import RequestKind

TIMEOUT = 120


class ControlError(RuntimeError):
    """The simulator refused an action; the text is its reason."""


class When(TypedDict, total=False):
    """When a fault strikes; see FaultSetting."""

    probability: float
    count: int
    after: int
    kinds: list[RequestKind]
    serials: list[str]
    seconds: float


class _Done(msgspec.Struct):
    at: Moment
    outcome: dict[str, Any]


class Control:
    """Does things to a running simulator, which it knows by its address (without `/v1`)."""

    def __init__(self, address: str, *, witness: Callable[[Action, Moment], None] | None = None) -> None:
        self._address = address.rstrip("/")
        self._witness = witness

    def take(self, action: Action) -> dict[str, Any]:
        """Take an action; returns its outcome."""
        done = msgspec.json.decode(self._ask(NAMES[type(action)], msgspec.json.encode(action)), type=_Done)
        if self._witness is not None:
            self._witness(action, done.at)
        return done.outcome

    def state(self) -> dict[str, Any]:
        return self._shown("state")

    def counts(self) -> dict[str, Any]:
        """What the clients did."""
        return self._shown("counts")

    def truth(self) -> dict[str, Any]:
        """How many devices there are, with which coverage. Slow in a large world."""
        return self._shown("truth")

    def replace(self, action: Replace) -> str:
        """Returns the serial of the device that takes the old one's place."""
        return str(self.take(action)["serial"])

    def release(self, serial: str, *, forgotten: bool = False) -> None:
        self.take(Release(serial=serial, forgotten=forgotten))

    def add(
        self, *, serial: str | None = None, like: str | None = None, order_number: str | None = None
    ) -> str:
        """Returns the new device's serial."""
        return str(self.take(Add(serial=serial, like=like, order_number=order_number))["serial"])

    def change(self, action: Change) -> None:
        self.take(action)

    def change_coverage(self, action: ChangeCoverage) -> None:
        self.take(action)

    def cancel_coverage(self, serial: str) -> None:
        self.take(CancelCoverage(serial=serial))

    def drop_coverage(self, serial: str) -> None:
        self.take(DropCoverage(serial=serial))

    def revoke_key(self) -> None:
        self.take(RevokeKey())

    def restore_key(self) -> None:
        self.take(RestoreKey())

    def new_key(self) -> Credentials:
        return msgspec.convert(self.take(NewKey()), Credentials)

    def expire_tokens(self) -> None:
        self.take(ExpireTokens())

    def limit_rate(
        self, rate: float | None, *, burst: int = 1, retry_after: RetryAfter = RetryAfter.SECONDS
    ) -> None:
        self.take(RateLimit(rate=rate, burst=burst, retry_after=retry_after))

    def switch_on(self, fault: Fault, **when: Unpack[When]) -> None:
        self.take(SwitchFault(fault=fault, setting=FaultSetting(**when)))

    def switch_off(self, fault: Fault) -> None:
        self.take(SwitchFault(fault=fault, on=False))

    def clear_faults(self) -> None:
        self.take(ClearFaults())

    def turn_clock_to(self, moment: datetime, *, stopped: bool = False) -> None:
        self.take(TurnClock(to=moment, stopped=stopped))

    def advance_clock(self, by: timedelta) -> None:
        self.take(TurnClock(by_seconds=by.total_seconds()))

    def run_real_clock(self) -> None:
        self.take(TurnClock())

    def reset_counters(self) -> None:
        self.take(ResetCounters())

    def _shown(self, name: str) -> dict[str, Any]:
        return msgspec.json.decode(self._ask(name, None), type=dict[str, Any])

    def _ask(self, name: str, body: bytes | None) -> bytes:
        request = urllib.request.Request(f"{self._address}/_control/{name}", data=body)  # noqa: S310 - http to this machine
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310
                return bytes(response.read())
        except HTTPError as error:
            with error:
                raise ControlError(error.read().decode()) from error
