"""What is sent again after a failure, and when. Every decision on that is taken here."""

import logging
import random
from email.utils import parsedate_to_datetime

from appleschool.clock import Clock
from appleschool.errors import AppleError, GarbledAnswer, RateLimited, ServerError, Unreachable
from appleschool.limits import Limits
from appleschool.pace import Pace

log = logging.getLogger(__name__)

LONGEST_ADVICE = 86_400.0
SHORTEST_PAUSE = 0.5
LONGEST_PAUSE = 30.0


class Retries:
    """The patience for one request."""

    __slots__ = ("_clock", "_cuts_rate", "_limits", "_pace", "_sent", "_sent_at", "_waited")

    def __init__(self, limits: Limits, pace: Pace, clock: Clock, *, cuts_rate: bool = True) -> None:
        self._limits = limits
        self._pace = pace
        self._clock = clock
        self._cuts_rate = cuts_rate
        self._sent = 1
        self._sent_at = 0.0
        self._waited = 0.0

    async def ready(self) -> None:
        """Wait for the turn of this request. Raises RateLimited if that is longer than its patience."""
        await self._pace.ready(patience=self._limits.longest_wait)
        self._sent_at = self._clock.monotonic()

    async def wait_after(self, error: AppleError) -> None:
        """Return when the request may be lined up again, or raise the error.

        A refusal (429) is no failure: it only costs time, and the pace holds everybody. What Apple or the
        network broke is tried a few times more. All else would come out the same again.
        """
        match error:
            case RateLimited(status=int()):
                self._pace.throttled += 1
                self._waited += self._pace.hold(error.retry_after, sent_at=self._sent_at, cut=self._cuts_rate)
                log.info("Apple asks to wait: nothing is sent for %.0f s", self._pace.held_for)
                if self._waited > self._limits.longest_wait:
                    raise error
            case ServerError() | Unreachable() | GarbledAnswer():
                if self._sent >= self._limits.attempts:
                    raise error
                log.info("%s Trying again.", error)
                self._pace.retries += 1
                if error.retry_after is None:
                    await self._clock.sleep(backoff(self._sent))
                else:
                    self._pace.hold(error.retry_after, sent_at=self._sent_at, cut=False)
                self._sent += 1
            case _:
                raise error


def backoff(failures: int) -> float:
    """Seconds to pause after so many failures: doubling up to 30, less up to a half at random."""
    longest = min(LONGEST_PAUSE, SHORTEST_PAUSE * 2.0 ** min(failures, 10))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter


def retry_after(header: str | None, *, date: str | None, now: float) -> float | None:
    """Seconds by Apple's Retry-After: a number, or a date counted from Apple's own `Date` or else `now`."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_ADVICE)
    until = http_date(text)
    if until is None:
        return None
    began = http_date(date)
    return min(max(until - (now if began is None else began), 0.0), LONGEST_ADVICE)


def http_date(text: str | None) -> float | None:
    """UNIX seconds of an HTTP date, None if it is none."""
    if not text:
        return None
    try:
        return float(parsedate_to_datetime(text).timestamp())
    except (ValueError, OverflowError, OSError, TypeError, IndexError):
        return None
