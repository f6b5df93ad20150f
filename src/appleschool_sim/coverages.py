"""A device's AppleCare records, computed from the seed and its index."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import msgspec

from appleschool_sim.devices import (
    ORDER_SIZE,
    SHOWCASE_EVERY,
    Device,
    days_since_order,
    digest,
    midnight,
    order_of,
)
from appleschool_sim.kinds import CoverageKind, Kind, PaymentType

_SHOWCASE = {
    0: CoverageKind.PLAN,
    1: CoverageKind.LIMITED,
    2: CoverageKind.NONE,
    3: CoverageKind.EXPIRED,
    4: CoverageKind.CANCELED,
    5: CoverageKind.OPEN_ENDED,
}
# In 256ths, cumulated: what the devices that are no showcase have.
_MIX = (
    (14, CoverageKind.NONE),
    (80, CoverageKind.LIMITED),
    (228, CoverageKind.PLAN),
    (242, CoverageKind.CANCELED),
    (256, CoverageKind.OPEN_ENDED),
)
YEAR = 365


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """One element of the coverage answer. Whether it is ACTIVE depends on the day it is asked for."""

    id: str
    description: str
    payment: PaymentType
    starts: datetime
    ends: datetime | None
    agreement: str | None = None
    renewable: bool = False
    canceled: datetime | None = None

    def is_active(self, today: date) -> bool:
        if self.canceled is not None and self.canceled.date() <= today:
            return False
        return self.starts.date() <= today and (self.ends is None or today <= self.ends.date())

    @property
    def is_plan(self) -> bool:
        return self.payment is not PaymentType.NONE


def kind_of(records: Sequence[Coverage], today: date) -> CoverageKind:
    """What the records amount to: a plan that runs wins, then one that was cancelled, then what is left."""
    if not records:
        return CoverageKind.NONE
    active = [record for record in records if record.is_active(today)]
    plans = [record for record in active if record.is_plan]
    if plans:
        return CoverageKind.OPEN_ENDED if any(p.ends is None for p in plans) else CoverageKind.PLAN
    if any(record.canceled is not None for record in records):
        return CoverageKind.CANCELED
    return CoverageKind.LIMITED if active else CoverageKind.EXPIRED


def build_coverages(seed: int, device: Device, *, kind: Kind, today: date) -> tuple[Coverage, ...]:
    d = digest(seed, "coverage", device.index)
    planned = _planned(seed, device.index, d[0])
    if planned is CoverageKind.NONE:
        return ()
    days_ago = days_since_order(seed, device.index)
    starts = midnight(today) - timedelta(days=days_ago - 10 - d[1] % 15)
    limited = Coverage(
        id=device.serial,
        description="Limited Warranty",
        payment=PaymentType.NONE,
        starts=starts,
        ends=starts + timedelta(days=YEAR - 1),
    )
    if planned is CoverageKind.LIMITED:
        return (limited,)
    return (
        limited,
        _plan(planned, device, limited, agreement=f"97{int.from_bytes(d[2:7]) % 10**11:011d}", kind=kind),
    )


def _planned(seed: int, index: int, chance: int) -> CoverageKind:
    if (slot := index % SHOWCASE_EVERY) in _SHOWCASE:
        return _SHOWCASE[slot]
    planned = next(planned for limit, planned in _MIX if chance < limit)
    is_old = order_of(seed, index // ORDER_SIZE).is_old
    return CoverageKind.EXPIRED if is_old and planned is CoverageKind.PLAN else planned


def _plan(
    planned: CoverageKind, device: Device, limited: Coverage, *, agreement: str, kind: Kind
) -> Coverage:
    if planned is CoverageKind.OPEN_ENDED and kind is Kind.BUSINESS:
        return Coverage(
            id=f"abe-{device.serial}",
            description="AppleCare+ for Business",
            payment=PaymentType.ABE_SUBSCRIPTION,
            starts=limited.starts,
            ends=None,
        )
    plan = Coverage(
        id=agreement,
        description="AppleCare Protection Plan" if device.model.family == "AppleTV" else "AppleCare+",
        payment=PaymentType.PAID_UP_FRONT,
        starts=limited.starts,
        ends=limited.starts + timedelta(days=(3 if planned is CoverageKind.EXPIRED else 4) * YEAR),
        agreement=agreement,
    )
    replace = msgspec.structs.replace
    if planned is CoverageKind.OPEN_ENDED:
        return replace(plan, payment=PaymentType.SUBSCRIPTION, ends=None, renewable=True)
    if planned is CoverageKind.CANCELED:
        return replace(plan, canceled=plan.starts + timedelta(days=20))
    return plan
