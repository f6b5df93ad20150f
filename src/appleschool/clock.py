import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Where the client takes its time from, so that tests can turn it."""

    def time(self) -> float:
        """UNIX seconds."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def time(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
