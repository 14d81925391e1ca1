from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.wire.histogram import BUCKETS, bucket_of, lower_edge, merge, quantile, upper_edge

times = st.integers(min_value=0, max_value=2**31 - 1)


def histogram_of(samples: list[int]) -> dict[int, int]:
    return merge([{bucket_of(sample): 1} for sample in samples])


@given(times)
def test_a_time_lies_between_the_edges_of_its_bucket(elapsed: int) -> None:
    index = bucket_of(elapsed)
    assert lower_edge(index) <= elapsed < upper_edge(index)


def test_buckets_are_one_millisecond_or_one_percent_wide() -> None:
    for index in range(BUCKETS):
        width = upper_edge(index) - lower_edge(index)
        assert width == 1 or width * 100 <= lower_edge(index)


def test_buckets_leave_no_gap() -> None:
    assert lower_edge(0) == 0
    assert all(upper_edge(index) == lower_edge(index + 1) for index in range(BUCKETS - 1))


def test_times_beyond_measure_are_in_the_last_bucket() -> None:
    assert bucket_of(10**15) == BUCKETS - 1


@given(st.lists(st.lists(times, max_size=20), max_size=6), st.randoms())
def test_merging_is_the_histogram_of_all_samples_in_any_order(parts: list[list[int]], random) -> None:
    histograms = [histogram_of(part) for part in parts]
    shuffled = list(histograms)
    random.shuffle(shuffled)
    whole = histogram_of([sample for part in parts for sample in part])
    assert merge(histograms) == merge(shuffled) == whole


@given(st.lists(times, min_size=1, max_size=60), st.fractions(min_value=0, max_value=1).filter(bool))
def test_the_quantile_is_the_nearest_rank_within_one_percent(samples: list[int], share: Fraction) -> None:
    exact = sorted(samples)[ceil(share * len(samples)) - 1]
    found = quantile(histogram_of(samples), share)
    assert found is not None
    assert exact <= found
    assert found == exact if exact < 200 else found - exact <= exact / 100


def test_no_samples_have_no_quantile() -> None:
    assert quantile({}, Fraction(99, 100)) is None


@pytest.mark.parametrize("share", [Fraction(0), Fraction(-1), Fraction(101, 100)])
def test_a_share_outside_its_range_is_refused(share: Fraction) -> None:
    with pytest.raises(ValueError, match="share must be"):
        quantile({1: 1}, share)
