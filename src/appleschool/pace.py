"""How fast requests are sent: as fast as Apple allows, and not faster.

Apple publishes no limit. Until it first refuses, the rate doubles every twentieth of a second, without end. A
refusal (429) cuts it once to 85 % of what was really sent; from then on it grows by 1 % a second, slower near
the rate that was last refused, so that it stays just under Apple's limit. While Apple's Retry-After runs,
nothing is sent by any task.
"""

import asyncio
import math
import random

from appleschool.clock import Clock
from appleschool.errors import RateLimited
from appleschool.limits import Limits

FIRST_RATE = 10.0
LOWEST_RATE = 0.05
DOUBLES_EVERY = 0.05
BRIEFEST_MEASURE = 0.1
UNBOUNDED = 50_000.0
CUT = 0.85
GROWTH_PER_SECOND = 1.01
GROWTH_NEAR_LIMIT = 1.002
NEAR = 0.05
MOST_SECONDS_OF_GROWTH = 5.0
# Turns closer together than a loop's timers can tell apart are not waited for singly.
GRAIN = 0.01
WINDOW = 2.0
HOLD_WITHOUT_ADVICE = (30.0, 60.0)
SHORTEST_HOLD = 1.0


class Pace:
    """One limiter for all requests of a client, and what became of them."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self.requests = 0
        """How many were sent."""
        self.throttled = 0
        """How many of them Apple refused (429)."""
        self.retries = 0
        """How often something was sent again because Apple failed or the connection broke."""
        self._clock = clock
        self._ceiling = limits.max_rate or math.inf
        self._limit_known = bool(limits.initial_rate)
        self._refused_rate = math.inf
        self._rate = min(self._ceiling, max(limits.initial_rate or FIRST_RATE, LOWEST_RATE))
        now = clock.monotonic()
        self._changed_at = now
        self._next_turn = now
        self._held_until = -math.inf
        self._holds_without_advice = 0
        self._window_began = now
        self._window_sent = 0
        self._sent_lately = math.inf
        self._queue = asyncio.Lock()

    @property
    def rate(self) -> float | None:
        """The present requests a second; None while neither Apple nor a ceiling has set a limit."""
        return self._rate if self._limit_known or self._rate >= self._ceiling else None

    @property
    def held_for(self) -> float:
        """Seconds that nothing may be sent from now on; 0 if something may."""
        return max(0.0, self._held_until - self._clock.monotonic())

    async def ready(self, *, patience: float = math.inf) -> None:
        """Wait for a turn to send. Raises RateLimited at once if Apple's wait is longer than `patience`.

        Turns are given in the order of asking; who is cancelled while waiting takes none.
        """
        if not self._queue.locked() and self._take_turn():
            return
        async with self._queue:
            while True:
                if (held := self.held_for) > patience:
                    raise RateLimited("Apple asks to wait for longer than this can wait.", retry_after=held)
                if held:
                    await self._clock.sleep(held)
                elif self._take_turn():
                    return
                else:
                    await self._clock.sleep(self._next_turn - self._clock.monotonic())

    def sent(self) -> None:
        self.requests += 1
        self._window_sent += 1

    def hold(self, advice: float | None, *, sent_at: float, cut: bool = True) -> float:
        """Send nothing for as long as Apple asks, from now; how many seconds that is.

        `sent_at` is when the refused request was sent: what was sent before an earlier hold ended does not
        cut the rate again. Without advice it is 30 seconds, then 60.
        """
        now = self._clock.monotonic()
        first = sent_at >= self._held_until
        if first and cut:
            self._slow_down(now)
        if advice is None:
            if not first:
                return self.held_for
            advice = HOLD_WITHOUT_ADVICE[min(self._holds_without_advice, len(HOLD_WITHOUT_ADVICE) - 1)]
            self._holds_without_advice += 1
        seconds = max(advice, SHORTEST_HOLD) * random.uniform(1.01, 1.05)  # noqa: S311 - jitter
        self._held_until = max(self._held_until, now + seconds)
        self._changed_at = self._next_turn = self._window_began = self._held_until
        self._window_sent = 0
        return seconds

    def give_way(self, seconds: float) -> None:
        """Send nothing for so long, because somebody else who uses the same account needs it."""
        until = self._clock.monotonic() + seconds
        if until > self._held_until:
            self._held_until = self._changed_at = self._next_turn = self._window_began = until
            self._window_sent = 0

    def allowed(self) -> None:
        """Apple answered something other than a refusal."""
        self._holds_without_advice = 0

    def _take_turn(self) -> bool:
        now = self._clock.monotonic()
        if now < self._held_until:
            return False
        self._speed_up(now)
        if self._next_turn - now > GRAIN:
            return False
        self._next_turn = max(self._next_turn, now - GRAIN) + 1 / self._rate
        return True

    def _speed_up(self, now: float) -> None:
        passed = now - self._changed_at
        if self._limit_known:
            near = abs(self._rate / self._refused_rate - 1) < NEAR
            growth = GROWTH_NEAR_LIMIT if near else GROWTH_PER_SECOND
            self._rate *= growth ** min(max(passed, 0.0), MOST_SECONDS_OF_GROWTH)
        elif passed < DOUBLES_EVERY:
            return
        else:
            self._rate *= 2
        self._rate = min(self._rate, self._ceiling, UNBOUNDED)
        self._changed_at = now
        if now - self._window_began > WINDOW:
            self._sent_lately = self._window_sent / (now - self._window_began)
            self._window_began, self._window_sent = now, 0

    def _slow_down(self, now: float) -> None:
        """The rate allowed may be far above what was really sent, and only that tells of Apple's limit."""
        elapsed = now - self._window_began
        sent = self._window_sent / elapsed if elapsed > WINDOW / 4 else self._sent_lately
        if math.isinf(sent):
            sent = self._window_sent / max(elapsed, BRIEFEST_MEASURE)
        self._refused_rate = min(self._rate, max(sent, 1.0))
        self._rate = max(LOWEST_RATE, self._refused_rate * CUT)
        self._limit_known = True
