"""Raw counters to increments: resets, births, skew, and what cannot be judged."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.analysis.counters import Increment, increments, tallies, totals
from devperfops_operator.analysis.exceedance import Tally
from devperfops_operator.analysis.series import Series, SeriesError


def series(samples, code="200", instance="10.0.0.1:80"):
    return Series({"job": "web", "instance": instance, "code": code}, samples)


def whole(good, total):
    return tallies(increments(good, total))[-1]


def refused(good, total):
    with pytest.raises(SeriesError) as caught:
        whole(good, total)
    return caught.value


def test_only_what_is_added_inside_the_window_counts():
    ok = series([(10.0, 1000), (20.0, 1010), (30.0, 1030)])
    bad = series([(10.0, 7), (20.0, 7), (30.0, 8)], code="500")
    assert increments([ok], [ok, bad]) == [Increment(20, 10, 10), Increment(30, 20, 21)]
    assert tallies(increments([ok], [ok, bad])) == [Tally(10), Tally(31, 1, 1)]


def test_after_a_reset_the_new_value_counts_from_zero():
    ok = series([(10.0, 1000), (20.0, 5), (30.0, 6)])
    assert whole([ok], [ok]).samples == 6


def test_resets_are_found_per_series_where_a_sum_would_hide_them():
    steady = series([(10.0, 0), (20.0, 100)], instance="a:80")
    restarted = series([(10.0, 50), (20.0, 10)], instance="b:80")
    assert whole([steady, restarted], [steady, restarted]).samples == 110


def test_the_first_errors_of_a_release_are_not_lost():
    ok = series([(10.0, 100), (20.0, 190), (30.0, 280)])
    born = series([(20.0, 10), (30.0, 20)], code="500")
    assert whole([ok], [ok, born]) == Tally(200, 20, 2)


def test_a_new_targets_first_sample_is_where_it_starts():
    old = series([(10.0, 0), (20.0, 10), (30.0, 20)], instance="old:80")
    new = series([(21.0, 5000), (31.0, 5001)], instance="new:80")
    assert whole([old, new], [old, new]).samples == 21


def test_series_without_instance_never_count_from_zero():
    old = Series({"code": "200"}, [(10.0, 0), (20.0, 10), (30.0, 20)])
    late = Series({"code": "500"}, [(20.0, 5000), (30.0, 5001)])
    assert whole([old], [old, late]) == Tally(21, 1, 1)


def test_a_pod_without_any_good_event_has_only_bad_ones():
    ok = series([(10.0, 0), (20.0, 10)], instance="a:80")
    broken = series([(11.0, 0), (21.0, 10)], code="500", instance="b:80")
    assert whole([ok], [ok, broken]) == Tally(20, 10, 1)


def test_no_good_series_anywhere_may_be_a_wrong_selector():
    error = refused([], [series([(10.0, 0), (20.0, 10)])])
    assert (error.reason, "`good`" in error.message) == ("NoSamples", True)


@pytest.mark.parametrize("total", [[], [series([])], [series([(10.0, 3)])]])
def test_no_samples(total):
    assert refused([series([(10.0, 3)])] if total else [], total).reason == "NoSamples"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1.0])
@pytest.mark.parametrize("spoiled", ["good", "total"])
def test_what_is_no_count_is_told_and_never_added(value, spoiled):
    sound, broken = series([(10.0, 1), (20.0, 2)]), series([(10.0, 1), (20.0, value)])
    error = refused([broken if spoiled == "good" else sound], [broken if spoiled == "total" else sound])
    assert error.reason == "NotANumber"
    assert f"`{spoiled}`" in error.message


def test_more_good_events_than_events():
    error = refused([series([(10.0, 0), (20.0, 12)])], [series([(10.0, 0), (20.0, 10)])])
    assert error.reason == "GoodExceedsTotal"
    assert "12" in error.message


def test_one_event_of_disagreement_is_no_more_than_a_race_inside_the_exporter():
    assert whole([series([(10.0, 0), (20.0, 11)])], [series([(10.0, 0), (20.0, 10)])]) == Tally(10)


def test_good_events_of_a_target_that_total_does_not_know():
    ok = series([(10.0, 0), (20.0, 1)])
    stray = series([(10.0, 0), (20.0, 1)], instance="elsewhere:80")
    error = refused([ok, stray], [ok])
    assert error.reason == "GoodExceedsTotal"
    assert "elsewhere:80" in error.message


@pytest.mark.parametrize("cut", ["good", "total"])
def test_a_scrape_between_the_two_queries_is_left_out(cut):
    samples = [(10.0, 0), (20.0, 50), (30.0, 100)]
    early, late = series(samples[:2]), series(samples)
    good, total = (early, late) if cut == "good" else (late, early)
    assert whole([good], [total]) == Tally(50)


def test_good_events_that_stop_coming_are_missed_from_the_next_scrape_on():
    ok = series([(10.0, 0), (20.0, 50)])
    bad = series([(10.0, 0), (20.0, 0), (30.0, 40), (40.0, 90)], code="500")
    assert whole([ok], [ok, bad]) == Tally(140, 90, 2)


def test_parts_of_events_are_rounded_against_the_objective():
    assert whole([series([(10.0, 0), (20.0, 9.6)])], [series([(10.0, 0), (20.0, 10.9)])]) == Tally(10, 2, 1)


@st.composite
def expositions(draw):
    """One target's good and bad counters over some scrapes, with restarts; and what really happened."""
    steps = draw(
        st.lists(st.tuples(st.integers(0, 500), st.integers(0, 20), st.booleans()), min_size=1, max_size=20)
    )
    good, bad = draw(st.integers(0, 10**6)), draw(st.integers(0, 10**6))
    ok, failed = [(100.0, good)], [(100.0, bad)]
    for index, (more_good, more_bad, restart) in enumerate(steps, 1):
        # a restart shows only where the counter falls
        good = more_good if restart and good > more_good else good + more_good
        bad = more_bad if restart and bad > more_bad else bad + more_bad
        ok.append((100.0 + 15 * index, good))
        failed.append((100.0 + 15 * index, bad))
    return ok, failed, sum(s[0] for s in steps), sum(s[1] for s in steps), sum(s[1] > 0 for s in steps)


