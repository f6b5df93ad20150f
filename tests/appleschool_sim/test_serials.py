import re

from hypothesis import given
from hypothesis import strategies as st

from appleschool_sim.serials import DIGITS, Serials

seeds = st.integers(0, 2**32)
indexes = st.integers(0, 10**10)


@given(seeds, indexes)
def test_a_serial_leads_back_to_its_index(seed, index):
    serials = Serials(seed)
    assert serials.index_of(serials.at(index)) == index


@given(seeds, indexes, indexes)
def test_two_indexes_never_share_a_serial(seed, one, other):
    serials = Serials(seed)
    assert (serials.at(one) == serials.at(other)) == (one == other)


@given(seeds, indexes)
def test_a_serial_looks_like_one_of_apples(seed, index):
    assert re.fullmatch(r"[A-HJ-NP-Z][0-9A-HJ-NP-Z]{9,11}", Serials(seed).at(index))


@given(st.text(alphabet=f"{DIGITS}OIabc ü-", max_size=14))
def test_any_text_is_a_serial_with_an_index_or_none(text):
    serials = Serials(1)
    index = serials.index_of(text)
    assert index is None or serials.at(index) == text


def test_another_seed_has_other_serials():
    assert not {Serials(1).at(n) for n in range(1000)} & {Serials(2).at(n) for n in range(1000)}
