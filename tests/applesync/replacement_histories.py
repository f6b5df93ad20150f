"""Districts whose devices break, with everything that happens to them, and the truth of what replaced what.

Written from what is known of Apple, schools and resellers alone; it does not know how Homeroom decides. What it takes
for granted, and the decision page says so too: Apple treats the replacements of one account all alike (the original
leaves the list before the new device appears, or after it, or never; orders come from Apple, or don't say), and sends
another kind of device only where it has none of the kind. Everything else is as disorderly as it gets. Left out is
what nobody could tell from a proper replacement: an original at Apple that somebody released by hand just when the
replacement of a device nobody wrote down came; numbers that were typed into the wrong one of two like devices.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from random import Random

START = datetime(2026, 9, 1, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NIGHTS = 75


class Special(StrEnum):
    """The special cases; each is to occur hundreds of times."""

    SINGLE = "single repair"
    BATCH = "batch of identical devices"
    MIXED_BOX = "a box of several kinds"
    WRONG_ORDER = "arrived in another order than sent"
    RESELLER = "reseller's order that begins with R"
    OWN_SERIAL = "came back with its own serial number"
    CHAIN = "replaced replacement"
    OTHER_MODEL = "another model sent back"
    OTHER_LOOK = "another color or capacity sent back"
    OPENED_LATE = "incident opened late"
    NEVER_OPENED = "incident never opened"
    LEFT_BEFORE = "original left before"
    LEFT_AFTER = "original left after"
    LEFT_NEVER = "original never left"
    FORGOTTEN = "original unknown to Apple afterwards"
    SURPLUS = "devices released as surplus"
    BY_HAND = "original released by hand"
    NUMBERED = "order number is the repair number"
    OTHER_NUMBER = "repair number of another form or order"
    SWAPPED_NUMBERS = "numbers swapped between unlike devices"
    TOLD = "told by the device management service"
    READDED = "old replacement added to the organization again"
    UNKNOWN_LOOK = "Apple leaves out color or capacity"


@dataclass(frozen=True)
class Kind:
    family: str
    model: str
    product_type: str
    part: str
    capacity: int
    color: str


@dataclass
class Device:
    serial: str
    kind: Kind
    added: datetime
    order: str = ""
    ordered: datetime | None = None
    source: str = "APPLE"
    left: datetime | None = None
    forgotten: bool = False
    part: str = ""
    shows_color: bool = True
    shows_capacity: bool = True
    told: tuple[datetime, str] | None = None
    """From when on the inventory knows which serial it replaces."""


@dataclass
class Case:
    """A broken device on its way, whether written down or not."""

    original: str
    shipped: datetime
    number: int | None = None
    """Of its incident; None where nobody opened one."""
    opened: datetime | None = None
    sent: datetime | None = None
    repair_number: str = ""
    closed: datetime | None = None
    replacement: str | None = None
    batch: int | None = None


@dataclass
class History:
    seed: int
    devices: dict[str, Device] = field(default_factory=dict)
    cases: list[Case] = field(default_factory=list)
    specials: Counter[Special] = field(default_factory=Counter)
    tended: bool = True
    """Whether people look at what is to be reviewed."""

    @property
    def truth(self) -> dict[str, str]:
        return {case.replacement: case.original for case in self.cases if case.replacement}

    def nights(self) -> Iterator[datetime]:
        """Those after which something is seen that was not seen before."""
        last = -1
        moments = sorted(self._moments())
        for number in range(1, NIGHTS + 1):
            night = START + number * DAY
            if (happened := bisect_right(moments, night)) != last:
                yield night
            last = happened

    def _moments(self) -> Iterator[datetime]:
        for device in self.devices.values():
            yield from filter(None, (device.added, device.left, device.told and device.told[0]))
        for case in self.cases:
            yield from filter(None, (case.opened, case.closed))


_GB = 1_000_000_000
_IPADS = [
    ("iPad (10th generation)", "iPad13,18", "MPQ13LL/A"),
    ("iPad (10th generation)", "iPad13,19", "MQ6K3LL/A"),
    ("iPad (9th generation)", "iPad12,1", "MK2K3LL/A"),
    ("iPad (A16)", "iPad15,7", "MD3Y4LL/A"),
]
_MACS = [
    ("MacBook Air (13-inch, M3, 2024)", "Mac15,12", "MRXN3LL/A"),
    ("MacBook Air (M1, 2020)", "MacBookAir10,1", "MGN63LL/A"),
]


def _kinds(
    family: str, models: list[tuple[str, str, str]], capacities: list[int], colors: list[str]
) -> list[Kind]:
    return [
        Kind(family, model, product_type, part, capacity * _GB, color)
        for model, product_type, part in models
        for capacity in capacities
        for color in colors
    ]


CATALOG = {
    "iPad": _kinds("iPad", _IPADS, [64, 256], ["BLUE", "SILVER", "SPACE GRAY"]),
    "Mac": _kinds("Mac", _MACS, [256, 512], ["SILVER", "SPACE GRAY"]),
    "iPhone": _kinds(
        "iPhone",
        [("iPhone SE (3rd generation)", "iPhone14,6", "MMX73LL/A")],
        [64, 128],
        ["MIDNIGHT", "STARLIGHT"],
    ),
}


def history(seed: int) -> History:
    return _Teller(seed).tell()


class _Teller:
    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.told = History(seed, tended=self.random.random() < 0.8)
        self.way = self.random.choices(["before", "after", "never"], [45, 42, 13])[0]
        self.source = self.random.choices(["APPLE", "", "RESELLER"], [88, 9, 3])[0]
        self.numbers = self.random.choices(["none", "equal", "form", "other"], [40, 36, 14, 10])[0]
        self.mdm = self.random.random() < 0.2
        self.leaves_out = self.random.random() < 0.2
        self.parts = self.random.choice(["same", "service", "other"])
        family = self.random.choices(list(CATALOG), [70, 20, 10])[0]
        self.kinds = self.random.sample(CATALOG[family], self.random.randint(1, 3))
        if self.random.random() < 0.4:
            other = self.random.choice([name for name in CATALOG if name != family])
            self.kinds.append(self.random.choice(CATALOG[other]))
        self.stock = self._stock()
        self.serials = 0
        self.incidents = 0

    def tell(self) -> History:
        chapters = [
            (self.single, 10),
            (self.batch, 4),
            (self.mixed_box, 4),
            (self.never_opened, 4),
            (self.opened_late, 4),
            (self.own_serial, 4),
            (self.chain, 4),
            (self.reseller, 4),
            (self.surplus, 4),
            (self.readded, 3),
            (self.by_hand, 8 if self.way == "before" else 0),
        ]
        for chapter in self.random.choices(
            [each for each, _ in chapters], [weight for _, weight in chapters], k=self.random.randint(2, 5)
        ):
            chapter(START + self.random.uniform(0.1, 40) * DAY)
        if self.numbers == "equal" and self.random.random() < 0.95:
            self._swap_numbers()
        return self.told

    # What happens

    def single(self, at: datetime) -> None:
        self._note(Special.SINGLE)
        self._send(self._owned(), at)

    def batch(self, at: datetime) -> None:
        self._note(Special.BATCH)
        size = self.random.choices(
            [self.random.randint(2, 5), self.random.randint(6, 12), self.random.randint(13, 40)], [70, 22, 8]
        )[0]
        kind = self.random.choice(self.kinds)
        cases = [
            self._send(self._owned(kind), at + self.random.uniform(0, 3) * HOUR, batch=True)
            for _ in range(size)
        ]
        arrived = [self.told.devices[case.replacement].added for case in cases if case.replacement]
        if arrived != sorted(arrived):
            self._note(Special.WRONG_ORDER)

    def mixed_box(self, at: datetime) -> None:
        self._note(Special.MIXED_BOX)
        for kind in self.kinds:
            self._send(self._owned(kind), at + self.random.uniform(0, 3) * HOUR)

    def never_opened(self, at: datetime) -> None:
        self._note(Special.NEVER_OPENED)
        self._send(self._owned(), at, written_down=False)

    def opened_late(self, at: datetime) -> None:
        self._note(Special.OPENED_LATE)
        case = self._send(self._owned(), at)
        appeared = self.told.devices[case.replacement].added if case.replacement else at
        case.opened = at + self.random.uniform(0.2, 1.8) * (appeared - at) + 2 * HOUR
        corrected = self.random.random() < 0.3
        case.sent = at.replace(hour=0, minute=0, second=0, microsecond=0) if corrected else case.opened

    def own_serial(self, at: datetime) -> None:
        self._note(Special.OWN_SERIAL)
        case = self._send(self._owned(), at, replaced=False)
        if self.random.random() < 0.6:
            case.closed = at + self.random.uniform(4, 20) * DAY
        if self.random.random() < 0.3:
            self._send(
                self.told.devices[case.original], (case.closed or at) + self.random.uniform(5, 20) * DAY
            )

    def chain(self, at: datetime) -> None:
        self._note(Special.CHAIN)
        first = self._send(self._owned(), at - 0.5 * (at - START), written_down=self.random.random() < 0.8)
        if first.replacement:
            second = self.told.devices[first.replacement]
            self._send(second, second.added + self.random.uniform(2, 20) * DAY)

    def reseller(self, at: datetime) -> None:
        self._note(Special.RESELLER)
        kind = self.random.choice(self.kinds)
        number = self._number()
        style = self.random.choice(["R{}", "R-{}", "RS{}", "R{}-1", "Rechnung {}"])
        ordered = at - self.random.uniform(3, 20) * DAY
        shared = self.random.random() < 0.6
        source = "MANUALLY_ADDED" if self.random.random() < 0.1 else "RESELLER"
        for position in range(self.random.choice([1, 1, 2, 5, 30])):
            order = style.format(number if shared else number + position)
            self._device(
                kind, at + position * timedelta(seconds=2), order=order, ordered=ordered, source=source
            )

    def surplus(self, at: datetime) -> None:
        self._note(Special.SURPLUS)
        for _ in range(self.random.choice([1, 1, 2, 15])):
            device = self._owned()
            device.left, device.forgotten = at + self.random.uniform(0, 2) * HOUR, self.random.random() < 0.3

    def by_hand(self, at: datetime) -> None:
        """Apple then puts no replacement into the account. Only in accounts where it can be told: see above."""
        self._note(Special.BY_HAND)
        case = self._send(self._owned(), at, replaced=False)
        self.told.devices[case.original].left = at + self.random.uniform(-1, 15) * DAY

    def readded(self, at: datetime) -> None:
        self._note(Special.READDED)
        ordered = START - self.random.uniform(60, 900) * DAY
        self._device(
            self.random.choice(self.kinds),
            at,
            order=f"R{self._number()}",
            ordered=ordered,
            source=self.source,
        )

    # How it happens

    def _send(
        self,
        device: Device,
        at: datetime,
        *,
        written_down: bool = True,
        replaced: bool = True,
        batch: bool = False,
    ) -> Case:
        case = Case(device.serial, at, batch=self.told.specials[Special.BATCH] if batch else None)
        self.told.cases.append(case)
        if written_down:
            self.incidents += 1
            case.number = self.incidents
            case.opened = case.sent = at + self.random.choice([0, 0, 0, 3]) * HOUR
        if replaced:
            self._replace(case, device)
        return case

    def _replace(self, case: Case, device: Device) -> None:
        appeared = (
            case.shipped
            + (self.random.uniform(1.5, 14) if self.random.random() < 0.9 else self.random.uniform(0.3, 45))
            * DAY
        )
        kind = self.stock.get(device.kind, device.kind)
        if kind != device.kind:
            self._note(
                Special.OTHER_LOOK if kind.product_type == device.kind.product_type else Special.OTHER_MODEL
            )
        order = f"R{self._number()}"
        new = self._device(
            kind,
            appeared,
            order=order,
            ordered=self._midnight(appeared - self.random.uniform(0, 1) * (appeared - case.shipped)),
            source=self.source,
        )
        if self.parts != "same":
            new.part = (
                f"N{kind.part[1:]}" if self.parts == "service" else f"661-{self.random.randint(10000, 99999)}"
            )
        case.replacement = new.serial
        self._part_with(device, appeared)
        if case.number and self.mdm and self.random.random() < 0.8:
            self._note(Special.TOLD)
            new.told = (appeared + self.random.uniform(0, 60) * HOUR, device.serial)
        if case.number and self.numbers != "none" and self.random.random() < 0.8:
            self._note(Special.NUMBERED if self.numbers == "equal" else Special.OTHER_NUMBER)
            case.repair_number = {
                "equal": order,
                "form": f"G{self._number()}",
                "other": f"R{self._number()}",
            }[self.numbers]

    def _part_with(self, device: Device, appeared: datetime) -> None:
        """The original leaves Apple's list because of its replacement, in this account's way."""
        delay = (
            self.random.choices(
                [self.random.uniform(0.02, 5), self.random.uniform(5, 72), self.random.uniform(72, 310)],
                [80, 16, 4],
            )[0]
            * HOUR
        )
        self._note(
            {"before": Special.LEFT_BEFORE, "after": Special.LEFT_AFTER, "never": Special.LEFT_NEVER}[
                self.way
            ]
        )
        if self.way != "never":
            device.left = appeared - delay if self.way == "before" else appeared + delay
            device.forgotten = self.random.random() < 0.3
            if device.forgotten:
                self._note(Special.FORGOTTEN)

    def _swap_numbers(self) -> None:
        """Between two incidents of unlike devices, where the mistake shows."""
        numbered = [case for case in self.told.cases if case.repair_number]
        for one in numbered:
            for two in numbered:
                if one.number < two.number and self._unlike(one, two):  # type: ignore[operator]
                    one.repair_number, two.repair_number = two.repair_number, one.repair_number
                    self._note(Special.SWAPPED_NUMBERS)
                    self._note(Special.SWAPPED_NUMBERS)
                    return

    def _unlike(self, one: Case, two: Case) -> bool:
        """Whether either's replacement differs from the other's original in something that Apple always tells."""
        devices = self.told.devices
        return all(
            devices[case.replacement or ""].kind.product_type != devices[other.original].kind.product_type
            for case, other in ((one, two), (two, one))
        )

    def _stock(self) -> dict[Kind, Kind]:
        """What Apple sends instead of a kind that it has none of."""
        missing = {}
        if self.random.random() < 0.45:
            short = self.random.choice(self.kinds)
            others = [each for each in CATALOG[short.family] if each != short]
            alike = [each for each in self.kinds if each.family == short.family and each != short]
            missing[short] = self.random.choice(alike if alike and self.random.random() < 0.6 else others)
        return missing

    def _owned(self, kind: Kind | None = None) -> Device:
        added = START - self.random.uniform(30, 1500) * DAY
        return self._device(
            kind or self.random.choice(self.kinds), added, order=str(self._number()), ordered=added - 9 * DAY
        )

    def _device(
        self, kind: Kind, added: datetime, *, order: str, ordered: datetime, source: str = "APPLE"
    ) -> Device:
        self.serials += 1
        device = Device(
            f"S{self.told.seed}N{self.serials}", kind, added, order, ordered, source, part=kind.part
        )
        if self.leaves_out and self.random.random() < 0.3:
            self._note(Special.UNKNOWN_LOOK)
            device.shows_color, device.shows_capacity = self.random.random() < 0.5, self.random.random() < 0.5
        self.told.devices[device.serial] = device
        return device

    def _number(self) -> int:
        return self.random.randint(100_000_000, 9_999_999_999)

    @staticmethod
    def _midnight(moment: datetime) -> datetime:
        return moment.replace(hour=7, minute=0, second=0, microsecond=0)

    def _note(self, special: Special) -> None:
        self.told.specials[special] += 1


# What a district sees of a history


@dataclass(frozen=True)
class SeenDevice:
    serial: str
    family: str
    model: str
    product_type: str
    part: str
    capacity: int | None
    color: str
    added: datetime
    order: str
    ordered: datetime | None
    source: str
    left: tuple[datetime, datetime] | None
    """Between which moments it left Apple's list; none while it is listed."""
    replaces: str


