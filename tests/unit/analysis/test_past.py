"""What past runs tell of how samples hang together."""

from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.analysis.past import PastEffect, PastRun, least_effect, long_range, whole_effect
from devperfops_operator.analysis.timeline import Timeline, variance_ratio

SAMPLES, SECONDS = 50, 600  # a second, of a run


@st.composite
def past_runs(draw: st.DrawFn) -> PastRun:
    samples = draw(st.integers(1, 10_000))
    counted = draw(st.integers(0, samples)), draw(st.integers(0, samples))
    return PastRun(samples, *counted, whole=draw(st.booleans()))


def played(seed: int, starts: Callable[[Random], list[int]]) -> PastRun:
    """A run of which one sample in 500 is slow, and all that are held up by stalls of 3 s from then on."""
    draw, timeline, slow = Random(seed), Timeline(), 0
    stalled = {start + more for start in starts(draw) for more in range(3)}
    for second in range(SECONDS):
        bad = SAMPLES if second in stalled else sum(draw.random() < 0.002 for _ in range(SAMPLES))
        timeline.add(second, SAMPLES, bad)
        slow += bad
    samples = SAMPLES * SECONDS
    return PastRun(samples, slow, int(samples / timeline.design_effect()))


def at_random(draw: Random) -> list[int]:
    """Each 300 s in the long run."""
    moments = list(accumulate(draw.expovariate(1 / 300) for _ in range(20)))
    return [int(moment) for moment in moments if moment < SECONDS]


def by_the_clock(draw: Random) -> list[int]:
    """Each 300 s."""
    first = draw.randrange(300)
    return [first, first + 300]


def test_no_past_tells_nothing():
    assert least_effect([]) == 1
    assert least_effect([PastRun(1_000, 0, 1_000)] * 8) == 1
    assert whole_effect([PastRun(1_000, 0, 1_000)] * 8) is None


def test_a_run_without_a_stall_does_not_make_those_of_others_forgotten():
    assert least_effect([PastRun(30_000, 450, 300), *[PastRun(30_000, 60, 28_000)] * 4]) > 50


def test_of_runs_whose_samples_are_independent_little_is_taken():
    runs = [PastRun(30_000, exceedances, 30_000) for exceedances in (300, 282, 315, 294, 330, 288, 309, 276)]
    assert least_effect(runs) < 2


def test_what_lasts_a_whole_run_shows_only_beside_others():
    slow_days = [PastRun(30_000, 600, 30_000)] * 4
    good_days = [PastRun(30_000, 60, 30_000)] * 4
    assert least_effect([*slow_days, *good_days]) > 100
    assert least_effect([slow_days[0], good_days[0]]) == 1  # of two runs nobody knows


def test_stalls_that_a_run_may_miss_are_known_after_ten():
    runs = [played(seed, at_random) for seed in range(10)]
    assert any(run.exceedances < 100 for run in runs)
    assert least_effect(runs) > 40
    assert (whole_effect(runs) or 0) > 40


def test_a_level_that_moves_between_runs_is_told_from_stalls_within():
    good, bad = PastRun(30_000, 60, 30_000), PastRun(30_000, 600, 30_000)
    assert long_range([good, bad] * 4) > 50
    assert long_range([played(seed, at_random) for seed in range(10)]) < 2
    assert long_range([played(seed, by_the_clock) for seed in range(10)]) == 1
    assert long_range([good, bad]) == 1  # of two runs nobody knows


def test_stalls_by_the_clock_make_all_runs_alike():
    runs = [played(seed, by_the_clock) for seed in range(10)]
    past = PastEffect(least_effect(runs), 1.0, whole_effect(runs), SAMPLES * SECONDS)
    own = runs[0].samples / runs[0].independent
    assert past.so_far(own) > 40
    assert past.at_end(own, SAMPLES * SECONDS) < 5


def test_a_run_unlike_those_before_is_judged_by_itself():
    past = PastEffect(least=10.0, of_whole=2.0, whole_samples=30_000)
    assert past.at_end(own=12.0, samples=29_000) == 2
    assert past.at_end(own=25.0, samples=29_000) == 25
    assert past.at_end(own=12.0, samples=15_000) == 12


def test_of_few_whole_runs_nobody_tells_how_they_vary():
    run = PastRun(30_000, 100, 30_000)
    assert whole_effect([run] * 5) is None
    assert whole_effect([replace(run, whole=False)] * 20) is None
    assert whole_effect([run] * 6) == 1


def test_the_interval_of_a_variance_is_that_of_the_tables():
    """Chi-squared of 9 degrees of freedom: 3.325 at 5 %."""
    counts = [300 + more for more in (-40, -30, -20, -10, 0, 0, 10, 20, 30, 40)]
    runs = [PastRun(30_000, count, 30_000) for count in counts]
    ratio = variance_ratio([(run.samples, run.exceedances) for run in runs])
    assert whole_effect(runs) == pytest.approx(ratio * 9 / 3.325, rel=0.005)


@given(st.lists(past_runs(), max_size=20), st.randoms())
def test_the_order_of_runs_changes_nothing(runs: list[PastRun], draw: Random):
    shuffled = draw.sample(runs, len(runs))
    assert least_effect(shuffled) == pytest.approx(least_effect(runs))
    assert whole_effect(shuffled) == pytest.approx(whole_effect(runs))
    assert least_effect(runs) >= 1
