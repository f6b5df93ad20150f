import pytest

from homeroom.web.keys import MOST_DIGITS, key_of, keys_of


@pytest.mark.parametrize("crafted", [None, "", "-1", "1.5", "1e3", "²", "one", "1 ", "9" * (MOST_DIGITS + 1)])
def test_what_is_no_key_names_nothing(crafted: str | None) -> None:
    assert key_of(crafted) == 0


def test_of_several_texts_the_keys_are_read() -> None:
    assert keys_of(["12", "one", "9" * MOST_DIGITS, "-3", "0"]) == [12, 999_999_999_999_999_999]
