"""`homeroom simulator`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict, Unpack

import click

from appleschool_sim.control_page import ADDRESS as PAGE
from appleschool_sim.credentials import Credentials
from appleschool_sim.journal import Beginning
from appleschool_sim.kinds import Kind
from appleschool_sim.running import API_PATH, TOKEN_PATH, Place, run
from appleschool_sim.tokens import AUDIENCE


class _Options(TypedDict):
    kind: str
    devices: int
    seed: int
    today: datetime | None
    host: str
    port: int
    folder: Path | None
    state: Path | None
    audience: str


@click.command()
@click.option(
    "--kind", type=click.Choice([kind.value for kind in Kind]), default=Kind.SCHOOL.value, show_default=True
)
@click.option(
    "--devices", type=click.IntRange(min=0), default=1000, show_default=True, help="How many devices."
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=1, show_default=True, help="The same seed, the same world."
)
@click.option(
    "--today",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day the world is made for; ages and terms are counted from it. The default is today.",
)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The default takes any free port.")
@click.option(
    "--credentials",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder for credentials.json and the private key; made if needed, used again if there.",
)
@click.option(
    "--state",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file that keeps what happened, so that the next start goes on from there.",
)
@click.option(
    "--audience", default=AUDIENCE, show_default=True, help="What client assertions must name as aud."
)
def simulator(**options: Unpack[_Options]) -> None:
    """Serve a stand-in for Apple School Manager's API."""
    today = (options["today"] or datetime.now(UTC)).date()
    beginning = Beginning(Kind(options["kind"]), options["devices"], options["seed"], today)
    place = Place(
        options["host"], options["port"], options["folder"], options["state"], audience=options["audience"]
    )
    try:
        run(beginning, place, ready=_tell)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error


def _tell(address: str, credentials: Credentials) -> None:
    # click.echo flushes: whoever started this process waits for these lines.
    click.echo(f"API:   {address}{API_PATH}")
    click.echo(f"Token: {address}{TOKEN_PATH}")
    click.echo(f"Client ID: {credentials.client_id}")
    click.echo(f"Control page: {address}{PAGE}")


if __name__ == "__main__":
    simulator()
