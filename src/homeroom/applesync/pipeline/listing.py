"""The first step: Apple's list of devices, page by page, into the mirror."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from appleschool import OrgDevice, Page, UnreadableRecord
from homeroom.applesync.models import AppleDevice, Connection, RunChange, RunNote, SyncRun
from homeroom.applesync.pipeline import changes, matching
from homeroom.applesync.pipeline.lease import Lease
from homeroom.applesync.pipeline.queue import coverage_day
from homeroom.applesync.pipeline.seen import Seen
from homeroom.rows import write_rows

TYPED_COLUMNS = (
    "product_family",
    "device_model",
    "product_type",
    "capacity",
    "color",
    "part_number",
    "order_number",
    "ordered_at",
    "status",
    "purchase_source_type",
    "added_at",
    "updated_at",
    "released_at",
)
LONGEST: dict[str, int] = {
    name: longest
    for name in TYPED_COLUMNS
    if (longest := getattr(AppleDevice._meta.get_field(name), "max_length", None))
}


@dataclass(frozen=True, slots=True)
class StoredRow:
    pk: int
    content_hash: bytes
    gone_since: datetime | None
    device_id: int | None


@dataclass(frozen=True, slots=True)
class ComparedPage:
    """A page beside the mirror, by serial number. The same one twice counts once, and the later record holds."""

    records: Mapping[str, OrgDevice]
    stored: Mapping[str, StoredRow]
    created: Sequence[OrgDevice]
    changed: Sequence[OrgDevice]

    @property
    def unlinked(self) -> Mapping[str, StoredRow]:
        """Rows that Apple had listed before without a device of the inventory."""
        return {serial: row for serial, row in self.stored.items() if row.device_id is None}

    @property
    def claims(self) -> matching.Claims:
        """The serial numbers that are without a device so far."""
        rows: dict[str, int | None] = {serial: row.pk for serial, row in self.unlinked.items()}
        rows |= {record.serial_number: None for record in self.created}
        return {serial: (self.records[serial].added_to_org_at, row) for serial, row in rows.items()}


def compare(run: SyncRun, page: Page[OrgDevice], *, misfits: Collection[int] = ()) -> ComparedPage:
    """The page beside the mirror; rows of `misfits` count as linked to nothing."""
    records = {record.serial_number: record for record in page.records if isinstance(record, OrgDevice)}
    stored = _stored_rows(run, records, misfits)
    created = [record for serial, record in records.items() if serial not in stored]
    changed = [
        records[serial]
        for serial, row in stored.items()
        if row.gone_since or row.content_hash != content_hash(records[serial].attributes)
    ]
    return ComparedPage(records, stored, created, changed)


def store_page(run: SyncRun, lease: Lease, page: Page[OrgDevice], seen: Seen) -> None:
    """Write what is new or changed of one page, link it, and move the run's checkpoint behind it."""
    with transaction.atomic():
        compared = compare(run, page)
        ours = matching.owned(run.connection, compared.claims)
        matching.unlink(ours.displaced)
        entries = [
            *changed_entries(compared),
            *created_entries(compared, ours.devices),
            *linked_entries(compared, ours.devices),
        ]
        created = _create(run, compared.created, ours.devices)
        _update(run, compared.changed)
        matching.give(
            {
                row.pk: ours.devices[serial]
                for serial, row in compared.unlinked.items()
                if serial in ours.devices
            }
        )
        changes.write(run, entries, state=RunChange.State.APPLIED)
        seen.add([row.pk for row in compared.stored.values()] + created)
        checkpoint(run, lease, page, compared, seen, linked=len(ours.devices))


def checkpoint(
    run: SyncRun, lease: Lease, page: Page[OrgDevice], compared: ComparedPage, seen: Seen, *, linked: int
) -> None:
    """Move the run behind a page, and count it."""
    notes = _notes(run, page.records)
    lease.renew(
        listed=F("listed") + len(compared.records),
        created=F("created") + len(compared.created),
        updated=F("updated") + len(compared.changed),
        linked=F("linked") + linked,
        problems=F("problems") + notes,
        listing_cursor=page.next_cursor or "",
        listing_seen=seen.packed(),
        listing_complete=page.next_cursor is None,
    )


def created_entries(compared: ComparedPage, devices: Mapping[str, int]) -> Iterator[changes.Entry]:
    """Entries of the devices that are new at Apple; `devices` are those of the inventory, by serial number."""
    for record in compared.created:
        yield changes.of_device(
            RunChange.Action.CREATED,
            record.serial_number,
            devices.get(record.serial_number),
            after=changes.shown(record.attributes),
        )


def changed_entries(compared: ComparedPage) -> list[changes.Entry]:
    """Entries of the devices that changed at Apple, against the mirror as it stands."""
    stood = _attributes(compared.stored[record.serial_number].pk for record in compared.changed)
    entries = []
    for record in compared.changed:
        row = compared.stored[record.serial_number]
        before, after = changes.differences(stood[row.pk], record.attributes)
        if row.gone_since:
            before["gone_since"], after["gone_since"] = row.gone_since.isoformat(), None
        entries.append(
            changes.of_device(
                RunChange.Action.UPDATED, record.serial_number, row.device_id, before=before, after=after
            )
        )
    return entries


