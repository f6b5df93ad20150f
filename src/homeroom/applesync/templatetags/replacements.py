"""How a chain of replacements is drawn, and what was done about one."""

from collections.abc import Mapping, Sequence

from django import template
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from homeroom.applesync.models import Replacement
from homeroom.audit.models import Entry
from homeroom.inventory.models import Device

register = template.Library()

SENTENCES = {
    "replacement.applied": _("Applied"),
    "replacement.dismissed": _("Dismissed"),
    "replacement.not_ours": _("Said to replace none of ours"),
    "replacement.undone": _("Undone"),
    "replacement.received": _("Received"),
}


@register.filter
def serials_of_chain(chain: Sequence[Replacement]) -> list[str]:
    """The first original, and what replaced it, one after the other."""
    return [chain[0].original_serial, *(each.replacement_serial for each in chain)] if chain else []


@register.filter
def of_serial(devices: Mapping[str, Device], serial_number: str) -> Device | None:
    return devices.get(serial_number)


@register.filter
def in_words(entry: Entry) -> str:
    known = SENTENCES.get(entry.action)
    return str(known) if known else capfirst(entry.action.partition(".")[2].replace("_", " "))
