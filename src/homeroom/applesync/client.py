"""Apple's API for one connection, at the addresses and within the pace of this installation."""

from django.conf import settings

from appleschool import AppleSchool, Credentials, Kind, Limits, PrivateKey
from homeroom.applesync.models import Connection


def open_apple(
    connection: Connection, *, initial_rate: float | None = None, limits: Limits | None = None
) -> AppleSchool:
    """A client, to be entered with `async with`. Contacts nobody yet; an unusable key is refused here.

    `connection` need not be saved. `initial_rate` is the pace that an earlier run found.
    """
    configuration = settings.CONFIGURATION
    return AppleSchool(
        credentials_of(connection),
        kind=Kind(connection.kind),
        api_url=configuration.apple_api_url or None,
        token_url=configuration.apple_token_url or None,
        limits=limits
        or Limits(
            max_rate=configuration.apple_max_rate,
            concurrency=configuration.apple_concurrency,
            initial_rate=initial_rate,
        ),
    )


def credentials_of(connection: Connection) -> Credentials:
    """An empty Team ID means that the Client ID is the issuer, as in Apple's own examples."""
    return Credentials(
        client_id=connection.client_id,
        key_id=connection.key_id,
        private_key=PrivateKey.from_pem(connection.private_key),
        team_id=connection.team_id,
    )
