"""A sync and refreshes beside it keep one pace together."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone
from pytest_django import Settings

from appleschool_sim.faults import Fault
from appleschool_sim.testing import RunningSimulator
from homeroom.applesync import pacing
from homeroom.applesync.models import Connection, SyncRun
from homeroom.applesync.verbs.refresh import refresh_device
from homeroom.applesync.verbs.runs import begin_sync
from homeroom.audit.actors import COMMAND_LINE
from homeroom.inventory.models import Device
from homeroom.web.errors import Refused
from tests.applesync.account import make_connection
from tests.applesync.districts import connect, listed, stock, sync, use_apple

pytestmark = pytest.mark.django_db(transaction=True)


def limit(settings: Settings, rate: float) -> None:
    settings.CONFIGURATION = settings.CONFIGURATION.model_copy(update={"apple_max_rate": rate})


def test_one_after_the_other_reserves_the_time_that_its_requests_take(settings: Settings) -> None:
    limit(settings, 2.0)
    connection = make_connection()

    assert pacing.reserve(connection, 3, patience=2) == 0
    assert 1 < pacing.reserve(connection, 3, patience=2) <= 1.5
    assert 2 < pacing.reserve(connection, 3, patience=2) <= 3
    assert 2 < pacing.quiet_for(connection.pk) <= 3


def test_beside_a_sync_one_waits_until_it_has_looked(settings: Settings) -> None:
    limit(settings, 5.0)
    connection = make_connection()
    begin_sync(connection, actor=COMMAND_LINE)

    assert pacing.reserve(connection, 3, patience=2) == pacing.SECONDS_TO_NOTICE


def test_nobody_waits_where_nothing_limits_the_pace(settings: Settings) -> None:
    limit(settings, 0.0)
    connection = make_connection()
    assert [pacing.reserve(connection, 3, patience=2) for _time in range(3)] == [0, 0, 0]


def test_what_apple_tells_a_refresh_holds_the_next_one_without_asking(
    settings: Settings, apple: RunningSimulator
) -> None:
    use_apple(settings, apple)
    stock(listed(apple)[:1])
    connection = connect(apple)
    device = Device.objects.get()
    apple.control.limit_rate(0.01)
    with pytest.raises(Refused, match="slow down"):
        refresh_device(device, actor=COMMAND_LINE)
    asked = apple.control.counts()["requests"]

    with pytest.raises(Refused, match="slow down"):
        refresh_device(device, actor=COMMAND_LINE)

    assert apple.control.counts()["requests"] == asked
    assert pacing.quiet_for(connection.pk) > 10


def test_a_sync_tells_others_of_apples_wish_and_leaves_them_the_time_they_reserved(
    settings: Settings, apple: RunningSimulator
) -> None:
    use_apple(settings, apple)
    stock(listed(apple)[:3])
    connection = connect(apple)
    apple.control.switch_on(Fault.THROTTLED, count=1, seconds=3)

    assert sync(connection).state == SyncRun.State.SUCCEEDED

    connection.refresh_from_db()
    assert connection.quiet_until is not None

    reserved = timezone.now() + timedelta(seconds=2)
    Connection.objects.update(quiet_until=reserved)
    assert sync(connection).state == SyncRun.State.SUCCEEDED
    assert timezone.now() > reserved


def test_a_sync_and_refreshes_together_stay_under_apples_limit(
    settings: Settings, apple: RunningSimulator
) -> None:
    use_apple(settings, apple, apple_max_rate=10.0)
    stock(listed(apple)[:60])
    connection = connect(apple)
    apple.control.limit_rate(11, burst=4)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(_sync_in_thread, connection)
        while apple.control.counts()["requests"]["coverage"] < 10:
            assert not running.done()
        for device in Device.objects.order_by("-pk")[:2]:
            refresh_device(device, actor=COMMAND_LINE)
        run = running.result()

    assert (run.state, run.throttled) == (SyncRun.State.SUCCEEDED, 0)
    assert apple.control.counts()["statuses"].keys() == {"200"}


def _sync_in_thread(connection: Connection) -> SyncRun:
    try:
        return sync(connection)
    finally:
        connections.close_all()
