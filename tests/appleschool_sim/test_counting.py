import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from appleschool_sim.actions import RetryAfter
from appleschool_sim.control import ControlError
from appleschool_sim.counters import GRACE, Counters
from appleschool_sim.faults import Fault
from appleschool_sim.kinds import RequestKind
from appleschool_sim.rate import TokenBucket


def test_requests_are_counted_by_kind_and_status(apple, caller):
    caller.get("orgDevices")
    caller.get("orgDevices?limit=0")
    caller.get(f"orgDevices/{apple.world.serial_at(0)}/appleCareCoverage")
    counts = apple.control.counts()
    assert counts["requests"]["token"] == 1
    assert counts["requests"]["devices"] == 2
    assert counts["requests"]["coverage"] == 1
    assert counts["statuses"] == {"200": 3, "400": 1}
    assert counts["devices_listed"] == 100


def test_asking_for_the_same_coverage_again_is_counted(apple, caller):
    for index in (0, 1, 70, 1):
        caller.get(f"orgDevices/{apple.world.serial_at(index)}/appleCareCoverage")
    counts = apple.control.counts()
    assert (counts["coverage_devices"], counts["coverage_repeated"]) == (3, 1)


def test_the_most_requests_at_once_are_counted(apple, caller):
    apple.control.switch_on(Fault.SLOW, seconds=1.5)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: caller.get("orgDevices?limit=1"), range(4)))
    caller.get("orgDevices?limit=1")
    assert apple.control.counts()["most_at_once"] == 4


def test_requests_during_a_wait_that_was_asked_for_are_counted(apple, caller):
    apple.control.switch_on(Fault.THROTTLED, seconds=5, count=1)
    caller.get("orgDevices?limit=1")
    wait_out_the_grace = time.monotonic() + 2 * GRACE
    while time.monotonic() < wait_out_the_grace:
        apple.control.counts()
    caller.get("orgDevices?limit=1")
    caller.request_token()
    assert apple.control.counts()["too_early"] == 1


def test_counting_begins_again(apple, caller):
    caller.get("orgDevices?limit=1")
    apple.control.reset_counters()
    assert sum(apple.control.counts()["requests"].values()) == 0


def test_a_request_sent_before_the_refusal_arrived_is_forgiven():
    counters = Counters()
    counters.hold(RequestKind.DEVICE, 5)
    counters.begin(RequestKind.DEVICE)
    assert counters.too_early == 0


def test_a_burst_passes_and_the_rest_is_refused(apple, caller):
    apple.control.limit_rate(0.01, burst=3)
    statuses = [caller.get("orgDevices?limit=1").status for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    assert 90 <= int(caller.get("orgDevices").headers["Retry-After"]) <= 100


@pytest.mark.parametrize(("form", "pattern"), [(RetryAfter.DATE, "GMT"), (RetryAfter.NONE, None)])
def test_the_limit_may_tell_the_wait_as_a_date_or_not_at_all(apple, caller, form, pattern):
    apple.control.limit_rate(0.01, burst=1, retry_after=form)
    caller.get("orgDevices?limit=1")
    told = caller.get("orgDevices?limit=1").headers.get("Retry-After")
    assert told is None if pattern is None else told.endswith(pattern)


def test_the_limit_is_lifted(apple, caller):
    apple.control.limit_rate(0.01, burst=1)
    apple.control.limit_rate(None)
    assert [caller.get("orgDevices?limit=1").status for _ in range(3)] == [200, 200, 200]


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (1, 0), (1e-320, 1)])
def test_a_limit_that_lets_nothing_through_is_refused(apple, rate, burst):
    with pytest.raises(ControlError):
        apple.control.limit_rate(rate, burst=burst)


def test_a_bucket_fills_with_time():
    bucket = TokenBucket(1000, 1)
    assert bucket.take() == 0
    waits = []
    while (wait := bucket.take()) > 0:
        waits.append(wait)
    assert all(0 < wait <= 0.001 for wait in waits)