@given(expositions())
def test_every_event_is_counted_once(exposition):
    ok, failed, good, bad, scrapes = exposition
    assert whole([series(ok)], [series(ok), series(failed, code="500")]) == Tally(good + bad, bad, scrapes)


@given(expositions(), st.integers(2, 20))
def test_a_longer_window_goes_on_where_a_shorter_one_ended(exposition, scrapes):
    ok, failed, *_ = exposition
    longer = tallies(increments([series(ok)], [series(ok), series(failed, code="500")]))
    shorter = tallies(
        increments([series(ok[:scrapes])], [series(ok[:scrapes]), series(failed[:scrapes], code="500")])
    )
    assert longer[: len(shorter)] == shorter


@given(expositions(), st.randoms())
def test_the_order_of_series_does_not_matter(exposition, random):
    ok, failed, *_ = exposition
    total = [series(ok), series(failed, code="500"), series(ok, instance="b:80")]
    good = [total[0], total[2]]
    expected = whole(good, total)
    random.shuffle(total)
    assert whole(good[::-1], total) == expected


@pytest.mark.parametrize("value", [1e308, math.inf, 2.0**54])
def test_a_counter_that_no_service_reaches_is_told_as_such(value: float) -> None:
    series = [Series({"job": "web", "instance": "a"}, [(0.0, 0.0), (15.0, value)])]
    for count in (lambda: tallies(increments(series, series)), lambda: totals(series, lambda _: "all")):
        with pytest.raises(SeriesError, match="name a counter of") as error:
            count()
        assert error.value.reason == "NotANumber"


def test_counters_that_reach_it_together_are_told_as_such() -> None:
    series = [Series({"job": "web", "instance": str(n)}, [(0.0, 0.0), (15.0, 2e10)]) for n in range(9)]
    with pytest.raises(SeriesError, match="no service has so many"):
        tallies(increments(series, series))
    with pytest.raises(SeriesError, match="no service has so many"):
        totals(series, lambda _: "all")
