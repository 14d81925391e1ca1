"""How much of the usual traffic a test stands for."""

from __future__ import annotations

import math
from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.analysis.coverage import HOUR, Usual, compare, minimum, requests_of, takes, usual
from devperfops_operator.analysis.series import Series, SeriesError

BY = ("method", "route")
WEEK = 168 * HOUR
BEGIN = 2900 * WEEK  # Thursday, 0:00 UTC
STEADY = Usual((10.0,) * 168, {"GET /": 0.9, "GET /cart": 0.095, "POST /order": 0.005})


def rates(route: str, *values: float, first: float = BEGIN + HOUR, step: float = HOUR) -> Series:
    """At the end of each hour."""
    samples = [(first + step * index, value) for index, value in enumerate(values)]
    return Series({"method": "GET", "route": route}, samples)


def counter(route: str, *values: float, first: float = BEGIN) -> Series:
    labels = {"job": "web", "instance": "a:80", "method": "GET", "route": route}
    return Series(labels, [(first + 10 * index, value) for index, value in enumerate(values)])


@pytest.mark.parametrize(("allowed", "needed"), [("0.1", 29), ("0.05", 59), ("0.01", 299), ("0.001", 2995)])
def test_the_fewest_requests_that_show_something_are_those_of_the_book(allowed: str, needed: int) -> None:
    assert minimum(Fraction(allowed)) == needed


def test_an_hour_of_the_week_is_known_by_the_same_hours_before() -> None:
    first = BEGIN + 6 * HOUR  # the end of the hour from 5 to 6
    past = usual([rates("/", 1.0, 3.0, 200.0, first=first, step=WEEK)], BY)
    assert past is not None
    assert past.requests(BEGIN + 5 * HOUR, BEGIN + 6 * HOUR) == pytest.approx(3.0 * HOUR)
    assert past.requests(BEGIN + 3 * WEEK + 5 * HOUR, BEGIN + 3 * WEEK + 5.5 * HOUR) == 1.5 * HOUR


def test_an_hour_that_is_not_known_is_taken_for_a_middling_one() -> None:
    past = usual([rates("/", 2.0, 4.0)], BY)
    assert past is not None
    assert past.requests(BEGIN + 50 * HOUR, BEGIN + 51 * HOUR) == 3.0 * HOUR


def test_the_mix_is_that_of_all_hours() -> None:
    past = usual([rates("/", 9.0, 0.0), rates("/night", 0.0, 1.0)], BY)
    assert past is not None
    assert past.mix == {"GET /": 0.9, "GET /night": 0.1}


@pytest.mark.parametrize("values", [(), (0.0, 0.0), (5e-324, 1e-300)])
def test_no_traffic_in_the_past_is_no_past(values: tuple[float, ...]) -> None:
    assert usual([rates("/", *values)], BY) is None


@pytest.mark.parametrize("rate", [math.nan, math.inf, 1e308, -1.0])
def test_a_rate_that_no_service_has_is_told_as_such(rate: float) -> None:
    with pytest.raises(SeriesError, match="name a counter of requests") as error:
        usual([rates("/", 1.0, rate)], BY)
    assert error.value.reason == "NotANumber"


@given(st.lists(st.floats(0, 2.0**53), min_size=1, max_size=9), st.integers(0, 2**53))
def test_whatever_is_let_in_can_be_told(values: list[float], requests: int) -> None:
    """Shares are told as exact percentages, which infinity and nonsense have none of."""
    past = usual([rates("/", *values), rates("/cart", values[0])], BY)
    found = compare({"GET /": requests} if requests else {}, past, BEGIN, BEGIN + 600, 29)
    figures = [found.unseen, found.chance, found.volume or 0.0, found.distance or 0.0, found.usual or 0.0]
    assert all(map(math.isfinite, [*figures, *(each.weight for each in found.endpoints)]))
    if past is not None:
        takes(found, past, Fraction(9, 10), BEGIN)


def test_requests_are_counted_by_endpoint_with_resets_and_births() -> None:
    series = [counter("/", 100, 150, 20), counter("/new", 7, 9, first=BEGIN + 10), counter("/idle", 3, 3, 3)]
    assert requests_of(series, BY) == {"GET /": 70, "GET /new": 9, "GET /idle": 0}
    assert requests_of([], BY) == {}
    with pytest.raises(SeriesError):
        requests_of([counter("/", math.nan)], BY)


def test_a_label_that_a_series_lacks_has_a_dash() -> None:
    assert requests_of([counter("/", 0, 5)], ("route", "host")) == {"/ -": 5}


def test_known_endpoints_need_their_own_minimum_and_rare_ones_do_not() -> None:
    found = compare({"GET /": 900, "GET /cart": 12}, STEADY, BEGIN, BEGIN + 100, 299)
    assert (found.requests, found.usual, found.volume) == (912, 1000, 0.912)
    assert [(each.name, each.needed, each.exercised) for each in found.endpoints] == [
        ("GET /cart", 299, False), ("GET /", 299, True), ("POST /order", 0, True)
    ]  # fmt: skip
    assert found.exercised == Fraction(1, 2)
    assert found.unseen == pytest.approx(0.005)
    assert found.chance == pytest.approx(0.5 * math.sqrt(2 / 912))
    assert found.distance == pytest.approx(900 / 912 - 0.9)


