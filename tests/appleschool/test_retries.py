from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appleschool.retries import backoff, http_date, retry_after

NOW = 1_800_000_000.0


def test_retry_after_is_read_as_seconds():
    assert retry_after(" 17 ", date=None, now=NOW) == 17


def test_retry_after_is_read_as_a_date_by_apples_own_clock():
    header, date = formatdate(NOW + 90, usegmt=True), formatdate(NOW + 60, usegmt=True)
    assert retry_after(header, date=date, now=NOW + 5000) == 30


def test_a_date_is_counted_from_our_clock_if_apple_shows_none():
    assert retry_after(formatdate(NOW + 90, usegmt=True), date=None, now=NOW) == 90
    assert retry_after(formatdate(NOW + 90, usegmt=True), date="noon", now=NOW) == 90


def test_a_date_that_has_passed_asks_for_no_wait():
    assert retry_after(formatdate(NOW - 90, usegmt=True), date=None, now=NOW) == 0


@pytest.mark.parametrize("header", [None, "", "soon", "-5", "1.5", "٣", "Mon, 99 Foo 2026 99:99:99 GMT"])
def test_what_is_neither_is_no_advice(header):
    assert retry_after(header, date=None, now=NOW) is None


@given(st.one_of(st.none(), st.text()), st.one_of(st.none(), st.text()))
def test_whatever_the_header_the_wait_is_sane(header, date):
    seconds = retry_after(header, date=date, now=NOW)
    assert seconds is None or 0 <= seconds <= 86_400


@given(st.integers(0, 10**30).map(str))
def test_whatever_the_number_the_wait_is_bounded(header):
    assert 0 <= retry_after(header, date=None, now=NOW) <= 86_400


@given(st.text())
def test_no_date_breaks_it(text):
    assert http_date(text) is None or isinstance(http_date(text), float)


@given(st.integers(1, 10_000))
def test_pauses_double_with_jitter_between_a_floor_and_a_ceiling(failures):
    assert 0.5 <= backoff(failures) <= 30
    assert backoff(failures) <= 0.5 * 2 ** min(failures, 10)
