"""One simulated Apple: a world, and everything that stands between a client and it."""

import heapq
from collections.abc import Callable
from datetime import datetime
from itertools import count

from appleschool_sim.activities import Activities
from appleschool_sim.clock import Clock
from appleschool_sim.counters import Counters
from appleschool_sim.credentials import Credentials
from appleschool_sim.endpoints import Endpoints
from appleschool_sim.faults import Faults
from appleschool_sim.rate import TokenBucket
from appleschool_sim.tokens import AUDIENCE, Tokens
from appleschool_sim.world import World


class Simulator:
    """The parts, and what is due later by the simulator's clock."""

    def __init__(self, world: World, credentials: Credentials, *, audience: str = AUDIENCE) -> None:
        self.world = world
        self.credentials = credentials
        self.clock = Clock()
        self.faults = Faults(world.seed)
        self.counters = Counters()
        self.tokens = Tokens(world.kind, credentials, self.clock, audience=audience)
        self.activities = Activities(world)
        self.endpoints = Endpoints(world, self.clock, self.faults, self.counters, self.activities)
        self.bucket: TokenBucket | None = None
        self.retry_after = "seconds"
        self._due: list[tuple[datetime, int, Callable[[], None]]] = []
        self._order = count()

    def later(self, moment: datetime, change: Callable[[], None]) -> None:
        """Make a change of the world once the clock shows this moment."""
        heapq.heappush(self._due, (moment, next(self._order), change))

    @property
    def due(self) -> list[datetime]:
        """When the changes are due that are still to come, the next one first."""
        return sorted(moment for moment, _order, _change in self._due)

    def catch_up(self, now: datetime | None = None) -> None:
        """Make the changes that are due."""
        while self._due and self._due[0][0] <= (now or self.clock.now()):
            heapq.heappop(self._due)[2]()
