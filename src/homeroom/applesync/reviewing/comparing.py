"""An original at Apple and a new device side by side, fact by fact."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from homeroom.applesync.models import AppleDevice
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
    typed = incident.device.model if incident else ""
    yield _fact(
        _("Model"), (original.device_model if original else "") or typed, _of(candidate, "device_model")
    )
    yield _fact(_("Capacity"), _capacity(original), _capacity(candidate))
    yield _fact(_("Color"), _of(original, "color").title(), _of(candidate, "color").title())
    yield _part(_of(original, "part_number"), _of(candidate, "part_number"))


def _circumstances(incident: Incident | None, candidate: AppleDevice | None) -> Iterator[Fact]:
    repair = incident.repair_number if incident else ""
    order = _of(candidate, "order_number")
    same = repair == order if repair and order else None
    yield Fact(_("Repair and order number"), repair, order, same or None, mono=True)
    appeared = (candidate.added_at or candidate.first_seen_at) if candidate else None
    sent = incident.shipped_at if incident else None
    yield Fact(_("Shipped, and appeared"), _moment(sent), _moment(appeared))
    if incident:
        yield Fact(_("Person"), str(incident.person or ""), "")
        yield Fact(_("Site"), str(incident.device.site), "")


def _fact(name: str, original: str, replacement: str) -> Fact:
    known = bool(original and replacement)
    return Fact(name, original, replacement, original.casefold() == replacement.casefold() if known else None)


def _part(original: str, replacement: str) -> Fact:
    """The first letter only tells how a unit was sold; other parts mean nothing by themselves."""
    known = bool(original and replacement)
    same = original[1:] == replacement[1:] if known else None
    return Fact(_("Part number"), original, replacement, same or None, mono=True)


def _of(row: AppleDevice | None, name: str) -> str:
    return str(getattr(row, name) or "") if row else ""


def _capacity(row: AppleDevice | None) -> str:
    return str(row.attributes.get("deviceCapacity") or "") if row else ""


def _moment(moment: datetime | None) -> str:
    return date_format(timezone.localtime(moment), "SHORT_DATETIME_FORMAT") if moment else ""
