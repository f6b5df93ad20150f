"""The mail server, as people write it into HOMEROOM_EMAIL_URL and as Django wants it."""

from email.utils import parseaddr
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

PORTS = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}
PRINTED = "consolemail"
"""For development: mail is printed, and counts as sent."""
TIMEOUT = 15
"""Seconds that the server may be silent."""


def checked_email_url(url: str) -> str:
    """Raises ValueError with a sentence that never repeats the address: there is a password in it."""
    if not url:
        return url
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(
            "it can't be read; write special characters of the password percent-encoded, # as %23 for example"
        ) from None
    if parts.scheme == "smtps":
        raise ValueError(
            "write smtp+ssl:// (TLS from the start, port 465) or smtp+tls:// (STARTTLS, port 587)"
        )
    if parts.scheme == PRINTED:
        return url
    if parts.scheme not in PORTS:
        raise ValueError("it has to begin with smtp+tls://, smtp+ssl:// or smtp://")
    if not parts.hostname or port == 0:
        raise ValueError(
            "it names no mail server; write it like smtp+tls://user:password@mail.example.org:587"
        )
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(
            "nothing may follow the server's name and port; write special characters of the password percent-encoded, "
            "/ as %2F and # as %23 for example"
        )
    if bool(parts.username) != bool(parts.password):
        raise ValueError("it needs both a user and a password, or neither")
    return url


def checked_email_from(sender: str) -> str:
    _name, address = parseaddr(sender)
    try:
        validate_email(address)
    except ValidationError:
        address = ""
    if not address or not sender.isprintable():
        raise ValueError(
            "it is no address to send from; write homeroom@example.org, or Homeroom <homeroom@example.org>"
        )
    return sender


def email_settings(url: str) -> dict[str, Any]:
    """Django's EMAIL_… settings for a checked address."""
    values: dict[str, Any] = environ.Env.email_url_config(url)
    values["EMAIL_PORT"] = values["EMAIL_PORT"] or PORTS.get(urlsplit(url).scheme)
    return values | {"EMAIL_TIMEOUT": TIMEOUT}