def linked_entries(compared: ComparedPage, devices: Mapping[str, int]) -> Iterator[changes.Entry]:
    """Entries of the devices that Apple had listed before and that are matched only now."""
    for serial in compared.unlinked:
        if serial in devices:
            yield changes.of_device(RunChange.Action.LINKED, serial, devices[serial])


def store_record(connection: Connection, record: OrgDevice, *, at: datetime) -> None:
    """Write what Apple said of one device that was asked for singly. Released ones have left the list."""
    row = _row(connection.pk, record, first_seen_at=at)
    _overwrite([row | {"gone_since": at if record.released_from_org_at else None}])


def restart(lease: Lease) -> None:
    """Begin the list again: Apple no longer knows the page where we were."""
    lease.renew(listed=0, listing_cursor="", listing_seen=b"", listing_complete=False)


def content_hash(attributes: dict[str, object]) -> bytes:
    return blake2b(msgspec.json.encode(attributes, order="sorted"), digest_size=16).digest()


def mirrored(record: OrgDevice) -> dict[str, object]:
    """The mirror's columns for what Apple said of a device. Text that is too long is cut; attributes keep all."""
    columns: dict[str, object] = {
        "product_family": record.product_family,
        "device_model": record.device_model,
        "product_type": record.product_type,
        "capacity": record.capacity_bytes,
        "color": record.color,
        "part_number": record.part_number,
        "order_number": record.order_number,
        "ordered_at": record.ordered_at,
        "status": record.status,
        "purchase_source_type": record.purchase_source_type,
        "added_at": record.added_to_org_at,
        "updated_at": record.updated_at,
        "released_at": record.released_from_org_at,
    }
    for name, longest in LONGEST.items():
        columns[name] = str(columns[name] or "")[:longest]
    return columns | {
        "attributes": record.attributes,
        "content_hash": content_hash(record.attributes),
        "gone_since": None,
    }


def _stored_rows(run: SyncRun, serials: Iterable[str], misfits: Collection[int]) -> dict[str, StoredRow]:
    rows = AppleDevice.objects.filter(connection=run.connection_id, serial_number__in=list(serials))
    columns = ("serial_number", "pk", "content_hash", "gone_since", "device_id")
    return {
        serial: StoredRow(pk, bytes(digest), gone_since, None if pk in misfits else device_id)
        for serial, pk, digest, gone_since, device_id in rows.values_list(*columns)
    }


def _attributes(rows: Iterable[int]) -> dict[int, dict[str, Any]]:
    ids = list(rows)
    found = AppleDevice.objects.filter(pk__in=ids).values_list("pk", "attributes")
    return dict(found) if ids else {}


def _create(run: SyncRun, records: Sequence[OrgDevice], devices: Mapping[str, int]) -> list[int]:
    """The ids of the new rows, which are linked to these devices, by serial number."""
    if not records:
        return []
    now = timezone.now()
    rows = [_row(run.connection_id, record, first_seen_at=now) for record in records]
    write_rows(AppleDevice, [row | {"device_id": devices.get(row["serial_number"])} for row in rows])
    serials = [record.serial_number for record in records]
    new = AppleDevice.objects.order_by().filter(connection=run.connection_id, serial_number__in=serials)
    return list(new.values_list("pk", flat=True))


def _update(run: SyncRun, records: Sequence[OrgDevice]) -> None:
    now = timezone.now()
    _overwrite([_row(run.connection_id, record, first_seen_at=now) for record in records])


def _overwrite(rows: Iterable[dict[str, object]]) -> None:
    write_rows(
        AppleDevice,
        rows,
        unique=("connection", "serial_number"),
        update=(*TYPED_COLUMNS, "attributes", "content_hash", "gone_since"),
    )


def _row(connection_id: int, record: OrgDevice, *, first_seen_at: datetime) -> dict[str, Any]:
    return {
        "connection_id": connection_id,
        "serial_number": record.serial_number,
        "first_seen_at": first_seen_at,
        "coverage_day": coverage_day(record.serial_number),
        **mirrored(record),
    }


def _notes(run: SyncRun, records: Iterable[OrgDevice | UnreadableRecord]) -> int:
    notes = []
    for record in records:
        if isinstance(record, UnreadableRecord):
            notes.append(RunNote(run=run, kind=RunNote.Kind.UNREADABLE, text=record.reason, raw=record.raw))
        elif record.problems:
            notes.append(
                RunNote(
                    run=run,
                    kind=RunNote.Kind.ODD_VALUE,
                    serial_number=record.serial_number[:100],
                    text=" ".join(record.problems),
                )
            )
    RunNote.objects.bulk_create(notes)
    return len(notes)
