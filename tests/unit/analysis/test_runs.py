"""A run beside the earlier ones: what passes, what fails, and how often that is wrong."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from devperfops_operator.analysis.runs import FEWEST_RUNS, PastTimes, RunsTest, student_quantile

TEST = RunsTest(Fraction(15, 100), alpha=0.001)

times = st.lists(st.floats(1, 1e6), min_size=FEWEST_RUNS, max_size=30)


@pytest.mark.parametrize("freedom", [5, 6, 19, 99])
@pytest.mark.parametrize("tail", [0.05, 0.005, 0.001, 1e-4])
def test_students_quantile_is_scipys(tail, freedom):
    assert student_quantile(tail, freedom) == pytest.approx(stats.t.isf(tail, freedom), rel=1e-9)


def test_limits_are_those_of_a_prediction_interval():
    earlier = [200.0, 210.0, 190.0, 205.0, 195.0, 208.0, 199.0, 203.0]
    logs = np.log(earlier)
    error = logs.std(ddof=1) * math.sqrt(1 + 1 / 8)
    limits = TEST.limits(earlier)
    assert limits is not None
    edge = logs.mean() + math.log(1.15)
    assert limits.pass_ms == pytest.approx(math.exp(edge - stats.t.isf(0.005, 7) * error))
    assert limits.fail_ms == pytest.approx(math.exp(edge + stats.t.isf(0.001, 7) * error))


def test_of_few_runs_nothing_is_known():
    assert TEST.limits([200.0] * (FEWEST_RUNS - 1)) is None
    assert TEST.limits([200.0] * FEWEST_RUNS) is not None


def test_runs_that_were_all_alike_leave_room_for_what_a_histogram_cannot_tell():
    limits = TEST.limits([200.0] * 20)
    assert limits is not None
    assert 215 < limits.pass_ms < 230 < limits.fail_ms < 250


def test_what_one_earlier_run_was_no_later_one_fails_for():
    limits = TEST.limits([100.0] * 19 + [300.0])
    assert limits is not None
    assert limits.fail_ms >= 1.15 * 300


@given(times, st.floats(0.01, 100))
def test_the_unit_of_time_changes_nothing(earlier, unit):
    ours, theirs = TEST.limits(earlier), TEST.limits([time * unit for time in earlier])
    assert theirs.pass_ms == pytest.approx(ours.pass_ms * unit, rel=1e-6)
    assert theirs.fail_ms == pytest.approx(ours.fail_ms * unit, rel=1e-6)


@given(times, st.floats(0.01, 5))
def test_whoever_tolerates_more_fails_less_and_passes_more(earlier, more):
    lax = RunsTest(TEST.tolerance + Fraction(more), TEST.alpha).limits(earlier)
    strict = TEST.limits(earlier)
    assert strict.pass_ms < strict.fail_ms
    assert (strict.pass_ms, strict.fail_ms) < (lax.pass_ms, lax.fail_ms)


@given(times)
def test_the_order_of_runs_changes_nothing(earlier):
    ours, theirs = TEST.limits(earlier), TEST.limits(earlier[::-1])
    assert ours.pass_ms == pytest.approx(theirs.pass_ms)
    assert ours.fail_ms == pytest.approx(theirs.fail_ms)


@pytest.mark.parametrize("runs", [6, 10, 20])
def test_at_the_edge_a_pass_is_wrong_as_seldom_as_it_says(runs):
    """A service that is 15 % slower, of runs that vary by 4 %: Pass at .005, Fail at .001."""
    rng = np.random.default_rng(runs)
    passed = failed = 0
    for _ in range(4_000):
        limits = TEST.limits(np.exp(rng.normal(5.3, 0.04, runs)))
        time = 1.15 * math.exp(rng.normal(5.3, 0.04))
        passed, failed = passed + (time <= limits.pass_ms), failed + (time > limits.fail_ms)
    assert 5 <= passed <= 40  # 20 are expected
    assert failed <= 12


def test_the_usual_time_is_the_middle_of_ratios():
    assert PastTimes((100, 400)).usual_ms == pytest.approx(200)


@pytest.mark.parametrize(
    ("tolerance", "alpha"), [(Fraction(0), 0.001), (Fraction(1, 10), 0.0), (Fraction(1), 1.0)]
)
def test_what_makes_no_sense_is_refused(tolerance, alpha):
    with pytest.raises(ValueError, match="tolerance > 0"):
        RunsTest(tolerance, alpha)
