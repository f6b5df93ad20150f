import pytest
from django.utils import translation

from homeroom.web.counts import Number, written


@pytest.mark.parametrize(("language", "shown"), [("en-us", "1,234,567"), ("de", "1.234.567")])
def test_the_thousands_of_a_number_stand_apart_as_the_language_has_them(language: str, shown: str) -> None:
    with translation.override(language):
        assert written(1_234_567) == shown
        assert Number(1_234_567).shown == shown
