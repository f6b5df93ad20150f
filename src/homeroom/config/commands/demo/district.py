"""An invented district: its schools, its people and its devices, most of which stand in the simulated Apple."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random

from appleschool_sim.devices import Device
from appleschool_sim.world import World

DEPOT = "District Depot"
SCHOOLS = (
    "Adams Elementary",
    "Birch Lane Elementary",
    "Cedar Elementary",
    "Douglass Elementary",
    "Eastside Elementary",
    "Fairview Elementary",
    "Garfield Middle School",
    "Harriet Tubman Middle School",
    "Irving Middle School",
    "Jefferson High School",
    "King High School",
    DEPOT,
)
FIRST_NAMES = (
    "Ada", "Amir", "Bea", "Caleb", "Chloe", "Daniel", "Diego", "Elena", "Emma", "Ezra", "Fatima", "Grace", "Hana",
    "Henry", "Ines", "Isaac", "Jada", "James", "Kai", "Layla", "Leo", "Lucia", "Maya", "Miles", "Nia", "Noah",
    "Olive", "Omar", "Priya", "Quinn", "Rosa", "Ruth", "Sam", "Sofia", "Theo", "Uma", "Victor", "Wren", "Yara", "Zoe",
)  # fmt: skip
LAST_NAMES = (
    "Abbott", "Alvarez", "Baker", "Bell", "Brooks", "Chen", "Cole", "Cruz", "Diaz", "Evans", "Flores", "Garcia",
    "Gray", "Hall", "Hayes", "Ito", "James", "Kaur", "Kelly", "Khan", "Lee", "Lopez", "Meyer", "Morris", "Nguyen",
    "Okafor", "Ortiz", "Park", "Patel", "Price", "Reed", "Rivera", "Scott", "Silva", "Stone", "Tran", "Walker", "Young",
)  # fmt: skip
FUNDING = ("Title I", "General fund", "Technology levy", "Grant 2025")


@dataclass(frozen=True, slots=True)
class Plan:
    """How many of the district's devices are what; the rest are Apple devices that Apple lists."""

    devices: int

    @property
    def chromebooks(self) -> int:
        return self.devices // 10

    @property
    def unknown_to_apple(self) -> int:
        """Apple devices that were bought at retail and never added to the account."""
        return self.devices // 40

    @property
    def near_matches(self) -> int:
        """Serial numbers typed with another case, a blank, or O for 0."""
        return min(6, self.devices // 50)

    @property
    def in_apple(self) -> int:
        return self.devices - self.chromebooks - self.unknown_to_apple

    @property
    def listed_by_apple(self) -> int:
        """Apple lists some that the inventory does not have."""
        return self.in_apple + self.devices // 20


def write_people(path: Path, plan: Plan, seed: int) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.DictWriter(file, ["external_id", "name", "email", "kind", "grade", "site", "active"])
        rows.writeheader()
        rows.writerows(_people(plan, Random(seed)))  # noqa: S311 - an invented district


def write_devices(path: Path, plan: Plan, world: World, seed: int) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.DictWriter(
            file,
            [
                "asset_tag",
                "serial_number",
                "name",
                "manufacturer",
                "model",
                "product_family",
                "site",
                "status",
                "person",
                "purchase_date",
                "cost",
                "purchase_order",
                "funding_source",
            ],
        )
        rows.writeheader()
        rows.writerows(_devices(plan, world, Random(seed + 1)))  # noqa: S311 - an invented district


def insured_tags(plan: Plan) -> Iterator[str]:
    """Every twentieth device has the district's own insurance, which Apple knows nothing of."""
    return (_tag(number) for number in range(0, plan.devices, 20))


def _people(plan: Plan, random: Random) -> Iterator[dict[str, object]]:
    for number in range(plan.devices):
        first, last = random.choice(FIRST_NAMES), random.choice(LAST_NAMES)
        staff = number % 12 == 0
        school = _school(number)
        yield {
            "external_id": _person_id(number),
            "name": f"{first} {last}",
            "email": f"{first}.{last}.{number}@district.example".lower(),
            "kind": "staff" if staff else "student",
            "grade": "" if staff else _grade(school, random),
            "site": school,
            "active": "true",
        }


def _devices(plan: Plan, world: World, random: Random) -> Iterator[dict[str, object]]:
    for number in range(plan.devices):
        status = random.choices(("In service", "In storage", "In repair", "Lost"), (88, 8, 3, 1))[0]
        in_service = status == "In service"
        row = {
            "asset_tag": _tag(number),
            "site": _school(number) if in_service else DEPOT,
            "status": status,
            "person": _person_id(number) if in_service else "",
            "purchase_order": f"PO-{2021 + number % 5}-{100 + number // 40}",
            "funding_source": FUNDING[number // 25 % len(FUNDING)],
        }
        yield row | _made_by(number, plan, world, random)


def _made_by(number: int, plan: Plan, world: World, random: Random) -> dict[str, object]:
    if number < plan.in_apple:
        return _apple_device(world.device_at(number), number, plan)
    if number < plan.in_apple + plan.unknown_to_apple:
        return {
            "serial_number": f"HRT{number:07}X",
            "manufacturer": "Apple",
            "model": "iPad (9th generation)",
            "product_family": "iPad",
            "purchase_date": date(2023, 8, 1) + timedelta(days=number % 200),
            "cost": "329.00",
        }
    return {
        "serial_number": f"5CD{random.randrange(16**7):07X}",
        "manufacturer": "HP",
        "model": "Chromebook 11 G9",
        "product_family": "Chromebook",
        "purchase_date": date(2022, 7, 1) + timedelta(days=number % 300),
        "cost": "289.00",
    }


def _apple_device(device: Device, number: int, plan: Plan) -> dict[str, object]:
    return {
        "serial_number": _mistyped(device.serial, number) if number < plan.near_matches else device.serial,
        "name": f"{device.model.family}-{number:05}",
        "manufacturer": "Apple",
        "model": device.model.name,
        "product_family": device.model.family,
        "purchase_date": device.ordered.date() if device.ordered else "",
        "cost": "429.00" if device.model.family == "iPad" else "999.00",
    }


def _mistyped(serial: str, number: int) -> str:
    match number % 3:
        case 0:
            return serial.lower()
        case 1:
            return f"{serial[:4]} {serial[4:]}"
        case _:
            return serial.replace("0", "O").replace("1", "I") + (
                "" if "0" in serial or "1" in serial else "O"
            )


def _school(number: int) -> str:
    return SCHOOLS[number % (len(SCHOOLS) - 1)]


def _grade(school: str, random: Random) -> str:
    if "Elementary" in school:
        return random.choice(("K", "1", "2", "3", "4", "5"))
    return str(random.randint(6, 8) if "Middle" in school else random.randint(9, 12))


def _tag(number: int) -> str:
    return f"{100000 + number}"


def _person_id(number: int) -> str:
    return f"{700000 + number}"
