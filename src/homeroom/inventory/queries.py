"""What can be asked of the inventory. Every answer is cut to the sites that the viewer sees."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    FilteredRelation,
    IntegerField,
    Model,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    When,
)
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from homeroom.accounts.policy import Viewer
from homeroom.inventory.models import Assignment, Device, DeviceStatus, Person, Site
from homeroom.inventory.visibility import visible_to
from homeroom.inventory.words import DEVICES, MOST_FOUND, PEOPLE
from homeroom.web.searching import with_words, within

Row = TypeVar("Row", bound=Model)
FEW_KEYS = 1_000
"""That a statement may bring along for each of many words: SQLite takes some 30,000 values in all."""
CURRENT_KINDS = (DeviceStatus.Kind.IN_SERVICE, DeviceStatus.Kind.IN_STORAGE, DeviceStatus.Kind.IN_REPAIR)


@dataclass(frozen=True, slots=True)
class DeviceElsewhere:
    """All that somebody learns of a device of a site they don't see: enough to give it back."""

    asset_tag: str
    site: str
    contact_name: str
    contact_phone: str

    @property
    def whom_to_call(self) -> str:
        """A sentence, as far as a contact is known."""
        name, phone = self.contact_name, self.contact_phone
        if name and phone:
            return _("Call %(name)s, %(phone)s.") % {"name": name, "phone": phone}
        if name or phone:
            return _("Call %(whom)s.") % {"whom": name or phone}
        return _("No contact is entered for this site; ask your administrator.")


def visible_devices(viewer: Viewer) -> QuerySet[Device]:
    return Device.objects.filter(visible_to(viewer))


def of_visible_devices(rows: QuerySet[Row], viewer: Viewer) -> QuerySet[Row]:
    """Of few rows that have a `device`, those whose device the viewer sees.

    Each is looked up: a site's devices may be a hundred thousand, and a database would list them all first.
    """
    if viewer.site_ids is None:
        return rows
    return rows.filter(Exists(visible_devices(viewer).order_by().filter(pk=OuterRef("device"))))


def visible_people(viewer: Viewer) -> QuerySet[Person]:
    people = Person.objects.all()
    return people if viewer.site_ids is None else people.filter(site__in=viewer.site_ids)


def visible_sites(viewer: Viewer) -> QuerySet[Site]:
    sites = Site.objects.all()
    return sites if viewer.site_ids is None else sites.filter(pk__in=viewer.site_ids)


def current(devices: QuerySet[Device]) -> QuerySet[Device]:
    """Those that the district has: neither lost nor retired."""
    return devices.filter(status__kind__in=CURRENT_KINDS)


def statuses() -> QuerySet[DeviceStatus]:
    """Takes no viewer: a setting of the whole district."""
    return DeviceStatus.objects.all()


def choosable_statuses() -> QuerySet[DeviceStatus]:
    """What a person may set by hand."""
    return DeviceStatus.objects.filter(system_key__isnull=True)


def with_holder(devices: QuerySet[Device]) -> QuerySet[Device]:
    """Annotate each device with who has it now: `holder_id`, `holder_name`, `holder_external_id`."""
    return devices.annotate(
        open_assignment=FilteredRelation("assignments", condition=Q(assignments__ended_at__isnull=True)),
        holder_id=F("open_assignment__person_id"),
        holder_name=F("open_assignment__person__name"),
        holder_external_id=F("open_assignment__person__external_id"),
        holder_since=F("open_assignment__started_at"),
    )


def for_list(devices: QuerySet[Device]) -> QuerySet[Device]:
    """One query for a page of devices with site, status and holder. Count before: these joins cost."""
    return with_holder(devices).select_related("site", "status")


def devices_for_list(viewer: Viewer) -> QuerySet[Device]:
    return for_list(visible_devices(viewer))


def held(devices: QuerySet[Device]) -> QuerySet[Device]:
    """Those that somebody has now."""
    return devices.filter(Exists(_open_assignments_of(OuterRef("pk"))))


def not_held(devices: QuerySet[Device]) -> QuerySet[Device]:
    return devices.filter(~Exists(_open_assignments_of(OuterRef("pk"))))


def _open_assignments_of(device: OuterRef) -> QuerySet[Assignment]:
    return Assignment.objects.filter(device=device, ended_at__isnull=True)


def possible_loaners(viewer: Viewer, device: Device) -> QuerySet[Device]:
    """Devices that nobody has and that can be lent, those in storage first."""
    kinds = DeviceStatus.Kind
    able = visible_devices(viewer).filter(status__kind__in=(kinds.IN_STORAGE, kinds.IN_SERVICE))
    in_storage_first = Case(When(status__kind=kinds.IN_STORAGE, then=0), default=1)
    return (
        not_held(able)
        .exclude(pk=device.pk)
        .select_related("site", "status")
        .order_by(in_storage_first, "asset_tag", "pk")
    )


def people_for_list(viewer: Viewer) -> QuerySet[Person]:
    """One query for a page of people, with how many devices each has now."""
    now_with = Assignment.objects.filter(person=OuterRef("pk"), ended_at__isnull=True)
    return (
        visible_people(viewer)
        .select_related("site")
        .annotate(devices_held=_count_or_zero(now_with.order_by().values("person")))
    )


def sites_for_list(viewer: Viewer) -> QuerySet[Site]:
    """One query, with how many devices and people each site has."""
    devices = Device.objects.filter(site=OuterRef("pk")).order_by().values("site")
    people = Person.objects.filter(site=OuterRef("pk"), active=True).order_by().values("site")
    return visible_sites(viewer).annotate(
        devices_here=_count_or_zero(devices),
        people_here=_count_or_zero(people),
    )


