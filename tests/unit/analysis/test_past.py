"""What past runs tell of how samples hang together."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.analysis.past import PastRun, past_effect
from devperfops_operator.analysis.timeline import Timeline

SAMPLES, SECONDS = 50, 600  # a second, of a run


@st.composite
def past_runs(draw: st.DrawFn) -> PastRun:
    samples = draw(st.integers(1, 10_000))
    return PastRun(samples, draw(st.integers(0, samples)), draw(st.integers(0, samples)))


def played(seed: int, *, every: float) -> PastRun:
    """A run of which one sample in 500 is slow, and all that a stall of 3 s holds up; so often, in seconds."""
    draw, timeline, slow = Random(seed), Timeline(), 0
    stalled: set[int] = set()
    while draw.random() < 1 - (1 - 1 / every) ** (SECONDS - len(stalled)) and len(stalled) < SECONDS // 4:
        begin = draw.randrange(SECONDS)
        stalled |= {begin, begin + 1, begin + 2}
        if draw.random() < 0.5:
            break
    for second in range(SECONDS):
        bad = SAMPLES if second in stalled else sum(draw.random() < 0.002 for _ in range(SAMPLES))
        timeline.add(second, SAMPLES, bad)
        slow += bad
    samples = SAMPLES * SECONDS
    return PastRun(samples, slow, int(samples / timeline.design_effect()))


def test_no_past_tells_nothing():
    assert past_effect([]) == 1
    assert past_effect([PastRun(1_000, 0, 1_000)]) == 1


def test_a_run_without_a_stall_does_not_make_those_of_others_forgotten():
    assert past_effect([PastRun(30_000, 450, 300), *[PastRun(30_000, 60, 28_000)] * 5]) > 50


def test_of_runs_whose_samples_are_independent_little_is_taken():
    runs = [PastRun(30_000, exceedances, 30_000) for exceedances in (300, 282, 315, 294, 330, 288, 309, 276)]
    assert past_effect(runs) < 2


def test_what_lasts_a_whole_run_shows_only_beside_others():
    slow_days = [PastRun(30_000, 600, 30_000)] * 4
    good_days = [PastRun(30_000, 60, 30_000)] * 4
    assert past_effect([*slow_days, *good_days]) > 100
    assert past_effect([slow_days[0], good_days[0]]) == 1  # of two runs nobody knows


def test_stalls_that_a_run_may_miss_are_known_after_ten():
    runs = [played(seed, every=300) for seed in range(10)]
    assert any(run.exceedances < 100 for run in runs)
    assert past_effect(runs) > 40


@given(st.lists(past_runs(), max_size=20), st.randoms())
def test_the_order_of_runs_changes_nothing(runs: list[PastRun], draw: Random):
    shuffled = draw.sample(runs, len(runs))
    assert past_effect(shuffled) == pytest.approx(past_effect(runs))
    assert past_effect(runs) >= 1
