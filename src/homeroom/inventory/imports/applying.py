"""Writing what was planned: set-based, changed rows only, inside the caller's transaction."""

from collections.abc import Iterable, Sequence

from django.utils import timezone

from homeroom.inventory.imports import devices, people
from homeroom.inventory.imports.models import Noun
from homeroom.inventory.imports.rows import Outcome, Planned
from homeroom.inventory.imports.rules import Known
from homeroom.inventory.models import Assignment, Device, DeviceStatus, Person, Site

NULL_WHEN_UNKNOWN = {"asset_tag", "serial_number", "purchase_date", "cost"}


class Writer:
    """Writes the batches of one apply; remembers what names stand for."""

    def __init__(self, noun: str) -> None:
        self.noun = noun
        self.now = timezone.now()
        self._sites: dict[str, int] = dict(Site.objects.values_list("name", "pk"))
        self._statuses: dict[str, int] = dict(DeviceStatus.objects.values_list("name", "pk"))

    def write(self, batch: Iterable[Planned], known: Iterable[Known]) -> None:
        planned = [one for one in batch if one.outcome and one.values]
        self._add_sites(planned)
        known_by_id = {one.id: one for one in known}
        if self.noun == Noun.PEOPLE:
            self._write_people(planned, known_by_id)
        else:
            self._write_devices(planned, known_by_id)

    def _add_sites(self, planned: Sequence[Planned]) -> None:
        names = {str(one.values["site"]) for one in planned if one.values and "site" in one.values}
        for name in sorted(names - self._sites.keys()):
            self._sites[name] = Site.objects.create(name=name).pk

    def _write_devices(self, planned: Sequence[Planned], known: dict[int, Known]) -> None:
        new = [(one, self._device(one, None)) for one in planned if one.outcome is Outcome.CREATED]
        Device.objects.bulk_create([device for _, device in new])
        changed = [
            (one, self._device(one, known[one.target_id])) for one in planned if one.target_id is not None
        ]
        Device.objects.bulk_create(
            [device for one, device in changed if set(one.values or ()) - {"person"}],
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=[*devices.PLAIN_FIELDS, "site", "status"],
        )
        self._assign([(device.pk, one) for one, device in (*new, *changed) if "person" in (one.values or ())])

    def _device(self, planned: Planned, known: Known | None) -> Device:
        values = dict(known.values if known else {}) | dict(planned.values or {})
        return Device(
            pk=known.id if known else None,
            site_id=self._sites[values["site"]],
            status_id=self._statuses[values["status"]],
            **{name: _stored(name, values) for name in devices.PLAIN_FIELDS if name in values},
        )

    def _assign(self, handed_out: Sequence[tuple[int, Planned]]) -> None:
        """Who had a device before is history; the row's person has it from now on."""
        ids = [device_id for device_id, _ in handed_out]
        Assignment.objects.filter(device__in=ids, ended_at=None).update(ended_at=self.now)
        Assignment.objects.bulk_create(
            Assignment(device_id=device_id, person_id=person.id, started_at=self.now)
            for device_id, one in handed_out
            if (person := (one.values or {})["person"]) is not None
        )

    def _write_people(self, planned: Sequence[Planned], known: dict[int, Known]) -> None:
        Person.objects.bulk_create(
            self._person(one, None) for one in planned if one.outcome is Outcome.CREATED
        )
        Person.objects.bulk_create(
            [self._person(one, known[one.target_id]) for one in planned if one.target_id is not None],
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=[*people.PLAIN_FIELDS, "site"],
        )

    def _person(self, planned: Planned, known: Known | None) -> Person:
        values = dict(known.values if known else {}) | dict(planned.values or {})
        return Person(
            pk=known.id if known else None,
            site_id=self._sites[values["site"]],
            **{name: _stored(name, values) for name in people.PLAIN_FIELDS if name in values},
        )


def _stored(name: str, values: dict[str, object]) -> object:
    """Unknown text is the empty string in the database; an unknown identity, date or cost is null."""
    value = values[name]
    return "" if value is None and name not in NULL_WHEN_UNKNOWN else value