def _count_or_zero(grouped: QuerySet[Any, Any]) -> Coalesce:
    counts = grouped.annotate(count=Count("pk")).values("count")
    return Coalesce(Subquery(counts, output_field=IntegerField()), 0)


def statuses_of_site(site: Site) -> QuerySet[DeviceStatus]:
    """The statuses of the site's devices, each with `devices_here`. Takes no viewer: they see the site."""
    return (
        DeviceStatus.objects.filter(devices__site=site)
        .annotate(devices_here=Count("devices"))
        .order_by("-devices_here", "name")
    )


def statuses_for_list() -> QuerySet[DeviceStatus]:
    """Takes no viewer: a setting of the whole district."""
    return DeviceStatus.objects.annotate(devices_here=Count("devices")).order_by("kind", "name")


def search_devices(devices: QuerySet[Device], text: str) -> QuerySet[Device]:
    """Every word must be found in the tag, serial number, name, model or in the person who has the device."""
    return with_words(devices, text, _device_has, known=_devices_with)


def search_people(people: QuerySet[Person], text: str) -> QuerySet[Person]:
    """Every word must be found in the name, external ID or email."""
    return with_words(people, text, _person_has, known=_people_with)


def _device_has(word: str) -> Q:
    people = _people_with(word)
    are_few = people is not None and len(people) <= FEW_KEYS
    of_person = Q(person__in=people) if are_few else _person_has(word, "person__")
    return _device_itself_has(word) | Q(pk__in=_now_of(of_person))


def tag_has(word: str, path: str) -> Q:
    """Whether the device to which the path leads has the word in its asset tag."""
    found = DEVICES.keys(word, within("asset_tag"))
    if found is None or len(found) > FEW_KEYS:
        return within(f"{path}__asset_tag")(word)
    return Q(**{f"{path}__in": found})


def _devices_with(word: str) -> set[int] | None:
    people = _people_with(word)
    devices = None if people is None else DEVICES.keys(word, _device_itself_has)
    if people is None or devices is None:
        return None
    found = devices.union(_now_of(Q(person__in=people))[: MOST_FOUND + 1])
    return found if len(found) <= MOST_FOUND else None


def _people_with(word: str) -> set[int] | None:
    return PEOPLE.keys(word, _person_has)


def _now_of(holder: Q) -> QuerySet[Assignment, int]:
    """The keys of devices that such people have."""
    return (
        Assignment.objects.filter(holder, ended_at__isnull=True).order_by().values_list("device", flat=True)
    )


_device_itself_has = within(*DEVICES.fields)


def _person_has(word: str, path: str = "") -> Q:
    return (
        Q(**{f"{path}name__icontains": word})
        | Q(**{f"{path}external_id__istartswith": word})
        | Q(**{f"{path}email__icontains": word})
    )


def device_by_serial_or_tag(viewer: Viewer, text: str) -> Device | None:
    """The device with exactly this serial number or asset tag; where two answer, the serial number's."""
    text = text.strip()
    found = (
        visible_devices(viewer)
        .filter(Q(serial_number=text) | Q(asset_tag=text))
        .select_related("site", "status")
    )
    return min(found, key=lambda device: device.serial_number != text, default=None)


def keys_by_serial_or_tag(viewer: Viewer, texts: Iterable[str]) -> tuple[list[int], list[str]]:
    """The same of many: the keys of the devices that the texts name, and the texts that name none. Two queries."""
    asked = dict.fromkeys(texts)
    named = {text.strip() for text in asked}
    seen = visible_devices(viewer)
    by_tag = dict(seen.filter(asset_tag__in=named).values_list("asset_tag", "pk"))
    by_serial = dict(seen.filter(serial_number__in=named).values_list("serial_number", "pk"))
    keys = {str(name): pk for name, pk in (by_tag | by_serial).items()}
    return sorted(set(keys.values())), [text for text in asked if text.strip() not in keys]


def device_scanned(text: str) -> int | None:
    """The key of the device that a scanned or typed label means, whatever site it belongs to.

    Takes no viewer: the profile tells a viewer of another site only where the device belongs.
    """
    spellings = {text.strip(), text.strip().upper()}
    found = Device.objects.filter(Q(serial_number__in=spellings) | Q(asset_tag__in=spellings))
    keys = list(found.values_list("pk", flat=True)[:2])
    return keys[0] if len(keys) == 1 else None


def device_elsewhere(pk: int) -> DeviceElsewhere | None:
    """Takes no viewer: this is what everybody may know of any device."""
    device = Device.objects.filter(pk=pk).select_related("site").first()
    if device is None:
        return None
    site = device.site
    return DeviceElsewhere(device.asset_tag or "", site.name, site.contact_name, site.contact_phone)


def open_assignment(device: Device) -> Assignment | None:
    return device.assignments.filter(ended_at__isnull=True).select_related("person__site").first()


def assignments_of_device(device: Device) -> QuerySet[Assignment]:
    """Takes no viewer: who sees the device sees who had it."""
    return device.assignments.select_related("person").order_by("-started_at", "-id")


def assignments_of_person(viewer: Viewer, person: Person) -> QuerySet[Assignment]:
    """A device of a site that the viewer doesn't see is left out."""
    found = person.assignments.select_related("device__site", "device__status")
    return of_visible_devices(found, viewer)
