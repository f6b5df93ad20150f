"""How far an applied replacement has been received: in the inventory, tagged, with its person, its incident closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db.models import Q
from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from homeroom.accounts.policy import Viewer
from homeroom.applesync.models import AppleDevice, Replacement
from homeroom.applesync.queries.replacements import candidates, replacements, suggestions
from homeroom.applesync.verbs.reconciliation import values_of
from homeroom.inventory.models import Assignment, Device, Person
from homeroom.inventory.queries import DeviceElsewhere, device_elsewhere, device_scanned
from homeroom.inventory.verbs.statuses import default_status

BARCODE_PREFIX = "S"
"""Barcodes of serial numbers on Apple's boxes carry it in front."""


class Task(StrEnum):
    TAG = "tag"
    ASSIGN = "assign"
    CLOSE = "close"
    TAKE_BACK = "take_back"


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the checklist. What is neither done nor left can't be done, and `sentence` says why."""

    task: Task
    sentence: str
    done: bool = False
    left: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiving:
    """`device` is the replacement in the inventory, once it is there; `person` had the original."""

    replacement: Replacement
    device: Device | None
    holders: Sequence[Assignment]
    """Who has had it, the latest first."""
    person: Person | None
    kind: str
    """As what the person had the original."""
    loans: Sequence[Assignment]
    """What the person has, or had since the incident was opened, as a loaner."""

    @property
    def out_on_loan(self) -> Sequence[Assignment]:
        return [loan for loan in self.loans if loan.ended_at is None]

    @property
    def steps(self) -> tuple[Step, ...]:
        steps = (self._tag(), self._assign(), self._close(), self._take_back())
        return tuple(step for step in steps if step)

    @property
    def left(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.left)

    @property
    def settled(self) -> tuple[Step, ...]:
        """What is done, or can't be."""
        return tuple(step for step in self.steps if not step.left)

    def _tag(self) -> Step:
        if self.device is None:
            return Step(Task.TAG, _("Add it to the inventory, with its asset tag"), left=True)
        if not self.device.asset_tag:
            return Step(Task.TAG, _("Give it its asset tag"), left=True)
        return Step(
            Task.TAG,
            _("In the inventory, with asset tag %(tag)s") % {"tag": self.device.asset_tag},
            done=True,
        )

    def _assign(self) -> Step:
        if self.holders:
            return Step(
                Task.ASSIGN, _("Assigned to %(person)s") % {"person": self.holders[0].person}, done=True
            )
        if self.person is None:
            return Step(Task.ASSIGN, _("Nobody had the original, so it is nobody's"))
        if not self.person.active:
            return Step(
                Task.ASSIGN, _("%(person)s had the original and is not active now") % {"person": self.person}
            )
        return Step(
            Task.ASSIGN,
            _("Assign it to %(person)s, who had the original") % {"person": self.person},
            left=True,
        )

    def _close(self) -> Step | None:
        incident = self.replacement.incident
        if incident is None:
            return None
        if incident.is_open:
            return Step(
                Task.CLOSE, _("Close incident %(incident)s as replaced") % {"incident": incident}, left=True
            )
        return Step(Task.CLOSE, _("Incident %(incident)s is closed") % {"incident": incident}, done=True)

    def _take_back(self) -> Step | None:
        """None where there never was a loaner."""
        if out := self.out_on_loan:
            told = {
                "person": self.person,
                "devices": get_text_list([str(loan.device) for loan in out], _("and")),
            }
            return Step(
                Task.TAKE_BACK, _("Take the loaner %(devices)s back from %(person)s") % told, left=True
            )
        if self.loans:
            return Step(Task.TAKE_BACK, _("The loaner is back"), done=True)
        return None


def receiving(replacement: Replacement) -> Receiving:
    """Takes no viewer: they see the replacement."""
    device = device_with(replacement.replacement_serial)
    holders = device.assignments.select_related("person").order_by("-started_at", "-pk")[:1] if device else ()
    person, kind = _holder_of_original(replacement)
    return Receiving(
        replacement=replacement,
        device=device,
        holders=list(holders),
        person=person,
        kind=kind,
        loans=_loans(replacement, person),
    )


