"""What the inventory knows about the rows of one batch: a bounded number of queries, however many rows."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.utils.translation import gettext as translated

from homeroom.accounts.policy import Viewer
from homeroom.inventory.imports import devices, people
from homeroom.inventory.imports.models import Noun
from homeroom.inventory.imports.rows import Reading
from homeroom.inventory.imports.rules import Choice, Known, KnownPerson, Surroundings
from homeroom.inventory.models import Assignment, Device, DeviceStatus, Person, Site
from homeroom.inventory.verbs.statuses import DEFAULT_STATUS

OTHER_WORDS_FOR_STATUSES = {
    "deployed": DeviceStatus.Kind.IN_SERVICE,
    "ready to deploy": DeviceStatus.Kind.IN_SERVICE,
    "in use": DeviceStatus.Kind.IN_SERVICE,
    "active": DeviceStatus.Kind.IN_SERVICE,
    "pending": DeviceStatus.Kind.IN_STORAGE,
    "available": DeviceStatus.Kind.IN_STORAGE,
    "out for repair": DeviceStatus.Kind.IN_REPAIR,
    "out for diagnostics": DeviceStatus.Kind.IN_REPAIR,
    "broken": DeviceStatus.Kind.IN_REPAIR,
    "lost/stolen": DeviceStatus.Kind.LOST,
    "stolen": DeviceStatus.Kind.LOST,
    "archived": DeviceStatus.Kind.RETIRED,
    "disposed": DeviceStatus.Kind.RETIRED,
    "broken - not fixable": DeviceStatus.Kind.RETIRED,
}
"""What other programs call a state, for where the district has no status of that name."""


def surroundings(viewer: Viewer, *, create_sites: bool) -> Surroundings:
    """What is the same for every batch. The first import of an empty installation may add its sites."""
    sites = list(Site.objects.order_by("pk"))
    seen = [site for site in sites if viewer.sees_site(site.pk)]
    default_site = seen[0].name if len(seen) == 1 else ""
    if not sites:
        default_site = translated("District")
    not_yours = translated("This is not one of your sites.")
    return Surroundings(
        sites=_choices([Choice(site.name, "" if site in seen else not_yours) for site in sites]),
        statuses=_statuses(),
        default_site=default_site,
        default_status=_default_status(),
        may_add_sites=viewer.site_ids is None and (create_sites or not sites),
    )


def _choices(named: Sequence[Choice]) -> dict[str, Choice]:
    """Found by the exact name, else whatever its case."""
    choices: dict[str, Choice] = {}
    for choice in named:
        choices.setdefault(choice.name.strip().casefold(), choice)
    return choices | {choice.name.strip(): choice for choice in named}


def _statuses() -> dict[str, Choice]:
    statuses = list(DeviceStatus.objects.order_by("pk"))
    only_the_sync = translated("This status is set by the AppleCare integration alone.")
    choices = _choices(
        [
            Choice(
                status.name,
                only_the_sync if status.is_system else "",
                is_retired=status.kind == DeviceStatus.Kind.RETIRED,
            )
            for status in statuses
        ]
    )
    for words, kind in OTHER_WORDS_FOR_STATUSES.items():
        of_kind = [status for status in statuses if status.kind == kind and not status.is_system]
        if of_kind:
            choices.setdefault(words, choices[of_kind[0].name.strip()])
    return choices


def _default_status() -> str:
    own = DeviceStatus.objects.filter(system_key=None).order_by("pk")
    status = (
        own.filter(name=DEFAULT_STATUS).first()
        or own.filter(kind=DeviceStatus.Kind.IN_SERVICE).first()
        or own.first()
    )
    return status.name if status else ""


Texts = Mapping[str, set[str]]
"""What the rows of a batch name, by the field that names it."""
NAMING_FIELDS = {
    Noun.DEVICES.value: ("serial_number", "asset_tag", "person"),
    Noun.PEOPLE.value: ("external_id",),
}


def texts_of(noun: str, readings: Sequence[Reading]) -> Texts:
    return {
        name: {reading.values[name] for reading in readings if reading.values.get(name)}
        for name in NAMING_FIELDS[noun]
    }


def look_around(around: Surroundings, noun: str, texts: Texts, viewer: Viewer, *, lock: bool) -> None:
    """Load what these rows are about."""
    if noun == Noun.PEOPLE:
        around.by_identity = _known_people(texts["external_id"], viewer, lock=lock)
        return
    around.by_identity = _known_devices(texts["serial_number"], texts["asset_tag"], viewer, lock=lock)
    around.people = _people_named(texts["person"], viewer)


def _locked(rows: QuerySet[Any], *, lock: bool) -> QuerySet[Any]:
    return rows.select_for_update(no_key=True) if lock else rows


def _known_devices(
    serials: set[str], tags: set[str], viewer: Viewer, *, lock: bool
) -> dict[tuple[str, str], Known]:
    every = _locked(Device.objects.order_by("pk"), lock=lock)
    rows = _device_rows(every.filter(serial_number__in=serials))
    not_found_yet = tags - {row["asset_tag"] for row in rows.values()}
    rows |= _device_rows(every.filter(asset_tag__in=not_found_yet))
    assignments = Assignment.objects.filter(device__in=list(rows), ended_at=None).select_related("person")
    holders = {assignment.device_id: _person(assignment.person) for assignment in assignments}
    known: dict[tuple[str, str], Known] = {}
    for pk, values in rows.items():
        values["person"] = holders.get(pk)
        one = Known(pk, viewer.sees_site(values.pop("site_id")), values)
        for name in ("serial_number", "asset_tag"):
            if values[name]:
                known[name, values[name]] = one
    return known


def _device_rows(found: QuerySet[Device]) -> dict[int, dict[str, Any]]:
    """Plain values by id: making model instances of them would take most of the time of a large import."""
    names = ("pk", "site_id", "site", "status", *devices.PLAIN_FIELDS)
    paths = ("pk", "site_id", "site__name", "status__name", *devices.PLAIN_FIELDS)
    rows = (dict(zip(names, values, strict=True)) for values in found.values_list(*paths))
    return {row.pop("pk"): row for row in rows}


def _known_people(external_ids: set[str], viewer: Viewer, *, lock: bool) -> dict[tuple[str, str], Known]:
    rows = _locked(Person.objects.select_related("site").order_by("pk"), lock=lock)
    return {
        ("external_id", person.external_id): Known(
            person.pk,
            viewer.sees_site(person.site_id),
            {name: getattr(person, name) for name in people.PLAIN_FIELDS} | {"site": person.site.name},
        )
        for person in rows.filter(external_id__in=external_ids)
    }


def _people_named(texts: set[str], viewer: Viewer) -> dict[str, tuple[KnownPerson, ...]]:
    """Each text's people: by external ID, else by email, else by name."""
    if not texts:
        return {}
    seen = Person.objects.order_by("pk")
    if viewer.site_ids is not None:
        seen = seen.filter(site__in=viewer.site_ids)
    found: dict[str, tuple[KnownPerson, ...]] = {}
    for person in seen.filter(name__in=texts):
        found[person.name] = (*found.get(person.name, ()), _person(person))
    emails = {text.lower() for text in texts if "@" in text}
    by_email: dict[str, tuple[KnownPerson, ...]] = {}
    for person in seen.alias(small=Lower("email")).filter(small__in=emails):
        key = person.email.lower()
        by_email[key] = (*by_email.get(key, ()), _person(person))
    found |= by_email
    return found | {person.external_id: (_person(person),) for person in seen.filter(external_id__in=texts)}


def _person(person: Person) -> KnownPerson:
    return KnownPerson(person.pk, person.external_id, person.name, person.active)
