"""A district with every shape of coverage, device and repair, made at random but always the same; and its count by hand."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from homeroom.applesync.models import AppleDevice
from homeroom.incidents.models import Incident, IncidentStatus
from homeroom.incidents.verbs.statuses import default_status
from homeroom.insurance.models import CoverageCheck, CoverageSummary, InsuranceRecord
from homeroom.insurance.verbs.summaries import refresh_summaries
from homeroom.inventory.models import Device, DeviceStatus, Site
from homeroom.rows import refresh_statistics, write_rows
from tests.applesync.mirrors import make_connection
from tests.builders import make_site, make_status

DAY = timedelta(days=1)
KINDS = {
    "In service": "in_service",
    "In storage": "in_storage",
    "In repair": "in_repair",
    "Lost": "lost",
    "Retired": "retired",
}
MODELS = [f"iPad ({number}th generation)" for number in range(4, 11)] + ["MacBook Air", "iPhone 13"]
FUNDING = ["Title I", "Bond, 2024 & later", ""]


@dataclass
class Made:
    """What a device was made of: all that a count by hand needs to know."""

    device: dict[str, Any]
    kind: str
    apple: dict[str, Any] | None
    records: list[dict[str, Any]] = field(default_factory=list)
    check: dict[str, Any] | None = None
    incidents: list[dict[str, Any]] = field(default_factory=list)


def build(number: int, *, today: date, seed: int = 1, sites: int = 5) -> list[Made]:
    random = Random(seed)
    statuses = {name: make_status(name, kind=kind) for name, kind in KINDS.items()}
    at = [make_site() for _site in range(sites)]
    connection = make_connection()
    first = (Device.objects.order_by("-pk").values_list("pk", flat=True).first() or 0) + 1
    made = [_make(first + each, random, statuses, at, connection.pk, today) for each in range(number)]
    write_rows(Device, [one.device for one in made])
    keys = dict(Device.objects.values_list("asset_tag", "pk"))
    for one in made:
        pk = keys[one.device["asset_tag"]]
        for row in [one.apple, one.check, *one.records, *one.incidents]:
            if row is not None:
                row["device_id"] = pk
    write_rows(AppleDevice, [one.apple for one in made if one.apple])
    write_rows(CoverageCheck, [one.check for one in made if one.check])
    InsuranceRecord.objects.bulk_create(InsuranceRecord(**row) for one in made for row in one.records)
    Incident.objects.bulk_create(Incident(**row) for one in made for row in one.incidents)
    opened = [(incident.pk, incident.shipped_on) for incident in Incident.objects.all()]
    for pk, shipped in opened:
        if shipped:
            Incident.objects.filter(pk=pk).update(opened_at=datetime.combine(shipped, time(12), UTC))
    refresh_statistics(Device, AppleDevice, CoverageCheck, InsuranceRecord, Incident)
    pks = list(keys.values())
    for start in range(0, len(pks), 5_000):
        refresh_summaries(pks[start : start + 5_000], today=today)
    refresh_statistics(CoverageSummary)
    return made


def _make(
    number: int,
    random: Random,
    statuses: dict[str, DeviceStatus],
    sites: list[Site],
    connection: int,
    today: date,
) -> Made:
    make = random.choices(("apple", "unmatched", "chromebook", "hp", "unsaid"), (70, 10, 10, 5, 5))[0]
    family, maker = {
        "apple": (random.choice(("iPad", "Mac", "")), "Apple"),
        "unmatched": (random.choice(("iPad", "Other")), "apple inc."),
        "chromebook": ("Chromebook", "Google"),
        "hp": (random.choice(("", "Other", "Windows")), "HP"),
        "unsaid": ("", ""),
    }[make]
    status = random.choices(tuple(KINDS), (70, 10, 8, 4, 8))[0]
    device = {
        "asset_tag": f"T{number:07}",
        "serial_number": f"S{number:07}",
        "manufacturer": maker,
        "model": random.choice(["", "typed by hand", f"typed {number % 40}"]),
        "product_family": family,
        "site_id": random.choice(sites).pk,
        "status_id": statuses[status].pk,
        "funding_source": random.choice(FUNDING),
        "created_at": datetime(2025, 1, 1, tzinfo=UTC),
    }
    made = Made(device, KINDS[status], _mirrored(device, random, connection) if make == "apple" else None)
    if make != "hp" or random.random() < 0.2:
        made.records = _records(random, today)
    made.check = _check(random)
    if random.random() < 0.1:
        made.incidents = [_incident(random, today) for _each in range(random.randint(1, 2))]
    return made


def _mirrored(device: dict[str, Any], random: Random, connection: int) -> dict[str, Any]:
    return {
        "connection_id": connection,
        "serial_number": device["serial_number"],
        "device_model": random.choice([*MODELS, ""]),
        "product_family": "iPad",
        "capacity": random.choice([None, 64 * 10**9, 512 * 10**6, 1024 * 10**9]),
        "attributes": {},
        "content_hash": b"",
        "first_seen_at": datetime(2025, 1, 1, tzinfo=UTC),
    }


def _check(random: Random) -> dict[str, Any] | None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return random.choice(
        [
            None,
            {"attempted_at": at, "succeeded_at": at, "failure": ""},
            {"attempted_at": at, "succeeded_at": at, "failure": "Apple did not answer."},
            {"attempted_at": at, "succeeded_at": None, "failure": "Apple did not answer."},
        ]
    )


def _records(random: Random, today: date) -> list[dict[str, Any]]:
    """None, one or two of every shape: past, present, to come, open, cancelled, ended, on the very edge."""
    return [_record(random, today) for _each in range(random.choice((0, 1, 1, 1, 2)))]


def _record(random: Random, today: date) -> dict[str, Any]:
    soon = today + random.choice((30, 31, 60, 61, 90, 91)) * DAY
    later = today + random.randrange(1, 900) * DAY
    shapes: list[dict[str, Any]] = [
        {"ends": today},
        {"ends": today - DAY},
        {"starts": today + DAY},
        {"cancelled_on": today - 7 * DAY},
        {"cancelled_on": today + random.choice((0, 1, 20)) * DAY},
        {"ends": None},
        {"ended_on": today - random.randrange(3) * DAY},
        {"starts": None},
        {"starts": None, "ends": None},
        {"ends": soon},
        {"starts": today, "ends": today},
        {},
    ]
    return {
        "provider": "Apple",
        "plan": "AppleCare+",
        "kind": random.choice(("applecare", "applecare", "applecare", "limited_warranty", "other")),
        "starts": today - 400 * DAY,
        "ends": later,
        "cancelled_on": None,
        "ended_on": None,
    } | random.choice(shapes)


def _incident(random: Random, today: date) -> dict[str, Any]:
    shipped = today - random.randrange(20, 500) * DAY
    closed = random.random() < 0.8
    status: IncidentStatus = default_status(is_open=not closed)
    back = datetime.combine(shipped, time(random.randrange(24)), UTC) + random.randrange(2, 19) * DAY
    return {
        "kind": random.choice(("screen", "battery", "lost")),
        "summary": "Cracked",
        "status": status,
        "opened_by": "Ada",
        "opened_by_id": "1",
        "sent_at": datetime.combine(shipped, time(15), UTC),
        "shipped_on": shipped,
        "closed_at": back if closed else None,
        "outcome": random.choice(("repaired", "replaced", "other")) if closed else "",
    }


class ByHand:
    """The same numbers, device by device in plain Python, from what the district was made of."""

    def __init__(self, district: list[Made], today: date, zone: ZoneInfo) -> None:
        self.coverage: Counter[str] = Counter()
        self.warranty: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.models: Counter[str] = Counter()
        self.storage: Counter[int | None] = Counter()
        self.within: Counter[int] = Counter()
        self.ends: Counter[str] = Counter()
        self.repairs: Counter[tuple[str, bool]] = Counter()
        self.days: Counter[tuple[str, bool]] = Counter()
        self.incidents: Counter[str] = Counter()
        self.other = self.current = 0
        for made in district:
            self._count(made, today)
            self._count_incidents(made, today, zone)

    def _count(self, made: Made, today: date) -> None:
        self.kinds[made.kind] += 1
        if made.kind in ("lost", "retired"):
            return
        self.current += 1
        self.models[_model(made)] += 1
        if made.apple is None and _says_other(made.device):
            self.other += 1
            return
        self.storage[made.apple["capacity"] if made.apple else None] += 1
        state, last = _state(made, "applecare", today)
        self.coverage[state] += 1
        self.warranty[_state(made, "limited_warranty", today)[0]] += 1
        if state == "covered":
            self.ends[f"{last:%Y-%m}" if last else ""] += 1
            for days in (30, 60, 90):
                self.within[days] += last is not None and last <= today + days * DAY

    def _count_incidents(self, made: Made, today: date, zone: ZoneInfo) -> None:
        since = date(today.year - 1, today.month + 1, 1) if today.month < 12 else date(today.year, 1, 1)
        for incident in made.incidents:
            if incident["shipped_on"] >= since and incident["kind"] != "lost":
                self.incidents[_model(made)] += 1
            if incident["closed_at"] is None:
                continue
            closed = incident["closed_at"].astimezone(zone).date()
            if closed >= since:
                key = (f"{closed:%Y-%m}", incident["outcome"] == "replaced")
                self.repairs[key] += 1
                self.days[key] += max(0, (closed - incident["shipped_on"]).days)


def _model(made: Made) -> str:
    return (made.apple or {}).get("device_model") or made.device["model"]


def _says_other(device: dict[str, Any]) -> bool:
    if device["product_family"] in ("Chromebook", "Windows"):
        return True
    if device["product_family"] in ("iPad", "Mac"):
        return False
    return bool(device["manufacturer"]) and not device["manufacturer"].lower().startswith("apple")


def _state(made: Made, kind: str, today: date) -> tuple[str, date | None]:
    """The state, and the last day of the unbroken run of covered days that holds today."""
    covers = [_span(record) for record in made.records if record["kind"] == kind]
    spans = [(first, last) for first, last in covers if first <= last]
    if any(first <= today <= last for first, last in spans):
        last = today
        while later := [
            end
            for first, end in spans
            if first <= last + (DAY if last < date.max else 0 * DAY) and end > last
        ]:
            last = max(later)
        return "covered", None if last == date.max else last
    if any(first <= today for first, _last in spans):
        return "ended", None
    checked = made.check and made.check["succeeded_at"] and not made.check["failure"]
    return ("none" if checked else "unknown"), None


def _span(record: dict[str, Any]) -> tuple[date, date]:
    lasts = [record["ends"], *(day - DAY for day in (record["cancelled_on"], record["ended_on"]) if day)]
    return record["starts"] or date.min, min((day for day in lasts if day), default=date.max)
