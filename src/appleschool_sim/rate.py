"""Apple's unpublished rate limit, as a token bucket."""

import time


class TokenBucket:
    """Lets `burst` requests through at once and `rate` a second after that. Runs on real time."""

    def __init__(self, rate: float, burst: int) -> None:
        self.rate = rate
        self.burst = burst
        self._level = float(burst)
        self._filled = time.monotonic()

    def take(self) -> float:
        """0 if the request may pass, else the seconds until the next one may."""
        now = time.monotonic()
        self._level = min(self.burst, self._level + (now - self._filled) * self.rate)
        self._filled = now
        if self._level >= 1:
            self._level -= 1
            return 0.0
        return (1 - self._level) / self.rate
