"""How fast requests are sent: as fast as Apple allows, never faster (apple-api.md section 8).

Until Apple first refuses, the rate doubles quickly. A refusal (429) cuts it once; from then on it grows slowly,
to stay just under Apple's limit. While Apple's Retry-After runs, nothing is sent by any task.
"""

import random
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from appleschool.clock import Clock

FIRST_RATE = 10.0
DOUBLES_EVERY = 0.25
CUT = 0.85
GROWTH_PER_SECOND = 1.01
LOWEST_RATE = 0.05
UNBOUNDED = 50_000.0
BURST = 0.01
WITHOUT_ADVICE = (30.0, 60.0)


@dataclass(frozen=True, slots=True)
class Limits:
    """Ceilings of the client. `max_rate` is in requests a second, 0 for none; times are in seconds."""

    max_rate: float = 5.0
    concurrency: int = 4
    initial_rate: float | None = None
    attempts: int = 5
    timeout: float = 30.0
    longest_wait: float = 900.0


class Pace:
    """One limiter for all requests of a connection. `rate` is the present requests a second, None if unbounded."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self.requests = 0
        self.throttled = 0
        self.retries = 0
        self._clock = clock
        self._ceiling = limits.max_rate or float("inf")
        self._rate = min(self._ceiling, limits.initial_rate or FIRST_RATE)
        self._refused = limits.initial_rate is not None
        self._grown_at = clock.monotonic()
        self._next_at = clock.monotonic()
        self._held_until = 0.0
        self._refusals_without_advice = 0

    @property
    def rate(self) -> float | None:
        return None if self._rate >= UNBOUNDED else self._rate

    @property
    def found(self) -> float | None:
        """The rate to begin with next time: known once Apple has refused, None before."""
        return self.rate if self._refused else None

    async def ready(self) -> None:
        """Wait for this request's turn. A wait that is cancelled leaves its turn unused, no more."""
        while True:
            now = self._clock.monotonic()
            if now < self._held_until:
                await self._clock.sleep(self._held_until - now)
                continue
            self._grow(now)
            turn = max(self._next_at, now - BURST)
            self._next_at = turn + 1 / self._rate
            if turn - now > BURST:
                await self._clock.sleep(turn - now)
                if self._clock.monotonic() < self._held_until:
                    continue
            self.requests += 1
            return

    def refused(self, advice: float | None) -> float:
        """Apple said 429. Hold everything for as long as it asks, and slow down once; the seconds to wait."""
        self.throttled += 1
        now = self._clock.monotonic()
        if advice is None:
            advice = WITHOUT_ADVICE[min(self._refusals_without_advice, len(WITHOUT_ADVICE) - 1)]
            self._refusals_without_advice += 1
        if now >= self._held_until:
            self._rate = max(LOWEST_RATE, self._rate * CUT)
            self._refused = True
        until = now + advice + random.uniform(0.02, 0.1) * min(advice + 1, 10)  # noqa: S311 - jitter
        self._held_until = max(self._held_until, until)
        self._next_at = max(self._next_at, self._held_until)
        self._grown_at = self._held_until
        return advice

    def allowed(self) -> None:
        self._refusals_without_advice = 0

    def _grow(self, now: float) -> None:
        passed = now - self._grown_at
        if self._refused:
            if passed > 0:
                self._rate *= GROWTH_PER_SECOND ** min(passed, 60)
                self._grown_at = now
        elif passed >= DOUBLES_EVERY and self._rate < UNBOUNDED:
            self._rate *= 2
            self._grown_at = now
        self._rate = min(self._rate, self._ceiling)


def retry_after(header: str | None, *, date: str | None, now: float) -> float | None:
    """Seconds from Apple's Retry-After: given as such, or as a date, counted from Apple's `Date` or else `now`."""
    if not header:
        return None
    header = header.strip()
    if header.isascii() and header.isdigit():
        return float(min(int(header[:9]), 86_400))
    until = http_date(header)
    if until is None:
        return None
    return min(max(until - (http_date(date) or now), 0.0), 86_400.0)


def http_date(text: str | None) -> float | None:
    """UNIX seconds of an HTTP date, None if it is none."""
    if not text:
        return None
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def backoff(attempt: int) -> float:
    """Seconds before trying again for the nth time (from 0): doubling from 0.5 to 30, less up to a half at random."""
    return min(30.0, 0.5 * 2**attempt) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
