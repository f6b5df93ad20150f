import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appleschool import Limits, Pace, RateLimited
from appleschool.pace import CUT, LOWEST_RATE

from .clocks import TurnedClock


async def send(pace, count, *, tasks=1):
    """Send so many requests, each as soon as it may be."""

    async def each(number):
        for _request in range(number):
            await pace.ready()
            pace.sent()

    await asyncio.gather(*(each(count // tasks) for _task in range(tasks)))


def refuse(pace, clock, advice=None, *, sent_at=None):
    return pace.hold(advice, sent_at=clock.monotonic() if sent_at is None else sent_at)


@pytest.mark.parametrize("tasks", [1, 8])
async def test_it_never_exceeds_its_ceiling(tasks):
    clock = TurnedClock()
    pace = Pace(Limits(max_rate=5), clock)
    await send(pace, 80, tasks=tasks)
    assert 15.5 <= clock.passed <= 16.5
    assert pace.rate == 5


@pytest.mark.parametrize("tasks", [1, 64])
async def test_without_a_ceiling_it_soon_holds_nobody_back(tasks):
    clock = TurnedClock()
    pace = Pace(Limits(max_rate=0), clock)
    await send(pace, 40_000, tasks=tasks)
    assert clock.passed < 3
    assert pace.rate is None
    before = clock.passed
    await send(pace, 25_000)
    assert clock.passed - before < 0.6


async def test_it_starts_slowly():
    clock = TurnedClock()
    pace = Pace(Limits(max_rate=None), clock)
    await send(pace, 8, tasks=8)
    assert clock.passed > 0.1


async def test_a_refusal_cuts_the_rate_once_however_many_requests_it_meets():
    clock = TurnedClock()
    pace = Pace(Limits(max_rate=0, initial_rate=20), clock)
    await send(pace, 100)
    rate = pace.rate
    sent_at = clock.monotonic()
    for _answer in range(4):
        refuse(pace, clock, 5, sent_at=sent_at)
    assert pace.rate == pytest.approx(rate * CUT, rel=0.05)


async def test_the_cut_goes_by_what_was_really_sent():
    clock = TurnedClock()
    pace = Pace(Limits(max_rate=0), clock)
    for _request in range(100):  # a caller that is never faster than 20 a second
        await send(pace, 1)
        await clock.sleep(0.05)
    assert pace.rate is None
    refuse(pace, clock, 1)
    assert pace.rate == pytest.approx(20 * CUT, rel=0.1)


async def test_the_rate_grows_by_one_percent_a_second_after_a_refusal():
    clock = TurnedClock()
    pace = Pace(Limits(max_rate=0, initial_rate=10), clock)
    await send(pace, 150)
    assert pace.rate == pytest.approx(10 * 1.01**clock.passed, rel=0.02)


async def test_idleness_is_no_ground_to_grow():
    clock = TurnedClock()
    pace = Pace(Limits(max_rate=0, initial_rate=10), clock)
    clock.turn(86_400)
    await send(pace, 1)
    assert pace.rate < 10.6


async def test_nothing_is_sent_by_any_task_while_apple_asks_to_wait():
    clock = TurnedClock()
    pace = Pace(Limits(max_rate=50), clock)
    sent = []

    async def worker():
        for _request in range(20):
            await pace.ready()
            sent.append(clock.passed)

    async def apple():
        await clock.sleep(0.5)
        refuse(pace, clock, 30)

    await asyncio.gather(*(worker() for _task in range(6)), apple())
    assert [moment for moment in sent if 0.5 < moment < 30.5] == []
    assert len(sent) == 120


async def test_after_the_wait_requests_come_one_by_one_and_not_in_a_burst():
    clock = TurnedClock()
    pace = Pace(Limits(max_rate=0, initial_rate=10), clock)
    refuse(pace, clock, 10)
    sent = []

    async def worker():
        await pace.ready()
        sent.append(clock.passed)

    await asyncio.gather(*(worker() for _task in range(10)))
    assert sent[-1] - sent[0] > 0.5


async def test_without_advice_it_waits_half_a_minute_then_a_minute():
    clock = TurnedClock()
    pace = Pace(Limits(), clock)
    waits = []
    for _refusal in range(3):
        waits.append(refuse(pace, clock))
        await send(pace, 1)
    assert waits == [pytest.approx(30, rel=0.06), pytest.approx(60, rel=0.06), pytest.approx(60, rel=0.06)]
    pace.allowed()
    assert refuse(pace, clock) == pytest.approx(30, rel=0.06)


async def test_several_refusals_of_one_moment_do_not_add_up():
    clock = TurnedClock()
    pace = Pace(Limits(), clock)
    sent_at = clock.monotonic()
    for _answer in range(5):
        refuse(pace, clock, sent_at=sent_at)
    assert pace.held_for < 32


async def test_a_wait_beyond_patience_is_refused_at_once():
    clock = TurnedClock()
    pace = Pace(Limits(), clock)
    refuse(pace, clock, 3600)
    with pytest.raises(RateLimited) as caught:
        await pace.ready(patience=600)
    assert caught.value.retry_after == pytest.approx(3600, rel=0.06)
    assert clock.passed == 0


async def test_a_retry_after_of_nothing_still_slows_down():
    clock = TurnedClock()
    pace = Pace(Limits(), clock)
    assert refuse(pace, clock, 0) >= 1


async def test_the_rate_has_a_floor():
    clock = TurnedClock()
    pace = Pace(Limits(initial_rate=LOWEST_RATE), clock)
    refuse(pace, clock, 1)
    assert pace.rate == LOWEST_RATE


async def test_a_cancelled_task_leaves_the_turns_to_the_others():
    clock = TurnedClock()
    pace = Pace(Limits(max_rate=1), clock)
    await send(pace, 1)
    waiting = [asyncio.create_task(send(pace, 1)) for _task in range(10)]
    await asyncio.sleep(0)
    for task in waiting[:9]:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert clock.passed == pytest.approx(1, abs=0.05)
    assert pace.requests == 2


class Bucket:
    """Apple's side: a token bucket that refills at `rate`."""

    def __init__(self, clock, rate, burst):
        self.clock, self.rate, self.burst = clock, rate, burst
        self.level, self.filled = float(burst), clock.monotonic()

    def allows(self):
        now = self.clock.monotonic()
        self.level = min(self.burst, self.level + (now - self.filled) * self.rate)
        self.filled = now
        if self.level < 1:
            return False
        self.level -= 1
        return True


@pytest.mark.parametrize(
    ("rate", "burst", "seconds"),
    [(0.33, 20, 7200), (5, 10, 1200), (20, 20, 600), (20, 100, 600), (200, 50, 120)],
)
async def test_it_finds_a_limit_and_stays_close_to_it(rate, burst, seconds):
    clock = TurnedClock()
    pace = Pace(Limits(max_rate=0), clock)
    bucket = Bucket(clock, rate, burst)
    allowed = refused = 0
    while clock.passed < seconds:
        await pace.ready()
        sent_at = clock.monotonic()
        pace.sent()
        await clock.sleep(0.002)
        if bucket.allows():
            allowed += 1
            pace.allowed()
        else:
            refused += 1
            pace.hold(5, sent_at=sent_at)
    assert allowed > 0.75 * rate * seconds
    assert refused < 0.15 * allowed + 30


@given(st.lists(st.tuples(st.floats(0, 100), st.one_of(st.none(), st.floats(0, 86_400))), max_size=30))
def test_no_history_leaves_it_stuck_or_loose(history):
    async def live():
        clock = TurnedClock()
        pace = Pace(Limits(max_rate=50), clock)
        for passed, advice in history:
            clock.turn(passed)
            with contextlib.suppress(RateLimited):
                await pace.ready(patience=60)
                pace.sent()
            refuse(pace, clock, advice)
            assert LOWEST_RATE <= pace.rate <= 50
        clock.turn(100_000)
        await send(pace, 3)
        assert clock.passed < 100_000 * 31 + 100 / LOWEST_RATE

    asyncio.run(live())


async def test_it_gives_way_for_as_long_as_somebody_else_needs():
    clock = TurnedClock()
    pace = Pace(Limits(max_rate=5), clock)
    await send(pace, 5)
    before = clock.passed

    pace.give_way(3)
    pace.give_way(1)
    await send(pace, 1)

    assert 3 <= clock.passed - before < 3.5
    assert pace.rate == 5
