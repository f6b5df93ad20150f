"""Writing a mail: its facts through their templates, in the recipient's time zone, when it is about to be sent."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from css_inline import CSSInliner
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template import Context
from django.template.loader import get_template
from django.urls import reverse
from django.utils import timezone, translation

from homeroom.accounts.models import User
from homeroom.notifications.attachments import Brought, attach, brought
from homeroom.notifications.facts import unpacked
from homeroom.notifications.kinds import Kind
from homeroom.notifications.models import Fact, Mail

LONGEST_SUBJECT = 150
STYLES = Path(__file__).resolve().parent / "templates" / "notifications" / "mail" / "mail.css"
DIGEST, TEST = "notifications/mail/digest", "notifications/mail/test"


@dataclass(frozen=True, slots=True)
class Told:
    """A fact with its kind, as it concerns one person."""

    kind: Kind
    fact: Fact


@dataclass(frozen=True, slots=True)
class Line:
    """A fact in a digest."""

    subject: str
    url: str
    fact: Fact


@dataclass(frozen=True, slots=True)
class Section:
    kind: Kind
    lines: Sequence[Line]


def written(mail: Mail, told: Sequence[Told]) -> EmailMultiAlternatives:
    """The mail as it goes out. `told` holds one fact, or for a digest all of its facts."""
    with _as_read_by(mail.recipient):
        if mail.digest_day is not None:
            values = {"sections": list(_sections(told)), "count": len(told), "day": mail.digest_day}
            return _message(DIGEST, values, mail.recipient, mail.message_id)
        return _message_of_one(told[0], mail)


def _message_of_one(told: Told, mail: Mail) -> EmailMultiAlternatives:
    values = _values(told.fact)
    files = brought(told.kind.attachments(values)) if told.kind.attachments else Brought()
    values |= {
        "attached": [each.name for each in files.attached],
        "too_large": [each.name for each in files.too_large],
    }
    message = _message(told.kind.template, values, mail.recipient, mail.message_id)
    for attachment, content in files.attached.items():
        attach(message, attachment, content)
    return message


def written_test(recipient: User, message_id: str) -> EmailMultiAlternatives:
    with _as_read_by(recipient):
        return _message(TEST, {"told_at": timezone.now()}, recipient, message_id)


def zone_of(user: User) -> ZoneInfo:
    return ZoneInfo(user.time_zone or settings.TIME_ZONE)


@contextmanager
def _as_read_by(user: User) -> Iterator[None]:
    """In the recipient's time zone and the installation's language."""
    with timezone.override(zone_of(user)), translation.override(settings.LANGUAGE_CODE):
        yield


def _sections(told: Sequence[Told]) -> Iterator[Section]:
    ordered = sorted(told, key=lambda each: (each.kind.key, each.fact.told_at))
    for kind, group in groupby(ordered, key=lambda each: each.kind):
        lines = [
            Line(_subject(kind.template, _values(each.fact)), _url(each.fact.path), each.fact)
            for each in group
        ]
        yield Section(kind, lines)


def _values(fact: Fact) -> dict[str, Any]:
    context: Mapping[str, Any] = unpacked(fact.context or {})
    return {**context, "url": _url(fact.path), "told_at": fact.told_at}


def _message(
    template: str, values: Mapping[str, Any], recipient: User, message_id: str
) -> EmailMultiAlternatives:
    values = {
        **values,
        "recipient": recipient,
        "base_url": _url(""),
        "preferences_url": _url(reverse("notifications:preferences")),
    }
    subject = _subject(template, values)
    values["subject"] = subject
    message = EmailMultiAlternatives(
        subject=subject,
        body=_plain(f"{template}.txt", values),
        from_email=settings.CONFIGURATION.email_from,
        to=[recipient.email],
        headers={"Message-ID": message_id, "Auto-Submitted": "auto-generated"},
    )
    message.attach_alternative(_inliner().inline(_rendered(f"{template}.html", values)), "text/html")
    return message


def _url(path: str) -> str:
    base: str = settings.CONFIGURATION.base_url
    return f"{base}{path}"


def _subject(template: str, values: Mapping[str, Any]) -> str:
    """One line, whatever the values hold."""
    words = " ".join(_rendered(f"{template}_subject.txt", values, escape=False).split())
    return words if len(words) <= LONGEST_SUBJECT else words[: LONGEST_SUBJECT - 1] + "…"


def _plain(template: str, values: Mapping[str, Any]) -> str:
    text = _rendered(template, values, escape=False).strip()
    return re.sub(r"\n{3,}", "\n\n", text) + "\n"


def _rendered(name: str, values: Mapping[str, Any], *, escape: bool = True) -> str:
    template = get_template(name).template  # type: ignore[attr-defined] # Django's own, behind the backend's wrapper
    return str(template.render(Context(dict(values), autoescape=escape)))


@cache
def _inliner() -> CSSInliner:
    return CSSInliner(extra_css=STYLES.read_text(), load_remote_stylesheets=False)
