"""The configured mail server, and one connection to it."""

import smtplib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

SMTP = "django.core.mail.backends.smtp.EmailBackend"


class Security(models.TextChoices):
    STARTTLS = "starttls", gettext_lazy("encrypted (STARTTLS)")
    TLS = "tls", gettext_lazy("encrypted (TLS)")
    NONE = "none", gettext_lazy("not encrypted")


@dataclass(frozen=True, slots=True)
class MailServer:
    """As HOMEROOM_EMAIL_URL names it. What is shown of it never holds the password."""

    _settings: Mapping[str, Any] = field(repr=False)

    @property
    def is_smtp(self) -> bool:
        """Otherwise mail is printed, as developers may want it."""
        return bool(self._settings["EMAIL_BACKEND"] == SMTP)

    @property
    def host(self) -> str:
        return str(self._settings["EMAIL_HOST"] or "")

    @property
    def port(self) -> int | None:
        port: int | None = self._settings["EMAIL_PORT"]
        return port

    @property
    def user(self) -> str:
        return str(self._settings["EMAIL_HOST_USER"] or "")

    @property
    def security(self) -> Security:
        if self._settings.get("EMAIL_USE_SSL"):
            return Security.TLS
        return Security.STARTTLS if self._settings.get("EMAIL_USE_TLS") else Security.NONE

    def __str__(self) -> str:
        return f"{self.host}:{self.port}" if self.is_smtp else _("printed by the worker")

    def call(self, *, timeout: float | None = None) -> "Call":
        return Call(self._settings, timeout or self._settings["EMAIL_TIMEOUT"])


class Call:
    """A connection, opened with the first mail and kept for those that follow."""

    def __init__(self, given: Mapping[str, Any], timeout: float) -> None:
        smtp = {
            "host": given["EMAIL_HOST"],
            "port": given["EMAIL_PORT"],
            "username": given["EMAIL_HOST_USER"] or "",
            "password": given["EMAIL_HOST_PASSWORD"] or "",
            "use_tls": given.get("EMAIL_USE_TLS", False),
            "use_ssl": given.get("EMAIL_USE_SSL", False),
            "timeout": timeout,
        }
        self._line = get_connection(
            given["EMAIL_BACKEND"], **(smtp if given["EMAIL_BACKEND"] == SMTP else {})
        )

    def send(self, message: EmailMultiAlternatives) -> None:
        """Returns once the server has accepted the mail. After an error the next mail opens a new connection."""
        try:
            # Opened here, so that sending doesn't close it: what goes wrong after the acceptance is no failure.
            self._line.open()
            self._line.send_messages([message])
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        with suppress(OSError, smtplib.SMTPException):
            self._line.close()


def mail_server() -> MailServer | None:
    """None: none is configured, and mail waits."""
    given = settings.CONFIGURATION.email_settings
    return MailServer(given) if given else None
