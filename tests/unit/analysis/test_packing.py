"""Numbers come back as they went in, and nothing else comes in."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.analysis.packing import LARGEST, differences, pack, sums, unpack

NUMBERS = st.lists(st.integers(0, LARGEST), max_size=200)


@given(NUMBERS)
def test_what_is_packed_comes_back(numbers):
    assert unpack(pack(numbers), at_most=200) == numbers


@given(NUMBERS)
def test_sums_undo_differences(numbers):
    assert sums(differences(numbers)) == numbers


def test_small_numbers_take_little_room():
    assert len(pack([number % 7 for number in range(100_000)])) < 1_000


def test_a_bomb_is_not_unpacked_further_than_allowed():
    with pytest.raises(ValueError, match="more than 1000"):
        unpack(pack([0] * 50_000_000), at_most=1_000)


@pytest.mark.parametrize(
    "packed",
    [b"", b"no zlib", pack([1, 2, 3])[:-1], pack([1]) + b"tail", zlib.compress(b"abc"), pack([LARGEST + 1])],
)
def test_what_nobody_packed_is_refused(packed):
    with pytest.raises(ValueError, match="packed number"):
        unpack(packed, at_most=1_000)
