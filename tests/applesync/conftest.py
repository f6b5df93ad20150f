from collections.abc import Iterator

import pytest

from appleschool_sim.testing import RunningSimulator, running_simulator


@pytest.fixture
def apple() -> Iterator[RunningSimulator]:
    """A simulated Apple School Manager of 300 devices, of its own for each test that changes it."""
    with running_simulator(devices=300, seed=7) as running:
        yield running
