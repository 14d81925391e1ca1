"""A latency limit as an edge of a histogram: which buckets are asked for, and what cannot be judged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.analysis import buckets
from devperfops_operator.analysis.counters import increments, tallies
from devperfops_operator.analysis.exceedance import Tally
from devperfops_operator.analysis.series import Series, SeriesError

NAME = "http_request_duration_seconds_bucket"
EDGES = ("0.1", "0.5", "1.0", "2.0", "+Inf")


def bucket(edge: str, *values: float, route: str = "/", first: float = 10.0) -> Series:
    labels = {"job": "web", "instance": "a:80", "route": route, "le": edge}
    return Series(labels, [(first + 10 * index, value) for index, value in enumerate(values)])


def refused(selector: str, limit_ms: int, edges: tuple[str, ...]) -> SeriesError:
    with pytest.raises(SeriesError) as caught:
        buckets.selectors(selector, limit_ms, edges)
    return caught.value


@pytest.mark.parametrize(
    ("selector", "in_time"),
    [
        (NAME, f'{NAME}{{le=~"2[.]0"}}'),
        (f" {NAME} {{ }} ", f'{NAME}{{le=~"2[.]0"}}'),
        (f'{NAME}{{app="a}}b"}}', f'{NAME}{{app="a}}b", le=~"2[.]0"}}'),
        (f'{NAME}{{app="a,",}}', f'{NAME}{{app="a,", le=~"2[.]0"}}'),
    ],
)
def test_one_matcher_more_chooses_the_bucket(selector: str, in_time: str) -> None:
    good, total = buckets.selectors(selector, 2000, EDGES)
    assert good == in_time
    assert total == in_time.replace("2[.]0", "[+]Inf")


def test_apps_may_write_the_same_edge_in_different_ways() -> None:
    good, _ = buckets.selectors(NAME, 2000, ("2", "2.0", "2e+00", "+Inf"))
    assert good == f'{NAME}{{le=~"2|2[.]0|2e[+]00"}}'


@pytest.mark.parametrize("name", ["istio_request_duration_milliseconds_bucket", "latency_ms_bucket"])
def test_a_histogram_in_milliseconds_says_so_by_its_name(name: str) -> None:
    good, _ = buckets.selectors(name, 250, ("0.25", "250", "+Inf"))
    assert good == f'{name}{{le=~"250"}}'


@given(st.integers(1, 10**9))
def test_every_limit_is_found_among_its_own_texts(limit_ms: int) -> None:
    text = repr(limit_ms / 1000)
    good, _ = buckets.selectors(NAME, limit_ms, (text, "+Inf"))
    assert good.startswith(NAME)


@pytest.mark.parametrize(
    ("limit_ms", "edges", "nearest"),
    [
        (
            1500,
            EDGES,
            "ends at 1.5s, and between two edges nobody knows: the nearest are 1s and 2s; write one",
        ),
        (50, EDGES, "ends at 50ms, and between two edges nobody knows: the nearest are 100ms;"),
        (5000, EDGES, "the nearest are 2s;"),
        (5000, ("+Inf", "odd", "NaN"), "it has none besides +Inf"),
    ],
)
def test_a_limit_between_two_edges_is_refused_with_the_nearest(
    limit_ms: int, edges: tuple[str, ...], nearest: str
) -> None:
    problem = refused(NAME, limit_ms, edges)
    assert problem.reason == "HistogramEdgeMissing"
    assert nearest in problem.message


def test_a_selector_of_nothing_is_no_missing_edge() -> None:
    assert refused(NAME, 2000, ()).reason == "NoSamples"
    with pytest.raises(SeriesError, match="no samples in the judged window") as caught:
        buckets.check([], [bucket("+Inf")])
    assert caught.value.reason == "NoSamples"


def test_the_buckets_are_counters_like_any_others() -> None:
    in_time, total = [bucket("2.0", 100, 150, 40)], [bucket("+Inf", 100, 160, 50)]
    buckets.check(in_time, total)
    assert tallies(increments(in_time, total))[-1] == Tally(110, 20, 2)


def test_a_source_without_that_edge_is_not_taken_for_a_slow_one() -> None:
    others = bucket("+Inf", 0, 50, route="/cart")
    with pytest.raises(SeriesError, match=r"/cart.* has no bucket that ends at the limit") as caught:
        buckets.check([bucket("2.0", 0, 100)], [bucket("+Inf", 0, 100), others])
    assert caught.value.reason == "HistogramEdgeMissing"


def test_a_series_born_between_the_two_questions_is_no_missing_edge() -> None:
    buckets.check(
        [bucket("2.0", 0, 100)], [bucket("+Inf", 0, 100), bucket("+Inf", 7, route="/new", first=20)]
    )
