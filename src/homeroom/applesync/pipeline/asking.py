"""Whom a run asks: Apple itself, or what Apple said in a preview."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from django.utils import timezone

from appleschool import AppleError, AppleSchool, MdmDevice, MdmDeviceDetails, NotFound, OrgDevice, Page
from homeroom.applesync.pipeline.coverage import Answer
from homeroom.applesync.pipeline.missing import Departure
from homeroom.applesync.pipeline.queue import Target

PAGE = 1000
# Two processes reckon the end of one wait by as much apart.
SAME_WAIT = 0.5


@dataclass(frozen=True, slots=True)
class Spent:
    """Requests of a run so far."""

    requests: int = 0
    throttled: int = 0
    retries: int = 0


class Asked(Protocol):
    """What answers a run's questions."""

    @property
    def concurrency(self) -> int:
        """How many questions it can be asked at once."""

    @property
    def spent(self) -> Spent: ...

    @property
    def rate(self) -> float | None:
        """Requests a second at present; None while no limit was met."""

    def pages(self, cursor: str | None) -> AsyncIterator[Page[OrgDevice]]:
        """The list of devices, from its beginning or from where an earlier page ended."""

    async def departure(self, serial_number: str) -> Departure | None:
        """Whether a device that left the list also left the organization."""

    async def coverage(self, target: Target) -> Answer:
        """The answer about one device; a failure that concerns it alone is an answer too."""


class LiveApple:
    """Apple, through its API."""

    def __init__(self, school: AppleSchool) -> None:
        self._school = school

    @property
    def concurrency(self) -> int:
        return self._school.limits.concurrency

    @property
    def spent(self) -> Spent:
        pace = self._school.pace
        return Spent(pace.requests, pace.throttled, pace.retries)

    @property
    def rate(self) -> float | None:
        return self._school.pace.rate

    def give_way_to(self, seconds: float) -> float:
        """Send nothing for so long; the seconds that Apple itself asks to wait beyond that."""
        own = self._school.pace.held_for
        self._school.pace.give_way(seconds)
        return own if own > seconds + SAME_WAIT else 0.0

    def pages(self, cursor: str | None) -> AsyncIterator[Page[OrgDevice]]:
        return self._school.org_devices(limit=PAGE, cursor=cursor)

    async def departure(self, serial_number: str) -> Departure | None:
        try:
            device = await self._school.org_device(serial_number)
        except NotFound:
            return Departure(None)
        released = device.released_from_org_at
        return Departure(released) if released else None

    async def coverage(self, target: Target) -> Answer:
        try:
            coverages = await self._school.apple_care_coverage(target.serial_number)
        except NotFound:
            return Answer(target, timezone.now())
        except AppleError as error:
            if not error.concerns_one_request:
                raise
            return Answer(target, timezone.now(), failure=str(error)[:300])
        return Answer(target, timezone.now(), coverages)

    def managed_devices(self) -> AsyncIterator[Page[MdmDevice]]:
        """The list of built-in device management."""
        return self._school.mdm_devices(limit=PAGE)

    async def managed_details(self, apple_id: str) -> MdmDeviceDetails:
        return await self._school.mdm_device_details(apple_id)
