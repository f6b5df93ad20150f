from homeroom.applesync.models.changes import RunChange
from homeroom.applesync.models.connections import Connection
from homeroom.applesync.models.managed import ManagedDevice
from homeroom.applesync.models.mirror import AppleDevice
from homeroom.applesync.models.runs import RunNote, SyncRun
from homeroom.applesync.models.staging import StagedAnswer, StagedDevice

__all__ = [
    "AppleDevice",
    "Connection",
    "ManagedDevice",
    "RunChange",
    "RunNote",
    "StagedAnswer",
    "StagedDevice",
    "SyncRun",
]
