from collections.abc import Iterator

import pytest

from appleschool_sim.actions import RateLimit
from appleschool_sim.testing import RunningSimulator, running_simulator

from .asking import Caller

DEVICES = 250


@pytest.fixture(scope="session")
def shared_apple() -> Iterator[RunningSimulator]:
    with running_simulator(devices=DEVICES) as simulator:
        yield simulator


@pytest.fixture
def apple(shared_apple: RunningSimulator) -> RunningSimulator:
    """One simulator for all tests that leave its devices alone; everything else is calm again."""
    control = shared_apple.control
    control.clear_faults()
    control.take(RateLimit())
    control.run_real_clock()
    control.restore_key()
    control.reset_counters()
    return shared_apple


@pytest.fixture
def caller(apple: RunningSimulator) -> Caller:
    return Caller(apple).sign_in()


@pytest.fixture
def fresh_apple() -> Iterator[RunningSimulator]:
    """A simulator whose devices may be changed."""
    with running_simulator(devices=60) as simulator:
        yield simulator


@pytest.fixture
def fresh_caller(fresh_apple: RunningSimulator) -> Caller:
    return Caller(fresh_apple).sign_in()
