"""An invented district of any size, written straight into the tables: for what is measured at a million devices."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count, islice
from random import Random
from typing import Any

from django.db import transaction

from homeroom.accounts.policy import COMMAND_LINE_VIEWER
from homeroom.applesync.models import AppleDevice, Connection, Replacement, RunNote, SyncRun
from homeroom.incidents.models import Incident, IncidentStatus
from homeroom.incidents.verbs.statuses import ensure_system_statuses
from homeroom.insurance.models import CoverageCheck, CoverageSummary, InsuranceRecord, sync_writes_insurance
from homeroom.inventory.models import Assignment, Device, DeviceStatus, Person, Site
from homeroom.rows import refresh_statistics, write_rows

SITES = 400
FUNDING = ("Title I", "General fund", "Technology levy", "Grant 2025", "E-Rate", "Bond 2024", "Donation", "")
MODELS = tuple(
    (family, f"{name} ({edition})", capacity * 10**9)
    for family, name in (("iPad", "iPad"), ("iPad", "iPad Air"), ("Mac", "MacBook Air"), ("iPhone", "iPhone"))
    for edition in ("2021", "2022", "2023", "2024", "2025")
    for capacity in (64, 128, 256)
)
NAMES = ("Ada", "Ben", "Cleo", "Dev", "Elif", "Finn", "Grace", "Hugo", "Ines", "Juan", "Kofi", "Lena")
RUNS = 100
DEVICES_PER_CHUNK = 20_000
TABLES = (
    Person,
    Device,
    AppleDevice,
    Assignment,
    CoverageSummary,
    CoverageCheck,
    InsuranceRecord,
    Incident,
    Replacement,
    RunNote,
)
"""Written in this order: what others point to comes first."""

Row = tuple[type, dict[str, Any]]


@dataclass
class _District:
    """What the rows point to."""

    random: Random
    today: date
    now: datetime
    sites: list[int]
    statuses: dict[str, int]
    connections: list[int]
    runs: list[int]
    closed: int
    at_apple: int
    incidents: Iterator[int] = field(default_factory=lambda: count(1))

    def chance(self, per_thousand: float) -> bool:
        return self.random.random() * 1000 < per_thousand

    def lately(self, days: int) -> datetime:
        return self.now - timedelta(days=self.random.randrange(days), minutes=self.random.randrange(1440))


def build(devices: int, *, today: date, seed: int = 1) -> None:
    """A tenth Chromebooks, the rest Apple's; coverage of every state, ends on any day; a repair for each twentieth.

    What a device has depends on no other value of it: the worst case for anything that counts like ones together.
    Of each hundred of Apple's devices one is not on Apple's list, one has left it, two are on it and not in the
    inventory, and some are spelled nearly alike.
    """
    district = _prepared(today, Random(seed))
    numbers = iter(range(1, devices + 1))
    while chunk := list(islice(numbers, DEVICES_PER_CHUNK)):
        rows: dict[type, list[dict[str, Any]]] = {table: [] for table in TABLES}
        for number in chunk:
            for table, values in _rows(district, number):
                rows[table].append(values)
        with transaction.atomic(), sync_writes_insurance():
            for table in TABLES:
                write_rows(table, rows[table])
    refresh_statistics(*TABLES)


def _prepared(today: date, random: Random) -> _District:
    now = datetime.now(UTC)
    Site.objects.bulk_create(Site(name=f"School {number * 37 % SITES:04}") for number in range(SITES))
    connections = [
        Connection.objects.create(
            name=name, client_id="c", key_id="k", private_key="p", active=name != "Former"
        )
        for name in ("District", "Charter schools", "Former")
    ]
    runs = [
        SyncRun.objects.create(
            connection=connections[number % 2],
            state=SyncRun.State.SUCCEEDED,
            requested_by="Schedule",
            requested_by_id="schedule",
            started_at=now - timedelta(days=RUNS - number),
            finished_at=now - timedelta(days=RUNS - number),
        ).pk
        for number in range(RUNS)
    ]
    ensure_system_statuses(actor=COMMAND_LINE_VIEWER.actor)
    closed = IncidentStatus.objects.filter(is_open=False, system_key__isnull=True).first()
    at_apple = IncidentStatus.objects.get(system_key=IncidentStatus.SystemKey.SENT_FOR_APPLECARE_REPAIR)
    assert closed is not None
    return _District(
        random=random,
        today=today,
        now=now,
        sites=list(Site.objects.order_by("pk").values_list("pk", flat=True)),
        statuses={status.name: status.pk for status in DeviceStatus.objects.all()},
        connections=[connection.pk for connection in connections],
        runs=runs,
        closed=closed.pk,
        at_apple=at_apple.pk,
    )


def _rows(of: _District, number: int) -> Iterator[Row]:
    apple = number % 10 != 0
    model = of.random.choice(MODELS)
    site = of.random.choice(of.sites)
    status = of.random.choices(
        ("In service", "In storage", "In repair", "Lost", "Retired"), (80, 8, 3, 1, 8)
    )[0]
    yield (
        Device,
        {
            "asset_tag": f"{number:08}",
            "serial_number": _serial(number),
            "name": f"Cart {of.random.randrange(5000)}",
            "manufacturer": "Apple" if apple else "HP",
            "model": model[1].partition(" (")[0] if apple else "Chromebook 11 G9",
            "product_family": model[0] if apple else "Chromebook",
            "site_id": site,
            "status_id": of.statuses[status],
            "funding_source": of.random.choice(FUNDING),
            "purchase_date": of.today - timedelta(days=of.random.randrange(2000)),
            "created_at": of.now,
        },
    )
    yield from _holder(of, number, site, lent=status == "In service")
    if apple:
        yield from _mirror(of, number, model)
        yield from _coverage(of, number)
    if number % 20 == 1:
        yield from _repair(of, number)
    elif of.chance(3):
        yield Incident, _incident(of, number, of.lately(60)) | {"status_id": of.at_apple}
    if apple and of.chance(5):
        yield from _note(of, number)


def _serial(number: int) -> str:
    return f"S{number:09}"


def _holder(of: _District, number: int, site: int, *, lent: bool) -> Iterator[Row]:
    """Each second device comes with a person, who has it and the one after it."""
    if number % 2:
        name = f"{of.random.choice(NAMES)} {of.random.choice(NAMES)}son"
        person = {"external_id": f"P{number // 2 + 1:07}", "name": name, "site_id": site}
        yield Person, person | {"email": f"p{number // 2 + 1}@district.test"}
    if lent:
        yield (
            Assignment,
            {"device_id": number, "person_id": (number + 1) // 2, "started_at": of.lately(900)},
        )


def _mirror(of: _District, number: int, model: tuple[str, str, int]) -> Iterator[Row]:
    listed = {
        "connection_id": of.random.choices(of.connections, (90, 9, 1))[0],
        "serial_number": _serial(number),
        "device_id": number,
        "product_family": model[0],
        "device_model": model[1],
        "capacity": model[2],
        "order_number": f"W{number // 30:08}",
        "added_at": of.lately(2000),
        "attributes": {"deviceCapacity": f"{model[2] // 10**9}GB"},
        "content_hash": b"",
        "first_seen_at": of.now,
    }
    match of.random.randrange(200):
        case 0 | 1:
            pass
        case 2 | 3:
            gone = of.lately(300)
            yield AppleDevice, listed | {"gone_since": gone, "released_at": of.random.choice((gone, None))}
        case 4:
            yield (
                AppleDevice,
                listed | {"device_id": None, "serial_number": _serial(number).replace("S0", "O")},
            )
        case _:
            yield AppleDevice, listed
    if of.chance(20):
        new = {"device_id": None, "serial_number": f"N{number:09}"}
        yield AppleDevice, listed | new | {"order_number": f"{of.random.choice('WR')}{number // 30:08}"}


def _coverage(of: _District, number: int) -> Iterator[Row]:
    checked = {"device_id": number, "attempted_at": of.now, "succeeded_at": of.now, "failure": ""}
    ends: date | None = of.today + timedelta(days=of.random.randrange(-400, 1100))
    assert ends is not None
    begins = ends - timedelta(days=3 * 365)
    summary: dict[str, Any] = {
        "device_id": number,
        "warranty_from": begins,
        "warranty_until": ends - timedelta(days=2 * 365),
    }
    shape = of.random.randrange(20)
    if shape in (0, 1):
        return
    yield CoverageCheck, checked | ({"failure": "Apple did not answer."} if of.chance(10) else {})
    if shape in (2, 3):
        return
    if shape != 4:
        ends = None if of.chance(20) else ends
        summary |= {"applecare_from": begins, "applecare_until": ends, "applecare_plan": "AppleCare+"}
        if ends is not None and of.chance(10):
            summary["applecare_next_from"] = ends + timedelta(days=30)
        yield (
            InsuranceRecord,
            {
                "device_id": number,
                "provider": "Apple",
                "plan": "AppleCare+",
                "agreement_number": f"A{number:09}",
                "kind": "applecare",
                "starts": begins,
                "ends": ends,
                "source": "applecare_sync",
                "apple_id": f"A{number:09}",
            },
        )
    yield CoverageSummary, summary


def _repair(of: _District, number: int) -> Iterator[Row]:
    sent = of.lately(680) - timedelta(days=20)
    outcome = of.random.choice(("repaired", "replaced"))
    repair = _incident(of, number, sent) | {
        "status_id": of.closed,
        "closed_at": sent + timedelta(days=of.random.randrange(3, 18)),
        "outcome": outcome,
    }
    yield Incident, repair
    if outcome == "replaced":
        yield (
            Replacement,
            {
                "connection_id": of.connections[0],
                "incident_id": repair["number"],
                "original_serial": _serial(number),
                "replacement_serial": _serial(number + 1),
                "order_number": f"R{number:08}",
                "state": of.random.choices(("applied", "dismissed", "undone", "suggested"), (94, 3, 2, 1))[0],
                "detected_at": repair["closed_at"],
                "applied_at": repair["closed_at"],
                "decided_by": "Benchmark",
            },
        )


def _incident(of: _District, number: int, sent: datetime) -> dict[str, Any]:
    return {
        "number": next(of.incidents),
        "device_id": number,
        "person_id": (number + 1) // 2,
        "kind": "screen",
        "summary": "Cracked screen",
        "opened_by": "Benchmark",
        "opened_by_id": "benchmark",
        "opened_at": sent - timedelta(days=1),
        "sent_at": sent,
        "shipped_on": sent.date(),
        "repair_number": f"D{number:09}",
    }


def _note(of: _District, number: int) -> Iterator[Row]:
    """The same note comes again with each sync of some days."""
    kind = of.random.choice(
        (RunNote.Kind.ODD_VALUE, RunNote.Kind.COVERAGE_FAILED, RunNote.Kind.UNKNOWN_TO_APPLE)
    )
    first = of.random.randrange(RUNS - 6)
    for run in of.runs[first : first + 6 : 2]:
        yield (
            RunNote,
            {
                "run_id": run,
                "kind": kind.value,
                "serial_number": _serial(number),
                "device_id": number,
                "text": "Apple said something that nobody expected.",
                "at": of.now - timedelta(days=RUNS - run),
            },
        )