def test_what_production_does_not_know_is_distance_and_nothing_else() -> None:
    found = compare({"GET /": 900, "GET /admin": 100}, Usual(STEADY.hours, {"GET /": 1.0}), 0, 1, 29)
    assert (found.distance, found.unseen, found.exercised) == (pytest.approx(0.1), 0, 1)


def test_nobody_came() -> None:
    found = compare({}, STEADY, BEGIN, BEGIN + 60, 299)
    assert (found.requests, found.distance, found.chance, found.unseen) == (0, 1.0, 1.0, pytest.approx(1))
    assert found.exercised == 0


def test_without_a_past_what_came_once_tells_of_what_never_came() -> None:
    found = compare({"a": 500, "b": 498, "c": 1, "d": 1}, None, BEGIN, BEGIN + 60, 299)
    assert (found.usual, found.volume, found.distance) == (None, None, None)
    assert found.unseen == 2 / 1000
    assert (found.exercised, len(found.known)) == (1, 2)
    assert compare({}, None, BEGIN, BEGIN + 60, 299).unseen == 1


def test_how_long_it_takes_goes_by_the_hours_that_follow() -> None:
    night_and_day = Usual((1.0,) * 6 + (100.0,) * 162, {"GET /": 1.0})
    found = compare({"GET /": 600}, night_and_day, BEGIN, BEGIN + 600, 100_000)
    six_hours = 6 * HOUR
    left = (100_000 - six_hours * 1.0) / 100
    assert takes(found, night_and_day, Fraction(1), BEGIN) == timedelta(seconds=math.ceil(six_hours + left))


def test_a_canary_that_gets_a_tenth_needs_ten_times_as_long() -> None:
    whole = compare({"GET /": 900, "GET /cart": 100}, STEADY, BEGIN, BEGIN + 100, 299)
    tenth = compare({"GET /": 90, "GET /cart": 10}, STEADY, BEGIN, BEGIN + 100, 299)
    long, longer = (takes(found, STEADY, Fraction(1), BEGIN) for found in (whole, tenth))
    assert long is not None
    assert longer is not None
    assert longer.total_seconds() == pytest.approx(10 * long.total_seconds(), rel=0.02)
    assert long.total_seconds() == pytest.approx(299 / 0.095 / 10, abs=1)


def test_only_the_share_that_is_wanted_counts_for_how_long() -> None:
    found = compare({}, STEADY, BEGIN, BEGIN + 100, 299)
    half = takes(found, STEADY, Fraction(1, 2), BEGIN)
    assert half == timedelta(seconds=math.ceil(299 / 0.9 / 10))


def test_a_service_that_hardly_anybody_uses_takes_too_long_to_tell() -> None:
    quiet = Usual((0.0,) * 168, {"GET /": 1.0})
    assert takes(compare({}, quiet, BEGIN, BEGIN + 60, 299), quiet, Fraction(1), BEGIN) is None


MIXES = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 10_000), max_size=8)


@given(MIXES, st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0.001, 1), min_size=1))
def test_shares_stay_shares_whatever_comes(requests: dict[str, int], weights: dict[str, float]) -> None:
    whole = sum(weights.values())
    past = Usual((1.0,) * 168, {name: weight / whole for name, weight in weights.items()})
    found = compare(requests, past, BEGIN, BEGIN + 60, 59)
    assert 0 <= found.exercised <= 1
    assert found.distance is not None
    assert all(-1e-9 <= share <= 1 + 1e-9 for share in (found.distance, found.unseen))


@given(MIXES, st.sampled_from("abcdefgh"), st.integers(1, 10_000))
def test_more_requests_never_cover_less(requests: dict[str, int], name: str, more: int) -> None:
    past = Usual((1.0,) * 168, dict.fromkeys("abcdefgh", 1 / 8))
    before = compare(requests, past, BEGIN, BEGIN + 60, 59)
    after = compare({**requests, name: requests.get(name, 0) + more}, past, BEGIN, BEGIN + 60, 59)
    assert after.exercised >= before.exercised
    assert after.unseen <= before.unseen + 1e-9


@given(MIXES, st.integers(2, 9))
def test_the_distance_is_of_shares_not_of_counts(requests: dict[str, int], times: int) -> None:
    past = Usual((1.0,) * 168, dict.fromkeys("abcdefgh", 1 / 8))
    one = compare(requests, past, BEGIN, BEGIN + 60, 59)
    many = compare({name: times * seen for name, seen in requests.items()}, past, BEGIN, BEGIN + 60, 59)
    assert many.distance == pytest.approx(one.distance)
