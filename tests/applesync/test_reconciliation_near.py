"""Which serial numbers are near each other: the key, what differs, and that Python and the database agree."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homeroom.inventory.models import Device
from homeroom.inventory.near import BLANKS, Difference, differences, near_key
from tests.builders import make_device

LETTERS = st.sampled_from("ABCDEFGHJKLMNPQRTUVWXYZ23456789" + "OoIi01Ss" + "abz" + BLANKS)
SERIALS = st.text(LETTERS, min_size=1, max_size=14).filter(near_key)
SWAPS = {"0": "0Oo", "1": "1Ii", "O": "0Oo", "I": "1Ii", "o": "0Oo", "i": "1Ii"}


@st.composite
def respelled(draw: st.DrawFn) -> tuple[str, str]:
    """A serial number and one that a person may have typed for it."""
    serial = draw(SERIALS)
    typed = [
        draw(st.sampled_from(SWAPS.get(letter, letter.lower() + letter.upper())))
        + draw(st.text(st.sampled_from(BLANKS), max_size=1))
        for letter in serial
    ]
    return serial, draw(st.sampled_from(["", "S", "s "])) + "".join(typed)


@given(respelled())
def test_what_a_person_may_have_typed_has_the_same_key(spellings):
    serial, typed = spellings
    assert near_key(typed) == near_key(serial)


@given(respelled())
def test_what_differs_is_the_same_from_either_side_and_empty_for_equal_ones_alone(spellings):
    one, other = spellings
    assert differences(one, other) == differences(other, one)
    assert bool(differences(one, other)) == (one != other)
    assert differences(one, one) == []


@given(SERIALS)
def test_the_key_of_a_key_is_the_key(serial):
    assert near_key(near_key(serial) or "") == near_key(serial)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("dmqx01", [Difference.CASE]),
        ("DMQX 01", [Difference.WHITE_SPACE]),
        ("DMQX01\u200b", [Difference.WHITE_SPACE]),
        ("DMQXO1", [Difference.LETTER_O]),
        ("DMQX0I", [Difference.LETTER_I]),
        ("SDMQX01", [Difference.LEADING_S]),
        ("s dmqxoi", [*Difference]),
    ],
)
def test_it_says_what_differs(typed, found):
    assert differences("DMQX01", typed) == found


@pytest.mark.parametrize("other", ["DMQX02", "DMQX011", "DMQ01", "5DMQX01", "DMQX0L"])
def test_another_character_is_another_device(other):
    assert near_key(other) != near_key("DMQX01")


@pytest.mark.django_db
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(serial=st.one_of(SERIALS, st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)))
def test_the_database_computes_the_same_key(device, serial):
    Device.objects.filter(pk=device.pk).update(serial_number=serial or None)
    assert Device.objects.get(pk=device.pk).near_key == (near_key(serial) if serial else None)


@pytest.fixture
def device(db):
    return make_device(asset_tag="T1")
