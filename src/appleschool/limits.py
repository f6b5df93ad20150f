"""How far the client may go."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Ceilings and patience. Times are in seconds.

    `max_rate` is in requests a second, 0 or None for no ceiling; `initial_rate` is the `Pace.rate` that an
    earlier client found. `attempts` bounds how often one request is sent when Apple fails or the connection
    breaks, `longest_wait` how long one request may be told to wait in all.
    """

    max_rate: float | None = 5.0
    concurrency: int = 4
    initial_rate: float | None = None
    attempts: int = 5
    timeout: float = 30.0
    longest_wait: float = 900.0
