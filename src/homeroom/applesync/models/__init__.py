from homeroom.applesync.models.changes import RunChange
from homeroom.applesync.models.connections import Connection
from homeroom.applesync.models.mirror import AppleDevice
from homeroom.applesync.models.replacements import Replacement
from homeroom.applesync.models.runs import RunNote, SyncRun
from homeroom.applesync.models.staging import StagedAnswer, StagedDevice

__all__ = [
    "AppleDevice",
    "Connection",
    "Replacement",
    "RunChange",
    "RunNote",
    "StagedAnswer",
    "StagedDevice",
    "SyncRun",
]
