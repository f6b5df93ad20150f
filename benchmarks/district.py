"""An invented district of any size, written straight into the tables: for what is measured at a million devices."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from random import Random
from typing import Any

from django.db import transaction

from homeroom.applesync.models import AppleDevice, Connection
from homeroom.incidents.models import Incident, IncidentStatus
from homeroom.insurance.models import CoverageCheck, CoverageSummary
from homeroom.inventory.models import Device, DeviceStatus, Site
from homeroom.rows import refresh_statistics, write_rows

SITES = 400
FUNDING = ("Title I", "General fund", "Technology levy", "Grant 2025", "E-Rate", "Bond 2024", "Donation", "")
MODELS = tuple(
    (family, f"{name} ({edition})", capacity * 10**9)
    for family, name in (("iPad", "iPad"), ("iPad", "iPad Air"), ("Mac", "MacBook Air"), ("iPhone", "iPhone"))
    for edition in ("2021", "2022", "2023", "2024", "2025")
    for capacity in (64, 128, 256)
)
CHUNK = 20_000


def build(devices: int, *, today: date, seed: int = 1) -> None:
    """A tenth Chromebooks, the rest Apple's; coverage of every state, ends on any day; a repair for each twentieth.

    What a device has depends on no other value of it: the worst case for anything that counts like ones together.
    """
    random = Random(seed)
    kinds = {status.name: status.pk for status in DeviceStatus.objects.all()}
    Site.objects.bulk_create(Site(name=f"School {number:04}") for number in range(SITES))
    sites = list(Site.objects.values_list("pk", flat=True))
    connection = Connection.objects.create(name="District", client_id="c", key_id="k", private_key="p")
    closed = IncidentStatus.objects.filter(is_open=False, system_key__isnull=True).first()
    assert closed is not None
    now = datetime.now(UTC)
    rows = _rows(devices, random, sites, kinds, connection.pk, closed.pk, today, now)
    tables = (Device, AppleDevice, CoverageSummary, CoverageCheck, Incident)
    while chunk := list(islice(rows, CHUNK)):
        with transaction.atomic():
            for table in tables:
                write_rows(table, [row[table] for row in chunk if table in row])
    refresh_statistics(*tables)


def _rows(
    devices: int,
    random: Random,
    sites: list[int],
    statuses: dict[str, int],
    connection: int,
    closed: int,
    today: date,
    now: datetime,
) -> Iterator[dict[type, dict[str, Any]]]:
    for number in range(1, devices + 1):
        apple = number % 10 != 0
        family, model, capacity = random.choice(MODELS)
        status = random.choices(
            ("In service", "In storage", "In repair", "Lost", "Retired"), (80, 8, 3, 1, 8)
        )[0]
        row: dict[type, dict[str, Any]] = {
            Device: {
                "asset_tag": f"{number:08}",
                "serial_number": f"S{number:09}",
                "manufacturer": "Apple" if apple else "HP",
                "model": model.partition(" (")[0] if apple else "Chromebook 11 G9",
                "product_family": family if apple else "Chromebook",
                "site_id": random.choice(sites),
                "status_id": statuses[status],
                "funding_source": random.choice(FUNDING),
                "created_at": now,
            }
        }
        if apple:
            row[AppleDevice] = {
                "connection_id": connection,
                "serial_number": f"S{number:09}",
                "device_id": number,
                "product_family": family,
                "device_model": model,
                "capacity": capacity,
                "attributes": {},
                "content_hash": b"",
                "first_seen_at": now,
            }
            row |= _coverage(number, random, today, now)
        if number % 20 == 1:
            row[Incident] = _repair(number, random, closed, today)
        yield row


def _coverage(number: int, random: Random, today: date, now: datetime) -> dict[type, dict[str, Any]]:
    checked = {"device_id": number, "attempted_at": now, "succeeded_at": now, "failure": ""}
    ends = today + timedelta(days=random.randrange(-400, 1100))
    match random.randrange(10):
        case 0:
            return {}
        case 1:
            return {CoverageCheck: checked}
        case _:
            summary = {
                "device_id": number,
                "applecare_from": ends - timedelta(days=3 * 365),
                "applecare_until": ends,
                "applecare_plan": "AppleCare+",
                "warranty_from": ends - timedelta(days=3 * 365),
                "warranty_until": ends - timedelta(days=2 * 365),
            }
            return {CoverageCheck: checked, CoverageSummary: summary}


def _repair(number: int, random: Random, closed: int, today: date) -> dict[str, Any]:
    shipped = today - timedelta(days=random.randrange(20, 700))
    sent = datetime(shipped.year, shipped.month, shipped.day, 15, tzinfo=UTC)
    return {
        "device_id": number,
        "kind": "screen",
        "summary": "Cracked screen",
        "status_id": closed,
        "opened_by": "Benchmark",
        "opened_by_id": "benchmark",
        "opened_at": sent - timedelta(days=1),
        "sent_at": sent,
        "shipped_on": shipped,
        "closed_at": sent + timedelta(days=random.randrange(3, 18)),
        "outcome": random.choice(("repaired", "replaced")),
    }
