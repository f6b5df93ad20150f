"""A month of nightly syncs of a small district in which nothing happens, against a simulated Apple."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from pytest_django import Settings

from appleschool_sim.testing import RunningSimulator
from homeroom.applesync.models import AppleDevice, SyncRun
from homeroom.insurance.models import CoverageCheck, InsuranceRecord
from tests.applesync.districts import connect, listed, stock, sync, use_apple

pytestmark = pytest.mark.django_db(transaction=True)

FIRST_NIGHT = datetime(2026, 12, 1, 2, tzinfo=UTC)
DEVICES = 150
BUDGET = 11 + 3 * 3 + 3
BESIDES = 2
"""The token and the one page of the list."""


def test_a_month_of_nights_asks_for_everybody_in_turn_and_writes_nothing_but_that(
    settings: Settings, apple: RunningSimulator
) -> None:
    use_apple(settings, apple)
    stock(listed(apple)[:DEVICES])
    connection = connect(apple)

    def on_night(number: int) -> SyncRun:
        moment = FIRST_NIGHT + timedelta(days=number)
        apple.control.turn_clock_to(moment)
        with time_machine.travel(moment):
            return sync(connection)

    first = on_night(0)
    known = _known()
    for number in range(1, 30):
        run = on_night(number)
        assert run.state == SyncRun.State.SUCCEEDED, run.error
        assert run.requests == run.coverage_checked + BESIDES
        assert run.coverage_checked == run.coverage_due <= BUDGET
        age = FIRST_NIGHT + timedelta(days=number - 13)
        assert not CoverageCheck.objects.filter(succeeded_at__lt=age).exists()

    assert first.coverage_checked == DEVICES
    assert _known() == known


def _known() -> list[list[tuple[object, ...]]]:
    """All that a sync of the same facts must leave as it is. Whether cover is active depends on the day."""
    devices = AppleDevice.objects.order_by("pk").values_list()
    insurance = InsuranceRecord.objects.order_by("pk").values_list(
        "pk", "starts", "ends", "cancelled_on", "plan"
    )
    return [list(devices), list(insurance)]
