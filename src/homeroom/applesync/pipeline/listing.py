"""The first step: Apple's list of devices, page by page, into the mirror."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

import msgspec
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from appleschool import OrgDevice, Page, UnreadableRecord
from homeroom.applesync.models import AppleDevice, RunNote, SyncRun
from homeroom.applesync.pipeline import matching
from homeroom.applesync.pipeline.lease import Lease
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
    gone: bool
    device_id: int | None


def store_page(run: SyncRun, lease: Lease, page: Page[OrgDevice], seen: Seen) -> None:
    """Write what is new or changed of one page, link it, and move the run's checkpoint behind it.

    The same serial number twice on a page counts once, and the later record holds.
    """
    records = {record.serial_number: record for record in page.records if isinstance(record, OrgDevice)}
    with transaction.atomic():
        stored = _stored_rows(run, records)
        created = _create(run, [record for serial, record in records.items() if serial not in stored])
        changed = _update(run, records, stored)
        rows = [row.pk for row in stored.values()] + created
        unlinked = [row.pk for row in stored.values() if row.device_id is None] + created
        if unlinked:
            matching.link(run.connection, rows=unlinked)
        seen.add(rows)
        notes = _notes(run, page.records)
        lease.renew(
            listed=F("listed") + len(records),
            created=F("created") + len(created),
            updated=F("updated") + changed,
            problems=F("problems") + notes,
            listing_cursor=page.next_cursor or "",
            listing_seen=seen.packed(),
            listing_complete=page.next_cursor is None,
        )


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


def _stored_rows(run: SyncRun, serials: Iterable[str]) -> dict[str, StoredRow]:
    rows = AppleDevice.objects.filter(connection=run.connection_id, serial_number__in=list(serials))
    return {
        serial: StoredRow(pk, bytes(digest), gone is not None, device_id)
        for pk, serial, digest, gone, device_id in rows.values_list(
            "pk", "serial_number", "content_hash", "gone_since", "device_id"
        )
    }


def _create(run: SyncRun, records: Sequence[OrgDevice]) -> list[int]:
    """The ids of the new rows."""
    if not records:
        return []
    now = timezone.now()
    write_rows(AppleDevice, [_row(run, record, first_seen_at=now) for record in records])
    serials = [record.serial_number for record in records]
    new = AppleDevice.objects.order_by().filter(connection=run.connection_id, serial_number__in=serials)
    return list(new.values_list("pk", flat=True))


def _update(run: SyncRun, records: dict[str, OrgDevice], stored: dict[str, StoredRow]) -> int:
    changed = [
        records[serial]
        for serial, row in stored.items()
        if row.gone or row.content_hash != content_hash(records[serial].attributes)
    ]
    now = timezone.now()
    write_rows(
        AppleDevice,
        [_row(run, record, first_seen_at=now) for record in changed],
        unique=("connection", "serial_number"),
        update=(*TYPED_COLUMNS, "attributes", "content_hash", "gone_since"),
    )
    return len(changed)


def _row(run: SyncRun, record: OrgDevice, *, first_seen_at: datetime) -> dict[str, object]:
    return {
        "connection_id": run.connection_id,
        "serial_number": record.serial_number,
        "first_seen_at": first_seen_at,
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
