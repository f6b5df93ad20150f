"""Time that tests turn."""

import asyncio
import heapq

TICKS = 5


class TurnedClock:
    """Passes only while everybody sleeps, and then at once."""

    def __init__(self, began: float = 1_800_000_000.0) -> None:
        self.began = began
        self.passed = 0.0
        self._waking: list[tuple[float, int]] = []
        self._sleepers = 0

    def time(self) -> float:
        return self.began + self.passed

    def monotonic(self) -> float:
        return self.passed

    def turn(self, seconds: float) -> None:
        self.passed += seconds

    async def sleep(self, seconds: float) -> None:
        self._sleepers += 1
        mine = (self.passed + seconds, self._sleepers)
        heapq.heappush(self._waking, mine)
        try:
            while self.passed < mine[0]:
                for _tick in range(TICKS):
                    await asyncio.sleep(0)
                if self._waking[0] == mine:
                    self.passed = max(self.passed, mine[0])
        finally:
            self._waking.remove(mine)
            heapq.heapify(self._waking)
