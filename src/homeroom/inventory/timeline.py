"""What happened to a device, or to another thing of a higher app, in words, from the audit trail."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.formats import localize
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.timezone import localtime
from django.utils.translation import gettext as translated
from django.utils.translation import gettext_lazy as _

from homeroom.audit.models import Entry, PersonalValues
from homeroom.inventory.imports.models import ImportJob, Noun
from homeroom.inventory.models import Device

SENTENCES: dict[str, str | Promise] = {
    "device.created": _("Added to the inventory"),
    "device.updated": _("Changed"),
    "device.status_set": _("Status changed"),
    "device.checked_out": _("Checked out to %(person)s"),
    "device.checked_in": _("Checked in from %(person)s"),
    "device.transferred": _("Transferred from %(former)s to %(person)s"),
    "device.lent": _("Lent to %(person)s"),
    "device.assignment_restored": _("With %(person)s again, as before"),
}
VALUE_NAMES: dict[str, Promise] = {"reason": _("reason"), "overridden": _("overridden")}
"""Of what entries tell besides the values of fields."""
MOST_ENTRIES = 30


@dataclass(frozen=True, slots=True)
class ValueChange:
    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Happening:
    """`told` is what the entry holds, by which a higher app finds the part of the subject that it is about."""

    at: datetime
    actor: str
    sentence: str
    changes: tuple[ValueChange, ...]
    action: str = ""
    told: Mapping[str, Any] = field(default_factory=dict)


_elsewhere: list[Callable[[Device], Iterable[Happening]]] = []


def register_happenings(elsewhere: Callable[[Device], Iterable[Happening]]) -> None:
    """What befell a device together with others, for which the audit trail has one entry that is not about it alone.

    Called in `AppConfig.ready()`.
    """
    _elsewhere.append(elsewhere)


def register_sentence(action: str, sentence: str | Promise) -> None:
    """How a higher app's action reads; called in `AppConfig.ready()`."""
    SENTENCES[action] = sentence


def timeline(device: Device) -> list[Happening]:
    """The latest entries about the device, newest first, and how it came. Takes no viewer: they see the device."""
    told = happenings(device, most=MOST_ENTRIES)
    with_others = [happening for elsewhere in _elsewhere for happening in elsewhere(device)]
    told = sorted([*told, *with_others], key=lambda each: each.at, reverse=True)[:MOST_ENTRIES]
    if len(told) < MOST_ENTRIES and all(each.action != "device.created" for each in told):
        told.append(_came_with_others(device))
    return told


def _came_with_others(device: Device) -> Happening:
    """Of many that come at once, the audit trail has one entry; an import is known by its moment."""
    job = ImportJob.objects.filter(noun=Noun.DEVICES, finished_at=device.created_at).first()
    if job is None:
        return Happening(device.created_at, "", str(SENTENCES["device.created"]), ())
    sentence = translated("Added by the import of %(file)s") % {"file": job.file_name}
    return Happening(device.created_at, job.requested_by_label, sentence, ())


def happenings(subject: models.Model, *, most: int | None = None) -> list[Happening]:
    """The entries about anything that is in the audit trail, newest first; the latest only, where `most` is given."""
    entries = Entry.objects.filter(object_type=subject._meta.label_lower, object_id=str(subject.pk))
    return [_happening(entry, type(subject)) for entry in entries.select_related("personal")[:most]]


def _happening(entry: Entry, kind: type[models.Model]) -> Happening:
    personal: PersonalValues | None = getattr(entry, "personal", None)
    people = {
        "person": _person(entry.after, personal.after if personal else None),
        "former": _person(entry.before, personal.before if personal else None),
    }
    sentence = str(SENTENCES.get(entry.action) or _in_plain_words(entry.action)) % people
    changes = () if "person" in (entry.after or {}) or entry.before is None else _changes(entry, kind)
    told = (entry.before or {}) | (entry.after or {})
    return Happening(entry.at, entry.actor_label, sentence, changes, entry.action, told)


def _person(values: Mapping[str, Any] | None, personal: Mapping[str, Any] | None) -> str:
    """The name, or once that is erased the external ID."""
    return str((personal or {}).get("name") or (values or {}).get("person", ""))


def _in_plain_words(action: str) -> str:
    return capfirst(action.partition(".")[2].replace("_", " ")).replace("%", "%%")


def _changes(entry: Entry, kind: type[models.Model]) -> tuple[ValueChange, ...]:
    before: Mapping[str, Any] = entry.before or {}
    after: Mapping[str, Any] = entry.after or {}
    return tuple(_change(kind, name, before.get(name), value) for name, value in after.items())


def _change(kind: type[models.Model], name: str, before: Any, after: Any) -> ValueChange:
    try:
        stored = kind._meta.get_field(name)
    except FieldDoesNotExist:
        label = str(VALUE_NAMES.get(name) or name.replace("_", " "))
        return ValueChange(capfirst(label), _text(before), _text(after))
    label = str(getattr(stored, "verbose_name", name))
    return ValueChange(capfirst(label), _value_of(stored, before), _value_of(stored, after))


def _value_of(stored: Any, value: Any) -> str:
    """As the field would show it: the trail holds plain JSON."""
    match stored, value:
        case _, None | "":
            return ""
        case models.DateTimeField(), str():
            moment = parse_datetime(value)
            return str(localize(localtime(moment))) if moment else value
        case models.DateField(), str():
            return str(localize(parse_date(value) or value))
        case models.Field(choices=list() | tuple() as choices), _ if choices:
            return str(dict(stored.flatchoices).get(value, value))
        case _:
            return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(str(part) for part in value)
    return "" if value is None else str(value)
