"""Gauges are described, not tested: the share of points in bounds, and when it cannot be reached any more."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.analysis.exceedance import Tally
from devperfops_operator.analysis.gauge import GaugeTest, expected_points, points
from devperfops_operator.analysis.series import Series, SeriesError

MOSTLY = GaugeTest(Fraction(95, 100))


def series(*values: float) -> Series:
    return Series({"pod": "a"}, [(15.0 * number, value) for number, value in enumerate(values)])


def small(value: float) -> bool:
    return value < 0.8


@pytest.mark.parametrize(
    ("points", "out", "passes"), [(40, 0, True), (40, 2, True), (40, 3, False), (36, 2, False), (1, 1, False)]
)
def test_the_share_of_points_in_bounds_decides_at_the_end(points: int, out: int, passes: bool) -> None:  # noqa: FBT001
    tally = Tally(points, out, out)
    assert MOSTLY.passes(tally) is passes
    assert MOSTLY.fails(tally) is not passes


def test_all_the_time_allows_no_point_out_of_bounds() -> None:
    always = GaugeTest(Fraction(1))
    assert always.passes(Tally(1000))
    assert always.lost(Tally(1, 1, 1), expected=1000)


@given(st.integers(1, 200), st.integers(1, 1000).map(lambda n: Fraction(n, 1000)), st.data())
def test_it_is_lost_exactly_when_the_points_to_come_cannot_save_it(
    expected: int, share: Fraction, data: st.DataObject
) -> None:
    seen = data.draw(st.integers(0, expected))
    out = data.draw(st.integers(0, seen))
    test = GaugeTest(share)
    at_best = Tally(expected, out, out)
    assert test.lost(Tally(seen, out, out), expected) is test.fails(at_best)


@pytest.mark.parametrize(("window_s", "expected"), [(600, 40), (614.9, 40), (615, 41), (14, 0), (-3, 0)])
def test_one_point_is_expected_at_the_end_of_each_whole_step(window_s: float, expected: int) -> None:
    assert expected_points(timedelta(seconds=window_s), timedelta(seconds=15)) == expected


def test_points_are_counted_and_their_middle_told() -> None:
    seen = points([series(0.5, 0.9, 0.6, 0.7, 0.62)], small, expected=5)
    assert (seen.tally, seen.middle, seen.covered) == (Tally(5, 1, 1), 0.62, True)


@pytest.mark.parametrize(("count", "covered"), [(36, True), (35, False)])
def test_nine_tenths_of_the_expected_points_must_be_there(count: int, covered: bool) -> None:  # noqa: FBT001
    assert points([series(*[0.1] * count)], small, expected=40).covered is covered


@pytest.mark.parametrize(
    ("found", "reason", "words"),
    [
        ([], "NoSamples", "no value"),
        ([series()], "NoSamples", "no value"),
        ([series(1), series(2)], "AmbiguousQuery", "max"),
        ([series(0.1, float("nan"))], "NotANumber", "nan"),
        ([series(float("inf"))], "NotANumber", "inf"),
    ],
)
def test_what_cannot_be_judged_is_told_apart(found: list[Series], reason: str, words: str) -> None:
    with pytest.raises(SeriesError, match=words) as error:
        points(found, small, expected=4)
    assert error.value.reason == reason


@pytest.mark.parametrize("share", [Fraction(0), Fraction(101, 100)])
def test_a_share_that_is_none_is_refused(share: Fraction) -> None:
    with pytest.raises(ValueError, match="share"):
        GaugeTest(share)
