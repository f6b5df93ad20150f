"""An original at Apple and a new device side by side, fact by fact."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from homeroom.applesync.models import AppleDevice
from homeroom.applesync.replacements.facts import Look
from homeroom.applesync.replacements.queries import unit_of
from homeroom.incidents.models import Incident


@dataclass(frozen=True, slots=True)
class Fact:
    """`same` is None where one side does not know it, or the two are not to be compared."""

    name: str
    original: str
    replacement: str
    same: bool | None = None
    mono: bool = False

    @property
    def differs(self) -> bool:
        return self.same is False


def compared(incident: Incident | None, candidate: AppleDevice | None) -> Sequence[Fact]:
    """What is known of neither side is left out."""
    original = getattr(incident.device, "apple_device", None) if incident else None
    facts = (*_descriptions(incident, original, candidate), *_circumstances(incident, candidate))
    return [fact for fact in facts if fact.original or fact.replacement]


def _descriptions(
    incident: Incident | None, original: AppleDevice | None, candidate: AppleDevice | None
) -> Iterator[Fact]:
    """What makes two units alike is the matching's to say."""
    typed = incident.device.model if incident else ""
    old, new = (unit_of(row).look if row else Look() for row in (original, candidate))
    yield Fact(_("Model"), old.name or typed, new.name, old.has_model_of(new))
    yield Fact(_("Capacity"), _capacity(original), _capacity(candidate), old.has_capacity_of(new))
    yield Fact(_("Color"), _color(old), _color(new), old.has_color_of(new))
    part = old.has_part_of(new) or None  # other parts mean nothing by themselves
    yield Fact(_("Part number"), old.part_number, new.part_number, part, mono=True)


def _circumstances(incident: Incident | None, candidate: AppleDevice | None) -> Iterator[Fact]:
    repair = incident.repair_number if incident else ""
    order = candidate.order_number if candidate else ""
    same = repair == order if repair and order else None
    yield Fact(_("Repair and order number"), repair, order, same or None, mono=True)
    appeared = (candidate.added_at or candidate.first_seen_at) if candidate else None
    sent = incident.shipped_at if incident else None
    yield Fact(_("Shipped, and appeared"), _moment(sent), _moment(appeared))
    if incident:
        yield Fact(_("Person"), str(incident.person or ""), "")
        yield Fact(_("Site"), str(incident.device.site), "")


def _capacity(row: AppleDevice | None) -> str:
    return str(row.attributes.get("deviceCapacity") or "") if row else ""


def _color(look: Look) -> str:
    return look.color.replace("_", " ").title()


def _moment(moment: datetime | None) -> str:
    return date_format(timezone.localtime(moment), "SHORT_DATETIME_FORMAT") if moment else ""
