"""What one request takes: known ratios come back, and what is too little is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.analysis.consumption import (
    Curve,
    PerRequest,
    Span,
    curve,
    most_at_once,
    per_request,
    steady,
)
from devperfops_operator.analysis.series import Series, SeriesError

SPAN = Span(0.0, 300.0, 15.0)


def series(samples: list[tuple[float, float]], instance: str = "a:80", **labels: str) -> Series:
    return Series({"job": "shop", "instance": instance, **labels}, samples)


def scraped(
    rate: float, phase: float = 0.0, start: float = 0.0, every: float = 15.0
) -> list[tuple[float, float]]:
    """A counter of so many a second."""
    moments = [phase + every * n for n in range(int((SPAN.until - phase) / every) + 1)]
    return [(moment, start + rate * moment) for moment in moments]


def of(calls: list[Series], requests: Curve | None = None) -> PerRequest:
    return per_request(curve("calls", calls), requests or steady(10.0, SPAN), SPAN)


@given(
    st.lists(st.tuples(st.floats(0.1, 50), st.floats(0, 14.9), st.floats(0, 1e6)), min_size=1, max_size=5),
    st.floats(1, 500),
)
def test_a_known_ratio_comes_back_however_pods_are_scraped(
    pods: list[tuple[float, float, float]], rate: float
) -> None:
    calls = [series(scraped(*pod), instance=f"{at}:80") for at, pod in enumerate(pods)]
    found = of(calls, steady(rate, SPAN))
    truth = sum(each for each, _, _ in pods) / rate
    assert found.value == pytest.approx(truth, rel=1e-6)
    assert found.least <= found.value <= found.most
    assert found.most - found.least <= truth * 1e-4
    assert found.rate == pytest.approx(rate)
    assert not found.doubts


@given(st.lists(st.integers(0, 40), min_size=20, max_size=20), st.floats(0.5, 3))
def test_both_may_vary_together(requests: list[int], ratio: float) -> None:
    sums = [sum(requests[:n]) for n in range(21)]
    moments = [15.0 * n for n in range(21)]
    asked = curve("requests", [series(list(zip(moments, map(float, sums), strict=True)))])
    calls = [series([(moment, ratio * each) for moment, each in zip(moments, sums, strict=True)])]
    if not sums[-1]:
        with pytest.raises(SeriesError, match="no request"):
            of(calls, asked)
        return
    found = of(calls, asked)
    assert found.value == pytest.approx(ratio)
    assert found.most - found.least <= 1e-6


def test_what_varies_is_less_sure() -> None:
    uneven = [(15.0 * n, 15.0 * (12 * n + (6 if n % 2 else 0))) for n in range(21)]
    found = of([series(uneven)])
    assert found.value == pytest.approx(1.2)
    assert found.least < 1.19
    assert found.most > 1.21


def test_a_series_that_begins_later_counts_from_nothing() -> None:
    old, late = scraped(10), [(moment, 5.0 * (moment - 75)) for moment, _ in scraped(1) if moment >= 90]
    found = of([series(old), series(late, code="500")])
    assert found.value == pytest.approx((10 * 300 + 5 * 225) / 3000)


@pytest.mark.parametrize(
    ("calls", "doubt"),
    [
        ([(0.0, 0.0), (150.0, 150.0), (300.0, 300.0)], "only 3 scrapes, 5 are needed"),
        (scraped(1)[:12], "counters cover only 165 s of the judged 300 s"),
        ([(t, v if t < 150 else v - 150) for t, v in scraped(1)], "a counter began anew"),
    ],
)
def test_what_is_no_measurement_is_doubted(calls: list[tuple[float, float]], doubt: str) -> None:
    (found,) = of([series(calls)]).doubts
    assert doubt in found


def test_few_requests_are_doubted() -> None:
    assert of([series(scraped(1))], steady(0.1, SPAN)).doubts == ("only 30 requests, 100 are needed",)


def test_none_that_was_seen_is_a_little_at_most() -> None:
    found = of([series(scraped(0, start=7))])
    assert (found.value, found.least, found.most) == (0, 0, 3 / 3000)


@pytest.mark.parametrize("calls", [[], [series([])], [series([(1.0, 5.0)])]])
def test_what_is_not_there_is_no_zero(calls: list[Series]) -> None:
    with pytest.raises(SeriesError, match="calls"):
        of(calls)


def test_no_time_in_common_is_no_ratio() -> None:
    with pytest.raises(SeriesError, match="no request was counted"):
        of([series([(0.0, 0.0), (10.0, 5.0)])], curve("requests", [series([(20.0, 0.0), (30.0, 9.0)])]))


def test_memory_is_what_all_had_at_once() -> None:
    one = series([(0.0, 100.0), (15.0, 300.0), (30.0, 50.0)])
    other = series([(5.0, 70.0), (20.0, 90.0), (35.0, 10.0)], instance="b:80")
    assert most_at_once("memory", [one, other]) == 390
    with pytest.raises(SeriesError, match="memory"):
        most_at_once("memory", [])
