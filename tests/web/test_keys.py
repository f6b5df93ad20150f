from datetime import date

import pytest

from homeroom.web.keys import MOST_DIGITS, day_of, key_of, keys_of


@pytest.mark.parametrize("crafted", [None, "", "-1", "1.5", "1e3", "²", "one", "1 ", "9" * (MOST_DIGITS + 1)])
def test_what_is_no_key_names_nothing(crafted: str | None) -> None:
    assert key_of(crafted) == 0


def test_of_several_texts_the_keys_are_read() -> None:
    assert keys_of(["12", "one", "9" * MOST_DIGITS, "-3", "0"]) == [12, 999_999_999_999_999_999]


def test_a_day_is_one_that_there_is():
    assert day_of("2028-02-29") == date(2028, 2, 29)
    assert [day_of(text) for text in ("", "2026-02-29", "2026-12-31T00:00", "soon", "0000-00-00")] == [
        None
    ] * 5
