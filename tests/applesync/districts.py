"""A simulated Apple, an inventory of which some stands there, and syncs over real HTTP."""

from collections.abc import Iterable
from pathlib import Path

from pytest_django import Settings

from appleschool_sim.testing import RunningSimulator
from homeroom.applesync.models import Connection, SyncRun
from homeroom.applesync.pipeline.running import work_on
from homeroom.applesync.verbs.runs import begin_sync
from homeroom.audit.actors import COMMAND_LINE
from homeroom.inventory.models import Device
from tests import processes
from tests.builders import make_site, make_status
from tests.processes import homeroom

__all__ = ["connect", "environment", "homeroom", "listed", "stock", "sync", "use_apple"]


def use_apple(settings: Settings, apple: RunningSimulator, **changes: object) -> None:
    """Point this installation at a simulated Apple, with no ceiling on the rate unless told otherwise."""
    settings.CONFIGURATION = settings.CONFIGURATION.model_copy(
        update={
            "apple_api_url": apple.api_url,
            "apple_token_url": apple.token_url,
            "apple_max_rate": 0.0,
            "apple_concurrency": 8,
        }
        | changes
    )


def connect(apple: RunningSimulator, *, name: str = "District", **values: object) -> Connection:
    account = apple.credentials
    return Connection.objects.create(
        name=name,
        client_id=account.client_id,
        key_id=account.key_id,
        private_key=account.private_key,
        **values,
    )


def stock(serials: Iterable[str]) -> None:
    """An inventory of devices with these serial numbers."""
    site, status = make_site(), make_status()
    Device.objects.bulk_create(
        Device(serial_number=serial, site=site, status=status, manufacturer="Apple") for serial in serials
    )


def sync(connection: Connection) -> SyncRun:
    run = work_on(begin_sync(connection, actor=COMMAND_LINE))
    run.refresh_from_db()
    return run


def listed(apple: RunningSimulator) -> list[str]:
    """The serial numbers of Apple's list, in its order."""
    return [device.serial for device in apple.world.devices()]


def environment(apple: RunningSimulator, folder: Path, **changes: str) -> dict[str, str]:
    """What a process of its own needs to work on this test's database and ask this Apple."""
    return (
        processes.environment(
            folder,
            HOMEROOM_APPLE_API_URL=apple.api_url,
            HOMEROOM_APPLE_TOKEN_URL=apple.token_url,
            HOMEROOM_APPLE_MAX_RATE="0",
            HOMEROOM_APPLE_CONCURRENCY="8",
        )
        | changes
    )
