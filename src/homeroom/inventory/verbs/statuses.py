"""Device statuses: the district's own, and those that belong to an integration."""

from itertools import chain, count
from typing import TypeVar

from django.db import models, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from homeroom.audit.actors import Actor
from homeroom.audit.verbs import record
from homeroom.inventory.models import Device, DeviceStatus
from homeroom.inventory.system_statuses import GuardedStatus, SystemStatusIsFixed
from homeroom.rows import refresh_statistics
from homeroom.web.errors import Refused

Status = TypeVar("Status", bound=GuardedStatus)

DEFAULT_STATUS = "In service"
DEFAULT_STATUSES = {
    DEFAULT_STATUS: DeviceStatus.Kind.IN_SERVICE,
    "In storage": DeviceStatus.Kind.IN_STORAGE,
    "In repair": DeviceStatus.Kind.IN_REPAIR,
    "Lost": DeviceStatus.Kind.LOST,
    "Retired": DeviceStatus.Kind.RETIRED,
}
SYSTEM_KINDS = {DeviceStatus.SystemKey.REPLACED_BY_APPLECARE: DeviceStatus.Kind.RETIRED}


@transaction.atomic
def add_default_statuses() -> None:
    """Give an empty installation its first statuses; an installation that has any keeps what it has."""
    if not DeviceStatus.objects.exists():
        DeviceStatus.objects.bulk_create(
            DeviceStatus(name=name, kind=kind) for name, kind in DEFAULT_STATUSES.items()
        )
    refresh_statistics(DeviceStatus)  # too few for PostgreSQL to count them by itself, and always joined


def default_status() -> DeviceStatus:
    """The status of a device that comes without one: *In service*, or the oldest status of that kind."""
    in_service = DeviceStatus.objects.district_own().filter(kind=DeviceStatus.Kind.IN_SERVICE)
    status = in_service.filter(name=DEFAULT_STATUS).first() or in_service.order_by("pk").first()
    return status or DeviceStatus.objects.create(name=DEFAULT_STATUS, kind=DeviceStatus.Kind.IN_SERVICE)


@transaction.atomic
def ensure_system_statuses(*, actor: Actor) -> None:
    """Create the statuses that the integration sets, where they are missing."""
    present = set(DeviceStatus.objects.filter(system_key__isnull=False).values_list("system_key", flat=True))
    for key, kind in SYSTEM_KINDS.items():
        if key not in present:
            name = system_name(key)
            make_room_for(name, DeviceStatus, actor=actor)
            status = DeviceStatus.objects.create(name=name, kind=kind, system_key=key)
            record(actor, "device_status.created", status, after={"name": name, "kind": kind})


@transaction.atomic
def create_status(*, name: str, kind: str, actor: Actor) -> DeviceStatus:
    status = DeviceStatus(name=free_name(name, DeviceStatus), kind=kind)
    status.save()
    record(actor, "device_status.created", status, after={"name": status.name, "kind": kind})
    return status


@transaction.atomic
def rename_status(status: DeviceStatus, *, name: str, kind: str | None = None, actor: Actor) -> DeviceStatus:
    """Rename a status of the district's own, and change its kind where one is given."""
    status = as_stored(status)
    refuse_system(status)
    before = {"name": status.name, "kind": status.kind}
    status.name = free_name(name, DeviceStatus, but=status)
    status.kind = kind or status.kind
    after = {"name": status.name, "kind": status.kind}
    if before != after:
        status.save()
        record(actor, "device_status.updated", status, before=before, after=after)
    return status


@transaction.atomic
def delete_status(status: DeviceStatus, *, actor: Actor) -> None:
    """Delete a status that no device has. The last one *in service* stays: new devices need it."""
    status = as_stored(status)
    refuse_system(status)
    if Device.objects.filter(status=status).exists():
        raise Refused(
            _("Devices have the status “%(name)s”. Give them another status first.") % {"name": status}
        )
    others = (
        DeviceStatus.objects.district_own().filter(kind=DeviceStatus.Kind.IN_SERVICE).exclude(pk=status.pk)
    )
    if status.kind == DeviceStatus.Kind.IN_SERVICE and not others.exists():
        raise Refused(_("This is the last status of the kind “In service”; new devices need one."))
    record(actor, "device_status.deleted", status, before={"name": status.name, "kind": status.kind})
    status.delete()


def system_name(key: models.TextChoices) -> str:
    """The name that a system status has in every language: the commands call it by this name."""
    with translation.override("en"):
        return str(key.label)


def as_stored(status: Status) -> Status:
    """As it stands now, and nobody else's to change until the end of the transaction."""
    stored: Status | None = models.QuerySet(type(status)).select_for_update().filter(pk=status.pk).first()
    if stored is None:
        raise Refused(_("Somebody has deleted the status “%(name)s” meanwhile.") % {"name": status.name})
    return stored


def refuse_system(status: GuardedStatus) -> None:
    if status.is_system:
        raise SystemStatusIsFixed


def free_name(name: str, statuses: type[GuardedStatus], *, but: GuardedStatus | None = None) -> str:
    """The name without surrounding white space; refused where it is empty or another status has it."""
    name = name.strip()
    if not name:
        raise Refused(_("A status needs a name."), field="name")
    if statuses.objects.filter(name__iexact=name).exclude(pk=but.pk if but else None).exists():
        raise Refused(_("There is a status “%(name)s” already.") % {"name": name}, field="name")
    return name


def make_room_for(name: str, statuses: type[GuardedStatus], *, actor: Actor) -> None:
    """Rename the district's own status that has the name of a system status.

    It is never turned into the system status: what people chose by hand must not read as what Apple did.
    """
    taken = set(statuses.objects.values_list("name", flat=True))
    for own in statuses.objects.district_own().filter(name__iexact=name):
        old_name = own.name
        spellings = chain([f"{name} (own)"], (f"{name} (own {number})" for number in count(2)))
        own.name = next(spelling for spelling in spellings if spelling not in taken)
        own.save()
        taken.add(own.name)
        record(actor, f"{statuses.NOUN}.updated", own, before={"name": old_name}, after={"name": own.name})