def device_with(serial_number: str) -> Device | None:
    """Of whichever site: whoever may receive the replacement receives it."""
    return Device.objects.filter(serial_number=serial_number).select_related("site", "status").first()


def mirrored(replacement: Replacement) -> AppleDevice | None:
    """The replacement as Apple lists it."""
    rows = AppleDevice.objects.select_related("connection").defer("connection__private_key")
    return rows.filter(
        connection=replacement.connection_id, serial_number=replacement.replacement_serial
    ).first()


def inventory_values(replacement: Replacement) -> dict[str, Any]:
    """How the form is filled in: what Apple says of the replacement; site and funding of the original."""
    apple = mirrored(replacement)
    original = replacement.incident.device if replacement.incident else None
    values: dict[str, Any] = {"serial_number": replacement.replacement_serial, "status": default_status()}
    if original:
        values |= {
            "manufacturer": original.manufacturer,
            "model": original.model,
            "product_family": original.product_family,
            "site": original.site,
            "funding_source": original.funding_source,
        }
    return values | ({name: value for name, value in values_of(apple).items() if value} if apple else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What a serial number from a box means here; where nothing is set, nobody knows it yet."""

    replacement: Replacement | None = None
    candidate: AppleDevice | None = None
    device_id: int | None = None
    elsewhere: DeviceElsewhere | None = None
    """The original that it replaces, of a site that the viewer doesn't see."""


def scanned(viewer: Viewer, text: str) -> Scanned:
    """An applied or suggested replacement before everything else; then a device that was in the inventory anyway."""
    spellings = _spellings(text)
    applied = Replacement.objects.filter(
        state=Replacement.State.APPLIED, replacement_serial__in=spellings
    ).select_related("incident")
    for replacement in sorted(applied, key=lambda each: spellings.index(each.replacement_serial)):
        if replacements(viewer).filter(pk=replacement.pk).exists():
            return Scanned(replacement=replacement)
        if replacement.incident:
            return Scanned(elsewhere=device_elsewhere(replacement.incident.device_id))
    rows = candidates(viewer).filter(
        serial_number__in=spellings, connection__active=True, gone_since__isnull=True
    )
    found = sorted(rows, key=lambda row: spellings.index(row.serial_number))
    suggested = suggestions(viewer).filter(replacement_serial__in=spellings)
    if found and suggested.exists():
        return Scanned(candidate=found[0])
    for spelling in spellings:
        if pk := device_scanned(spelling):
            return Scanned(device_id=pk)
    return Scanned(candidate=found[0]) if found else Scanned()


def _spellings(text: str) -> list[str]:
    typed = text.replace("\0", "").strip()
    found = [typed, typed.upper()]
    if typed.upper().startswith(BARCODE_PREFIX):
        found.append(typed.upper().removeprefix(BARCODE_PREFIX))
    return list(dict.fromkeys(filter(None, found)))


def _holder_of_original(replacement: Replacement) -> tuple[Person | None, str]:
    """Whoever had it when the replacement was applied, else when the incident was opened."""
    ended = (replacement.restores or {}).get("assignment")
    assignment = Assignment.objects.filter(pk=ended or 0).select_related("person__site").first()
    if assignment:
        return assignment.person, assignment.kind
    return (replacement.incident.person if replacement.incident else None), Assignment.Kind.PRIMARY


def _loans(replacement: Replacement, person: Person | None) -> Sequence[Assignment]:
    if person is None or replacement.incident is None:
        return ()
    lately = Q(ended_at__isnull=True) | Q(started_at__gte=replacement.incident.opened_at)
    loans = person.assignments.filter(lately, kind=Assignment.Kind.LOANER)
    others = loans.exclude(device__serial_number=replacement.replacement_serial)
    return list(others.select_related("device").order_by("pk"))
