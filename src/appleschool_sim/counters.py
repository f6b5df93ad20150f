"""What the clients did, so that a test can ask whether they behaved."""

import time
from collections import Counter, deque
from datetime import UTC, datetime

import msgspec

from appleschool_sim.kinds import RequestKind

# A request that left the client before the 429 reached it can arrive this much later.
GRACE = 0.1
REMEMBERED = 100
LONGEST_PATH = 200


class Seen(msgspec.Struct, frozen=True, gc=False):
    """One request as it went by. Its query stays out: it may hold an assertion. Status 0: no answer was sent."""

    number: int
    at: datetime
    method: str
    path: str
    status: int


class Counters:
    """Counts requests by kind and status, the most at once, and those sent while a Retry-After ran."""

    def __init__(self) -> None:
        self.at_once = 0
        self._seen: deque[Seen] = deque(maxlen=REMEMBERED)
        self._seen_in_all = 0
        self.reset()

    def reset(self) -> None:
        self.requests: Counter[RequestKind] = Counter()
        self.statuses: Counter[int] = Counter()
        self.most_at_once = self.at_once
        self.too_early = 0
        self.devices_listed = 0
        self.coverage_repeated = 0
        self.last_token_mistake: str | None = None
        self._covered: dict[int, int] = {}
        self._held: dict[bool, tuple[float, float]] = {}

    @property
    def coverage_devices(self) -> int:
        """How many different devices were asked about."""
        return sum(bits.bit_count() for bits in self._covered.values())

    def begin(self, kind: RequestKind) -> None:
        self.requests[kind] += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        held = self._held.get(kind is RequestKind.TOKEN)
        if held is not None and held[0] < time.monotonic() < held[1]:
            self.too_early += 1

    def end(self, status: int) -> None:
        self.at_once -= 1
        self.statuses[status] += 1

    def saw(self, method: str, path: str, status: int) -> None:
        """Remember a request for those who watch."""
        self._seen_in_all += 1
        self._seen.append(Seen(self._seen_in_all, datetime.now(UTC), method, path[:LONGEST_PATH], status))

    def latest(self, after: int = 0) -> list[Seen]:
        """The latest requests of those with a higher number, the last one first."""
        return [seen for seen in reversed(self._seen) if seen.number > after]

    def hold(self, kind: RequestKind, seconds: float) -> None:
        """A 429 told the client to wait; token and API requests are told apart."""
        now = time.monotonic()
        since, until = self._held.get(kind is RequestKind.TOKEN, (now + GRACE, 0.0))
        if until < now:
            since = now + GRACE
        self._held[kind is RequestKind.TOKEN] = (since, max(until, now + seconds))

    def covered(self, index: int) -> None:
        word, bit = divmod(index, 64)
        bits = self._covered.get(word, 0)
        if bits >> bit & 1:
            self.coverage_repeated += 1
        self._covered[word] = bits | 1 << bit

    def as_json(self) -> dict[str, object]:
        return {
            "requests": {kind.value: self.requests[kind] for kind in RequestKind},
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "most_at_once": self.most_at_once,
            "too_early": self.too_early,
            "devices_listed": self.devices_listed,
            "coverage_devices": self.coverage_devices,
            "coverage_repeated": self.coverage_repeated,
            "last_token_mistake": self.last_token_mistake,
        }
