"""What can be asked about the change sets of syncs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Field, Model, Q, QuerySet
from django.utils import formats, timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from homeroom.accounts.policy import Permission, Viewer
from homeroom.applesync.models import AppleDevice, Replacement, RunChange, SyncRun
from homeroom.applesync.pipeline import plan
from homeroom.insurance.models import InsuranceRecord
from homeroom.inventory.models import Device
from homeroom.inventory.queries import visible_devices

Noun = RunChange.Noun
Action = RunChange.Action

COUNTED = (
    (Noun.APPLE_DEVICE, Action.CREATED, "created"),
    (Noun.APPLE_DEVICE, Action.UPDATED, "updated"),
    (Noun.APPLE_DEVICE, Action.LINKED, "linked"),
    (Noun.APPLE_DEVICE, Action.UNLINKED, "unlinked"),
    (Noun.APPLE_DEVICE, Action.GONE, "gone"),
    (Noun.INSURANCE, Action.CREATED, "insurance_created"),
    (Noun.INSURANCE, Action.UPDATED, "insurance_updated"),
    (Noun.INSURANCE, Action.ENDED, "insurance_ended"),
    (Noun.REPLACEMENT, Action.REPLACED, "replacements_applied"),
)
"""The kinds of change, each with the field of the run that counts it."""

MODELS: Mapping[str, type[Model]] = {
    Noun.APPLE_DEVICE: AppleDevice,
    Noun.INSURANCE: InsuranceRecord,
    Noun.REPLACEMENT: Replacement,
}
COLUMNS_OF_ATTRIBUTES = {
    "deviceModel": "device_model",
    "productFamily": "product_family",
    "productType": "product_type",
    "deviceCapacity": "capacity",
    "color": "color",
    "partNumber": "part_number",
    "orderNumber": "order_number",
    "orderDateTime": "ordered_at",
    "status": "status",
    "purchaseSourceType": "purchase_source_type",
    "addedToOrgDateTime": "added_at",
    "updatedDateTime": "updated_at",
    "releasedFromOrgDateTime": "released_at",
}
"""Apple's attributes that the mirror has a column for, whose name is what people read."""


@dataclass(frozen=True, slots=True)
class ChangeKind:
    """A kind of change and how many records of a run it concerns; `planned` ones wait for a decision."""

    noun: RunChange.Noun
    action: RunChange.Action
    times: int
    planned: int

    @property
    def key(self) -> str:
        return f"{self.noun.value}:{self.action.value}"

    @property
    def label(self) -> str:
        return _("%(record)s: %(change)s") % {"record": self.noun.label, "change": self.action.label.lower()}


@dataclass(frozen=True, slots=True)
class ValueChange:
    """One value of a changed record, in words."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What a held run waits for: how many devices it would end, release or replace something of, of how many."""

    touched: int
    known: int


def all_changes(viewer: Viewer) -> QuerySet[RunChange]:
    """Every entry of every run that the viewer may see."""
    if not viewer.may(Permission.VIEW_SYNC):
        return RunChange.objects.none()
    entries = RunChange.objects.select_related("device")
    return entries if viewer.site_ids is None else entries.filter(device__in=visible_devices(viewer))


def changes(viewer: Viewer, run: SyncRun, *, kind: str = "", text: str = "") -> QuerySet[RunChange]:
    """The change set of a run: of one kind (`noun:action`), of one device by its serial number or asset tag."""
    entries = all_changes(viewer).filter(run=run)
    noun, _colon, action = kind.partition(":")
    if noun in Noun.values and action in Action.values:
        entries = entries.filter(_of_kind(noun, action))
    if text:
        device = device_called(viewer, text)
        entries = entries.filter(device=device) if device else entries.filter(serial_number=text.upper())
    return entries


def _of_kind(noun: str, action: str) -> Q:
    """A device that is new at Apple and in the inventory counts as matched, too."""
    if (noun, action) == (Noun.APPLE_DEVICE, Action.LINKED):
        return Q(noun=noun, action__in=[Action.LINKED, Action.CREATED], device__isnull=False)
    return Q(noun=noun, action=action)


def changes_of_device(viewer: Viewer, device: Device) -> QuerySet[RunChange]:
    """What syncs changed about a device, the latest first; previews changed nothing."""
    entries = all_changes(viewer).filter(device=device, run__preview=False)
    return entries.select_related("run").order_by("-pk")


def device_called(viewer: Viewer, text: str) -> Device | None:
    devices = visible_devices(viewer)
    return (
        devices.filter(serial_number__iexact=text).first() or devices.filter(asset_tag__iexact=text).first()
    )


def change_kinds(run: SyncRun) -> list[ChangeKind]:
    """The kinds of change that occur in a run, from its own counts."""
    waiting = {} if run.preview else _waiting(run)
    kinds = [
        ChangeKind(noun, action, getattr(run, field), waiting.get((noun, action), 0))
        for noun, action, field in COUNTED
    ]
    if run.replacements_to_review:
        kinds.append(_suggested(run))
    return [kind for kind in kinds if kind.times or kind.planned]


def _suggested(run: SyncRun) -> ChangeKind:
    """Counted by its entries: the run counts what waits for a person, also since earlier ones."""
    times = run.changes.filter(noun=Noun.REPLACEMENT, action=Action.SUGGESTED).count()
    return ChangeKind(Noun.REPLACEMENT, Action.SUGGESTED, times, 0)


def decision(run: SyncRun) -> Decision:
    return Decision(plan.devices_touched(run), plan.devices_known(run))


def values(change: RunChange) -> Iterator[ValueChange]:
    """What differs, value by value, under the names that people read."""
    before, after = change.before or {}, change.after or {}
    for name in after:
        yield _value(change, name, before.get(name), after[name])


def row(change: RunChange) -> dict[str, object]:
    """An entry as the API and exports show it."""
    return {
        "run": change.run_id,
        "record": change.noun,
        "change": change.action,
        "state": change.state,
        "serial_number": change.serial_number,
        "coverage_id": change.coverage_id,
        "before": change.before,
        "after": change.after,
    }


def _waiting(run: SyncRun) -> Mapping[tuple[str, str], int]:
    found = plan.waiting(run).order_by().values_list("noun", "action").annotate(times=Count("pk"))
    return {(noun, action): times for noun, action, times in found}


def _field(change: RunChange, name: str) -> Field[Any, Any] | None:
    model = MODELS[change.noun]
    column = COLUMNS_OF_ATTRIBUTES.get(name, name)
    return next((field for field in model._meta.concrete_fields if field.name == column), None)


def _value(change: RunChange, name: str, before: Any, after: Any) -> ValueChange:
    field = _field(change, name)
    words = dict(field.flatchoices) if field else {}
    label = str(field.verbose_name) if field else name
    return ValueChange(capfirst(label), *(_shown(words.get(value, value)) for value in (before, after)))


def _shown(value: Any) -> str:
    """A value of JSON as people write it: times in their zone, days without one."""
    match value:
        case None | "" | [] | {}:
            return ""
        case bool():
            return _("yes") if value else _("no")
        case str():
            return _shown_text(value)
        case list():
            return ", ".join(map(_shown, value))
        case _:
            return str(value)


def _shown_text(text: str) -> str:
    try:
        if day := parse_date(text):
            return formats.date_format(day, "SHORT_DATE_FORMAT")
        if moment := parse_datetime(text):
            return formats.date_format(_local(moment), "SHORT_DATETIME_FORMAT")
    except ValueError:
        pass
    return text


def _local(moment: datetime) -> datetime:
    return timezone.localtime(moment) if timezone.is_aware(moment) else moment
