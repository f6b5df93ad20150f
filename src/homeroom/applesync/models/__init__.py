from homeroom.applesync.models.changes import RunChange
from homeroom.applesync.models.connections import Connection
from homeroom.applesync.models.managed import ManagedDevice
from homeroom.applesync.models.mirror import AppleDevice
from homeroom.applesync.models.reconciliation import NotInApple, NotInInventory
from homeroom.applesync.models.repair_checks import RepairCheck
from homeroom.applesync.models.replacements import Replacement
from homeroom.applesync.models.runs import RunNote, SyncRun
from homeroom.applesync.models.staging import StagedAnswer, StagedDevice
from homeroom.applesync.models.told import ToldReplacement

__all__ = [
    "AppleDevice",
    "Connection",
    "ManagedDevice",
    "NotInApple",
    "NotInInventory",
    "RepairCheck",
    "Replacement",
    "RunChange",
    "RunNote",
    "StagedAnswer",
    "StagedDevice",
    "SyncRun",
    "ToldReplacement",
]
