"""Every setting of Homeroom, read once from `HOMEROOM_*` variables and a `.env` file.

The descriptions are what docs/configuration.md says about each: that page is generated from here.
"""

import os
import secrets
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ImproperlyConfigured
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from homeroom.config.mail_server import checked_email_from, checked_email_url, email_settings

KEY_FILE = "secret.key"
SHORTEST_SECRET_KEY = 32


class Configuration(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="HOMEROOM_", env_file=".env", extra="ignore", frozen=True)

    data_dir: Path = Field(
        default=Path("homeroom-data"),
        description="Folder for the database, uploaded files and the key file.",
    )
    database_url: str = Field(
        default="",
        description="`postgres://user:password@host/name`, or `sqlite:///path`. "
        "Empty: a SQLite file in the data folder.",
        repr=False,
    )
    secret_keys: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Comma-separated keys of at least 32 characters. The first signs and encrypts, the others "
        "can still be read. Empty: the key file in the data folder, made on first start.",
        repr=False,
    )
    base_url: str = Field(
        default="http://localhost:8000",
        description="The address people type, used for links in mail and as the allowed host.",
    )
    time_zone: str = Field(
        default="UTC",
        description="The district's time zone, for example `America/Chicago`. It decides what day it is.",
    )
    language: str = Field(default="en-us", description="Language where a browser asks for none.")
    currency: str = Field(default="USD", description="Three-letter code of the currency that costs are in.")
    email_url: str = Field(
        default="",
        description="The mail server: `smtp+tls://user:password@host:587` (STARTTLS), `smtp+ssl://…:465` (TLS from the "
        "start) or `smtp://host:25` (not encrypted). Empty: [mail waits](email.md).",
        repr=False,
    )
    email_from: str = Field(
        default="homeroom@localhost",
        description="Sender of Homeroom's mail, for example `Homeroom <homeroom@district.example>`.",
    )
    report_attachment_mb: int = Field(
        default=10,
        ge=0,
        le=100,
        description="Files of [reports on a schedule](reports.md#by-email-on-a-schedule) up to so many megabytes are "
        "attached to mail; larger ones are linked instead. 0: none is ever attached.",
    )
    apple_api_url: str = Field(
        default="",
        description="Apple's API, with `/v1` and no slash at the end. Empty: Apple's own, by the connection's kind.",
    )
    apple_token_url: str = Field(default="", description="Apple's token endpoint. Empty: Apple's own.")
    apple_max_rate: float = Field(
        default=5.0, ge=0, description="Most requests a second to Apple for one connection; 0: no ceiling."
    )
    apple_concurrency: int = Field(
        default=4, ge=1, le=256, description="Most requests to Apple under way at once for one connection."
    )
    apple_sync_watchdog_hours: int = Field(
        default=0,
        ge=0,
        description="A connection needs attention after so many hours without a successful sync. "
        "0: by its schedule, after two missed turns and at least 36 hours.",
    )
    coverage_max_age_days: int = Field(
        default=14,
        ge=1,
        le=365,
        description="Every device's coverage is asked for at least this often, in days.",
    )
    coverage_daily_budget: int = Field(
        default=0,
        ge=0,
        description="Most devices whose coverage is asked for in a day, for one connection; what exceeds it waits "
        "for the next day. 0: as many as the age above needs, and every new one.",
    )
    repair_overdue_days: int = Field(
        default=14, ge=1, le=365, description="A device at Apple for longer than so many days is overdue."
    )
    debug: bool = Field(default=False, description="Detailed error pages; for development only.")
    log_level: str = Field(default="INFO", description="`DEBUG`, `INFO`, `WARNING` or `ERROR`.")

    @field_validator("secret_keys", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(key.strip() for key in value.split(",") if key.strip())
        return value

    @field_validator("secret_keys")
    @classmethod
    def _keys_are_long(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(len(key) < SHORTEST_SECRET_KEY for key in value):
            msg = f"each key needs at least {SHORTEST_SECRET_KEY} characters"
            raise ValueError(msg)
        return value

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            msg = f"{value!r} is not a time zone; write it like America/Chicago"
            raise ValueError(msg) from error
        return value

    @field_validator("base_url", "apple_api_url", "apple_token_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if value and (urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).hostname):
            msg = f"{value!r} is not an http(s) address"
            raise ValueError(msg)
        return value.rstrip("/")

    @field_validator("email_url")
    @classmethod
    def _is_a_mail_server(cls, value: str) -> str:
        return checked_email_url(value)

    @field_validator("email_from")
    @classmethod
    def _is_a_sender(cls, value: str) -> str:
        return checked_email_from(value)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The secret keys, from the setting or the key file; the file is made if neither is there."""
        return self.secret_keys or (_key_from_file(self.data_dir / KEY_FILE),)

    @property
    def allowed_hosts(self) -> list[str]:
        return sorted({urlsplit(self.base_url).hostname or "localhost", "localhost", "127.0.0.1", "[::1]"})

    @property
    def email_settings(self) -> dict[str, Any]:
        """Django's settings of the mail server; empty if there is none."""
        return email_settings(self.email_url) if self.email_url else {}

    @property
    def is_https(self) -> bool:
        return urlsplit(self.base_url).scheme == "https"


def _key_from_file(path: Path) -> str:
    if not path.exists():
        _make_key_file(path)
    key = path.read_text().strip()
    if len(key) < SHORTEST_SECRET_KEY:
        msg = f"The key file {path} is empty or damaged. Restore it from a backup."
        raise ImproperlyConfigured(msg)
    return key


def _make_key_file(path: Path) -> None:
    """Make the key file, whole before it has its name; of several that start at once, one key stays."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=path.parent, prefix=f"{path.name}.") as file:
            file.write(secrets.token_urlsafe(48) + "\n")
            file.flush()
            os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(file.name, path)
    except OSError as error:
        msg = f"The key file {path} can't be made: {error.strerror}. Make it possible, or set HOMEROOM_SECRET_KEYS."
        raise ImproperlyConfigured(msg) from None


def read_configuration() -> Configuration:
    """Read the settings; a wrong one raises ImproperlyConfigured with a sentence that names the variable."""
    try:
        return Configuration()
    except ValidationError as error:
        sentences = [
            f"HOMEROOM_{'_'.join(str(part) for part in problem['loc']).upper()}: "
            f"{problem['msg'].removeprefix('Value error, ')}."
            for problem in error.errors(include_input=False)
        ]
        raise ImproperlyConfigured(" ".join(sentences)) from None
