"""What a failed step of the test means for a person, and what they can do. Asks nobody, reads no clock."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from appleschool import AppleError, Forbidden, NotAuthorized, RateLimited
from homeroom.applesync.models import Connection
from homeroom.applesync.verbs.connections import CLIENT_ID_PREFIXES, wrong_kind

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
MINUTES_AN_HOUR = 60
HOURS_A_DAY = 24
LARGEST_SKEW = 300
"""Seconds by which the clocks may differ without a word."""
SUSPICIOUS_SKEW = 60
"""Seconds that explain refused credentials, though most servers would forgive them."""


@dataclass(frozen=True, slots=True)
class Finding:
    detail: str
    fix: str


def of_clock(skew: float | None, *, refused: bool) -> Finding | None:
    """`skew`: seconds by which this server is ahead of Apple (negative: behind); None: not told."""
    if skew is None or abs(skew) < (SUSPICIOUS_SKEW if refused else LARGEST_SKEW):
        return None
    detail = (
        _("This server's clock is ahead of Apple's by %s.")
        if skew > 0
        else _("This server's clock is behind Apple's by %s.")
    )
    return Finding(
        detail % _duration(abs(skew)),
        _(
            "Set the clock of this server (switch time synchronization on), then test again. "
            "The time zone does not matter."
        ),
    )


def of_refused_credentials(connection: Connection, *, worked_before: bool) -> Finding:
    """Apple answers one and the same to every mistake, so this says what it can be, the likeliest first."""
    plain = list(_mistakes_that_show(connection))
    if plain:
        return Finding(_("Apple refuses the credentials."), "\n".join(plain))
    causes = list(_mistakes_that_hide(connection, worked_before=worked_before))
    numbered = [f"{number}. {cause}" for number, cause in enumerate(causes, start=1)]
    return Finding(
        _("Apple refuses the credentials and does not say which part is wrong."),
        "\n".join([_("Check these, the likeliest first:"), *numbered]),
    )


def of_scope(connection: Connection, granted: str) -> Finding:
    return Finding(
        _("Apple granted the scope “%(granted)s”, which is not that of %(kind)s.")
        % {"granted": granted, "kind": connection.get_kind_display()},
        _("Choose the other kind for this connection, or use an API account of the chosen one."),
    )


def of_error(error: AppleError, connection: Connection) -> Finding:
    """Any other error of Apple's or of the way to it."""
    portal = connection.get_kind_display()
    match error:
        case Forbidden():
            fix = _("At %(portal)s, give the API account a role that may read devices.") % {"portal": portal}
            return Finding(
                _("Apple accepts the credentials, but does not let this account read this (403)."), fix
            )
        case NotAuthorized():
            fix = _(
                "Choose the kind that the account belongs to. If that is right, the key may have just been "
                "revoked: generate a new one at Apple."
            )
            return Finding(_("Apple's API does not accept the token that Apple just granted (401)."), fix)
        case RateLimited():
            fix = _("Wait a few minutes, then test again. The credentials may well be right.")
            return Finding(_("Apple asks to slow down: too many requests in a short time."), fix)
    return Finding(error.sentence, error.fix)


def of_silence(seconds: float) -> Finding:
    return Finding(
        _("Apple did not answer within %(seconds)d seconds.") % {"seconds": seconds},
        _("Check that this server's firewall or proxy lets it reach Apple, and test again in a few minutes."),
    )


def _mistakes_that_show(connection: Connection) -> Iterator[str]:
    """What can be told from the form of what was typed."""
    prefix = CLIENT_ID_PREFIXES[Connection.Kind(connection.kind)]
    client_id, key_id = connection.client_id, connection.key_id
    if not client_id:
        yield _("The Client ID is empty. Copy it from the API account at Apple.")
    elif sentence := wrong_kind(connection.kind, client_id):
        yield sentence
    elif not (client_id.startswith(prefix) and UUID.fullmatch(client_id.removeprefix(prefix))):
        yield _(
            "The Client ID does not look like one of Apple's: it is %(prefix)s followed by 36 characters. "
            "Copy it again."
        ) % {"prefix": prefix}
    if not key_id:
        yield _("The Key ID is empty. Copy it from the API account at Apple.")
    elif client_id.endswith(key_id) or key_id.startswith(prefix):
        yield _("The Key ID is a copy of the Client ID. Apple shows it on its own, beside the key.")
    elif not UUID.fullmatch(key_id):
        yield _(
            "The Key ID does not look like one of Apple's: it has 36 characters in five groups. "
            "Copy it again."
        )


def _mistakes_that_hide(connection: Connection, *, worked_before: bool) -> Iterator[str]:
    if worked_before:
        yield _(
            "It worked before, so the key has probably been revoked or the API account removed. "
            "Generate a new key at Apple, then give its Key ID and file here."
        )
    if connection.team_id not in {"", connection.client_id}:
        yield _("Team ID: empty it here. Apple's accounts show none; the Client ID is used.")
    yield _(
        "Key ID: at Apple, choose Manage on the API account. It must read %(key_id)s, and the private key "
        "must be the one that was downloaded with it, not that of another account or of an earlier key."
    ) % {"key_id": connection.key_id}
    yield _("Client ID: on the same page it must read %(client_id)s.") % {"client_id": connection.client_id}
    if not worked_before:
        yield _(
            "Revoked key: if Apple no longer lists this Key ID, generate a new key and give its Key ID "
            "and file here."
        )


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 2 * MINUTES_AN_HOUR:
        return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
    hours = round(minutes / MINUTES_AN_HOUR)
    if hours < 2 * HOURS_A_DAY:
        return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}
    days = round(hours / HOURS_A_DAY)
    return ngettext("%(count)d day", "%(count)d days", days) % {"count": days}
