"""What can be done to the simulated Apple while it runs."""

from appleschool_sim.actions.action import Action, ActionError, Moment
from appleschool_sim.actions.coverage import CancelCoverage, ChangeCoverage, DropCoverage
from appleschool_sim.actions.devices import (
    Add,
    Change,
    Release,
    ReleaseOrder,
    Replace,
    ReplaceSeveral,
    Submit,
)
from appleschool_sim.actions.service import (
    ClearFaults,
    ExpireTokens,
    NewKey,
    RateLimit,
    ResetCounters,
    RestoreKey,
    RetryAfter,
    RevokeKey,
    SwitchFault,
    TurnClock,
)

ACTIONS: dict[str, type[Action]] = {
    "replace": Replace,
    "replace-several": ReplaceSeveral,
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

__all__ = [
    "ACTIONS",
    "NAMES",
    "Action",
    "ActionError",
    "Add",
    "CancelCoverage",
    "Change",
    "ChangeCoverage",
    "ClearFaults",
    "DropCoverage",
    "ExpireTokens",
    "Moment",
    "NewKey",
    "RateLimit",
    "Release",
    "ReleaseOrder",
    "Replace",
    "ReplaceSeveral",
    "ResetCounters",
    "RestoreKey",
    "RetryAfter",
    "RevokeKey",
    "Submit",
    "SwitchFault",
    "TurnClock",
]