@dataclass(frozen=True)
class SeenIncident:
    number: int
    original: SeenDevice
    sent: datetime
    repair_number: str


@dataclass(frozen=True)
class Seen:
    """What is undecided in Homeroom after one night's listing."""

    new: tuple[SeenDevice, ...]
    """Devices that replace nothing yet, and have an order number that begins with R or are told to replace one."""
    at_apple: tuple[SeenIncident, ...]
    lost: tuple[SeenDevice, ...]
    """Devices that left Apple's list and that are neither at Apple nor replaced, as far as is known."""


def seen(told: History, night: datetime, decided: Mapping[str, str]) -> Seen:
    """`decided` says which original each replacement replaces, of those that are applied."""
    devices = {
        device.serial: _seen_device(device, night)
        for device in told.devices.values()
        if device.added <= night
    }
    at_apple = tuple(
        SeenIncident(case.number, devices[case.original], case.sent, case.repair_number)
        for case in told.cases
        if case.number and case.sent and case.opened and case.opened <= night
        if not (case.closed and case.closed <= night)
        if case.original not in decided.values()
    )
    explained = {*decided.values(), *(each.original.serial for each in at_apple)}
    return Seen(
        new=tuple(
            each
            for each in devices.values()
            if each.serial not in decided and (each.order.startswith("R") or each.replaces)
        ),
        at_apple=at_apple,
        lost=tuple(each for each in devices.values() if each.left and each.serial not in explained),
    )


def _seen_device(device: Device, night: datetime) -> SeenDevice:
    kind = device.kind
    return SeenDevice(
        serial=device.serial,
        family=kind.family,
        model=kind.model,
        product_type=kind.product_type,
        part=device.part,
        capacity=kind.capacity if device.shows_capacity else None,
        color=kind.color if device.shows_color else "",
        added=device.added,
        order=device.order,
        ordered=device.ordered,
        source=device.source,
        left=_left(device, night),
        replaces=device.told[1] if device.told and device.told[0] <= night else "",
    )


def _left(device: Device, night: datetime) -> tuple[datetime, datetime] | None:
    if device.left is None or device.left > night:
        return None
    if not device.forgotten:
        return device.left, device.left
    nights = (device.left - START) // DAY
    return START + nights * DAY, START + (nights + 1) * DAY
