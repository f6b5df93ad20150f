from homeroom.applesync.models.connections import Connection
from homeroom.applesync.models.mirror import AppleDevice
from homeroom.applesync.models.runs import RunNote, SyncRun

__all__ = ["AppleDevice", "Connection", "RunNote", "SyncRun"]
