"""An account at Apple, as forms, commands and verbs are given one."""

from typing import Any

from pytest_django import Settings

from appleschool_sim.testing import RunningSimulator
from homeroom.applesync.models import Connection
from homeroom.applesync.verbs import connections as verbs
from homeroom.audit.actors import COMMAND_LINE
from tests.applesync import keys

CLIENT_ID = "SCHOOLAPI.7b1f6a52-0c7e-4d0b-9f8c-2f2f0e6b7a11"
KEY_ID = "5b1f6a52-0c7e-4d0b-9f8c-2f2f0e6b7a11"
SCHEDULE = {
    "schedule_rhythm": "nightly",
    "schedule_at": "02:00",
    "schedule_hours": "6",
    "schedule_cron": "",
}


def changes(**values: Any) -> verbs.Changes:
    good = {"name": "District", "client_id": CLIENT_ID, "key_id": KEY_ID}
    if "private_key" not in values:
        values["private_key"] = keys.p256()
    return verbs.Changes(**good | values)


def make_connection(**values: Any) -> Connection:
    return verbs.activate(changes(**values), actor=COMMAND_LINE)


def form_values(**values: Any) -> dict[str, Any]:
    """What a browser sends of the form, all options on, every night."""
    good = {"name": "District", "kind": "school", "team_id": "", "client_id": CLIENT_ID, "key_id": KEY_ID}
    return (
        good
        | {"private_key": "", "sync_coverage": "on", "process_replacements": "on", "apply_replacements": "on"}
        | SCHEDULE
        | values
    )


def of_simulator(apple: RunningSimulator) -> dict[str, str]:
    given = apple.credentials
    return {"client_id": given.client_id, "key_id": given.key_id, "private_key": given.private_key}


def point_to(apple: RunningSimulator, settings: Settings) -> None:
    """Let this installation ask the simulator in place of Apple."""
    settings.CONFIGURATION = settings.CONFIGURATION.model_copy(
        update={"apple_api_url": apple.api_url, "apple_token_url": apple.token_url}
    )
