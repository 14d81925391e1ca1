"""What past runs tell of how samples hang together."""

from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from devperfops_operator.analysis.past import (
    PastEffect,
    PastRun,
    between,
    least_effect,
    long_range,
    usual_scatter,
    whole_effect,
)
from devperfops_operator.analysis.scatter import Scatter, effect_of
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
    return PastRun(samples, slow, int(samples / timeline.design_effect()), timeline.scatter())


def scattered(effect: float, blocks: int = 9) -> dict[int, Scatter]:
    """Of one width, of this design effect."""
    return {60: Scatter(effect / (1 + (2 / (blocks - 1)) ** 0.5), blocks)}


def told_by(runs: list[PastRun]) -> PastEffect:
    return PastEffect(
        least_effect(runs),
        long_range(runs),
        whole_effect(runs),
        SAMPLES * SECONDS,
        usual_scatter(runs),
        between(runs),
    )


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
    past = told_by(runs)
    own = runs[0].scatter
    assert past.so_far(own) > 40
    assert past.at_end(own, SAMPLES * SECONDS) < 5


def test_a_run_unlike_those_before_is_judged_by_itself():
    past = PastEffect(least=10.0, of_whole=2.0, whole_samples=30_000)
    assert past.at_end(own=scattered(12.0), samples=29_000) == 2
    assert past.at_end(own=scattered(25.0), samples=29_000) == pytest.approx(25)
    assert past.at_end(own=scattered(12.0), samples=15_000) == pytest.approx(12)


def test_many_runs_leave_less_to_prudence_than_one() -> None:
    runs = [played(seed, lambda _: []) for seed in range(20)]
    alone, known = runs[0].scatter, told_by(runs[1:])
    assert effect_of(alone) > 1.3
    assert known.so_far(alone) < 1.3


def test_a_run_without_a_stall_is_as_clumped_as_the_others_were() -> None:
    past = told_by([played(seed, at_random) for seed in range(10)])
    quiet = played(1, lambda _: []).scatter
    assert effect_of(quiet) < 3
    assert past.so_far(quiet) > 40


def test_a_run_that_scatters_more_than_chance_makes_of_the_usual_stands_for_itself() -> None:
    past = PastEffect(usual={60: Scatter(1.0, 200)})
    assert past.so_far(scattered(2.0)) < 1.2
    assert past.so_far(scattered(9.0)) == pytest.approx(9)


def test_what_moves_between_runs_counts_as_it_is() -> None:
    past = PastEffect(usual={60: Scatter(1.0, 200)}, between=3.0)
    assert past.so_far(scattered(1.0)) == 3


@given(st.floats(0.1, 50), st.floats(0.1, 50), st.integers(2, 500), st.integers(2, 500))
def test_a_run_is_told_from_the_usual_as_by_the_f_distribution(
    own: float, usual: float, blocks: int, others: int
) -> None:
    assume(min(blocks, others) > 5)
    alone, known = {60: Scatter(own, blocks)}, PastEffect(usual={60: Scatter(usual, others)})
    chance = float(stats.f.sf(own / usual, blocks - 1, others - 1))
    assume(not 0.006 < chance < 0.016)  # by Paulson's approximation
    by_itself = known.so_far(alone) == max(1.0, alone[60].prudent)
    assert by_itself == (chance < 0.01) or known.so_far(alone) == 1


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
