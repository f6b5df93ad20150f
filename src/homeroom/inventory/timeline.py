"""What happened to a device, in words, from the audit trail."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.utils.functional import Promise
from django.utils.text import capfirst
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
}
MOST_ENTRIES = 30


@dataclass(frozen=True, slots=True)
class ValueChange:
    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Happening:
    at: datetime
    actor: str
    sentence: str
    changes: tuple[ValueChange, ...]


def register_sentence(action: str, sentence: str | Promise) -> None:
    """How a higher app's action about a device reads; called in `AppConfig.ready()`."""
    SENTENCES[action] = sentence


def timeline(device: Device) -> list[Happening]:
    """The latest entries about the device, newest first, and how it came. Takes no viewer: they see the device."""
    about = Entry.objects.filter(object_type=Device._meta.label_lower, object_id=str(device.pk))
    entries = list(about.select_related("personal")[:MOST_ENTRIES])
    happenings = [_happening(entry) for entry in entries]
    if len(entries) < MOST_ENTRIES and all(entry.action != "device.created" for entry in entries):
        happenings.append(_came_with_others(device))
    return happenings


def _came_with_others(device: Device) -> Happening:
    """Of many that come at once, the audit trail has one entry; an import is known by its moment."""
    job = ImportJob.objects.filter(noun=Noun.DEVICES, finished_at=device.created_at).first()
    if job is None:
        return Happening(device.created_at, "", str(SENTENCES["device.created"]), ())
    sentence = translated("Added by the import of %(file)s") % {"file": job.file_name}
    return Happening(device.created_at, job.requested_by_label, sentence, ())


def _happening(entry: Entry) -> Happening:
    personal: PersonalValues | None = getattr(entry, "personal", None)
    people = {
        "person": _person(entry.after, personal.after if personal else None),
        "former": _person(entry.before, personal.before if personal else None),
    }
    sentence = str(SENTENCES.get(entry.action) or _in_plain_words(entry.action)) % people
    changes = () if "person" in (entry.after or {}) or entry.before is None else _changes(entry)
    return Happening(entry.at, entry.actor_label, sentence, changes)


def _person(values: Mapping[str, Any] | None, personal: Mapping[str, Any] | None) -> str:
    """The name, or once that is erased the external ID."""
    return str((personal or {}).get("name") or (values or {}).get("person", ""))


def _in_plain_words(action: str) -> str:
    return capfirst(action.partition(".")[2].replace("_", " ")).replace("%", "%%")


def _changes(entry: Entry) -> tuple[ValueChange, ...]:
    before: Mapping[str, Any] = entry.before or {}
    after: Mapping[str, Any] = entry.after or {}
    return tuple(
        ValueChange(_field_name(name), _text(before.get(name)), _text(value)) for name, value in after.items()
    )


def _field_name(name: str) -> str:
    try:
        field = Device._meta.get_field(name)
    except FieldDoesNotExist:
        return capfirst(name.replace("_", " "))
    return capfirst(str(getattr(field, "verbose_name", name)))


def _text(value: Any) -> str:
    return "" if value is None else str(value)
