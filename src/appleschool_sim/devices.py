"""One device, computed from the seed and its index."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import msgspec

from appleschool_sim.catalog import CATALOG, DUAL_SIM_IPHONE, IMAC, Model
from appleschool_sim.kinds import PurchaseSource

ORDER_SIZE = 30
# The first of every so many devices are oddities of real fleets, so that even a small world has them all.
SHOWCASE_EVERY = 500
SHOWCASE_IMAC = 6
SHOWCASE_DUAL_SIM = 7
SHOWCASE_RESELLER_R = 8
SHOWCASE_MANUAL = 9
SHOWCASE_NO_COLOR = 10
SHOWCASE_NULLS = 11
SHOWCASE_ABSENT = 12
SHOWCASE_MEID = 14
SHOWCASE_RESELLER_ODD = 15
OLD_ORDER_IN = 8
# The showcases of coverage need an age at which their kind of coverage makes sense.
_SHOWCASE_AGES = {0: 210, 1: 230, 3: 1620, 4: 250, 5: 270}
REPLACEMENT_ORDERS = 10**9
# Places in the catalog: a school buys iPads for the most part, and few Apple TVs.
_SOLD_LATELY = (0, 0, 0, 0, 2, 2, 2, 2, 3, 3, 6, 0, 2, 7)
_SOLD_LONG_AGO = (1, 1, 1, 4, 4, 5)


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """What the simulated Apple knows of a device."""

    index: int
    serial: str
    model: Model
    capacity: str
    color: str
    part_number: str
    ordered: datetime | None
    order_number: str | None
    added: datetime
    updated: datetime
    source: PurchaseSource
    source_id: str | None
    server_id: str | None
    imei: tuple[str, ...] = ()
    meid: tuple[str, ...] = ()
    eid: str | None = None
    wifi_mac: str | None = None
    bluetooth_mac: str | None = None
    ethernet_mac: tuple[str, ...] = ()
    leaves_out_empty: bool = False
    released: datetime | None = None
    replaces: str | None = None
    os_version: str | None = None
    migration_status: str | None = None
    migration_deadline: datetime | None = None


class Order(msgspec.Struct, frozen=True):
    model: Model
    number: str
    days_ago: int
    source: PurchaseSource
    source_id: str
    is_old: bool


def digest(seed: int, *parts: object) -> bytes:
    """32 bytes that look random and depend on nothing but the arguments."""
    return blake2b(repr((seed, parts)).encode(), digest_size=32).digest()


@lru_cache(maxsize=4096)
def order_of(seed: int, batch: int) -> Order:
    """The order that a run of neighboring devices was bought with."""
    d = digest(seed, "order", batch)
    is_old = d[0] % OLD_ORDER_IN == OLD_ORDER_IN - 1
    number = int.from_bytes(d[4:8]) % 9_000_000_000 + 1_000_000_000
    from_reseller = d[3] % 4 == 0
    places = _SOLD_LONG_AGO if is_old else _SOLD_LATELY
    return Order(
        model=CATALOG[places[d[2] % len(places)]],
        number=f"PO-{number % 1_000_000}/{d[9] % 90 + 10}" if from_reseller else str(number),
        days_ago=1500 + d[1] * 2 if is_old else 40 + d[1] * 4,
        source=PurchaseSource.RESELLER if from_reseller else PurchaseSource.APPLE,
        source_id="3A7F21C" if from_reseller else "0001234567",
        is_old=is_old,
    )


def days_since_order(seed: int, index: int) -> int:
    return _SHOWCASE_AGES.get(index % SHOWCASE_EVERY) or order_of(seed, index // ORDER_SIZE).days_ago


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def build_device(seed: int, index: int, *, serial: str, today: date, server_id: str | None) -> Device:
    order = order_of(seed, index // ORDER_SIZE)
    d = digest(seed, "device", index)
    slot = index % SHOWCASE_EVERY
    model = {SHOWCASE_IMAC: IMAC, SHOWCASE_DUAL_SIM: DUAL_SIM_IPHONE}.get(slot, order.model)
    ordered = midnight(today) - timedelta(days=days_since_order(seed, index)) + timedelta(hours=7)
    added = ordered + timedelta(days=2 + d[0] % 12, milliseconds=int.from_bytes(d[1:4]) * 5)
    updated = added + timedelta(days=1 + d[4] % 9, milliseconds=int.from_bytes(d[5:8]) * 4)
    colors, capacities = model.colors, model.capacities
    device = Device(
        index=index,
        serial=serial,
        model=model,
        capacity=capacities[d[14] % len(capacities)],
        color=colors[d[15] % len(colors)],
        part_number=model.part_number,
        ordered=ordered,
        order_number=order.number,
        added=added,
        updated=updated,
        source=order.source,
        source_id=order.source_id,
        server_id=server_id,
        **_hardware(model, d, imeis=2 if slot == SHOWCASE_DUAL_SIM else 1),
        leaves_out_empty=d[13] % 2 == 1,
    )
    return _as_showcase(device, slot) if slot <= SHOWCASE_RESELLER_ODD else device


def _as_showcase(device: Device, slot: int) -> Device:
    changes: dict[int, dict[str, Any]] = {
        SHOWCASE_RESELLER_R: {
            "order_number": "R2231-77",
            "source": PurchaseSource.RESELLER,
            "source_id": "3A7F21C",
        },
        # Apple shows about the time of adding, not of buying, for devices added with Apple Configurator.
        SHOWCASE_MANUAL: {
            "order_number": None,
            "source": PurchaseSource.MANUALLY_ADDED,
            "source_id": None,
            "ordered": midnight(device.added.date()),
        },
        SHOWCASE_NO_COLOR: {"color": ""},
        SHOWCASE_NULLS: {
            "ordered": None,
            "order_number": None,
            "wifi_mac": None,
            "leaves_out_empty": False,
        },
        SHOWCASE_ABSENT: {"ordered": None, "order_number": None, "wifi_mac": None, "leaves_out_empty": True},
        SHOWCASE_MEID: {"meid": ("35404910123456",)},
        SHOWCASE_RESELLER_ODD: {
            "order_number": "web #48 / ä",
            "source": PurchaseSource.RESELLER,
            "source_id": "-2085650007946880",
        },
    }
    return msgspec.structs.replace(device, **changes[slot]) if slot in changes else device


def another_unit(seed: int, device: Device, serial: str) -> Device:
    """A device of the same model that is not assigned to a server."""
    hardware = _hardware(device.model, digest(seed, "unit", serial), imeis=len(device.imei) or 1)
    return msgspec.structs.replace(device, serial=serial, server_id=None, meid=(), **hardware)


def of_model(device: Device, model: Model) -> Device:
    """The device as if it were of another model, in that model's first color and capacity."""
    return msgspec.structs.replace(
        device,
        model=model,
        capacity=model.capacities[0],
        color=model.colors[0],
        part_number=model.part_number,
    )


def _hardware(model: Model, d: bytes, *, imeis: int) -> dict[str, Any]:
    mac = d[8:13].hex().upper()
    first_imei = int.from_bytes(d[20:26]) % 10**9
    return {
        "imei": tuple(f"35{first_imei + n:013d}" for n in range(imeis)) if model.cellular else (),
        "eid": f"8904{int.from_bytes(d[16:28]):028d}"[:32] if model.cellular else None,
        "wifi_mac": f"A4{mac}",
        "bluetooth_mac": f"A6{mac}",
        "ethernet_mac": (f"A8{mac}",) if model.ethernet else (),
    }
