"""How compared blocks hang together, by one run and by several."""

import math
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.analysis.batches import (
    ComparedRun,
    PastBatches,
    learned,
    own_effect,
    scatter_of,
)
from devperfops_operator.analysis.scatter import Scatter

BLOCK_S = 5


def autoregression(kept, count, seed):
    draw, value, values = np.random.default_rng(seed), 0.0, []
    for shock in draw.standard_normal(count + 100):
        value = kept * value + shock
        values.append(float(value))
    return values[100:]


def waves(phase, count=120):
    """A run in which what goes up comes down before its end."""
    return [math.sin(2 * math.pi * (phase + block / count)) + 0.01 * (block % 3) for block in range(count)]


def run(values, **other):
    return ComparedRun(
        len(values), fmean(values), float(np.std(values)), scatter_of(values, BLOCK_S), **other
    )


def design_effect(values):
    return own_effect(scatter_of(values, BLOCK_S))


@given(st.lists(st.floats(-1, 1), max_size=100), st.floats(-3, 3).filter(lambda each: abs(each) > 1e-3))
def test_a_design_effect_knows_no_unit(values, factor):
    assert design_effect([factor * each for each in values]) == pytest.approx(design_effect(values), rel=1e-6)


def test_a_design_effect_is_that_of_an_autoregression():
    kept = 0.6
    assert design_effect(autoregression(kept, 3000, 5)) == pytest.approx((1 + kept) / (1 - kept), rel=0.4)
    assert design_effect(np.random.default_rng(5).standard_normal(100).tolist()) < 2
    assert design_effect([1.0] * 50) == design_effect([]) == 1.0


def test_batches_are_told_by_their_seconds_and_are_two_or_more():
    assert {length: each.blocks for length, each in scatter_of(autoregression(0, 20, 1), 5).items()} == {
        10: 10,
        20: 5,
        40: 2,
    }


def test_twenty_runs_know_the_design_effect_better_than_one():
    kept, true = 0.9, 19.0  # (1 + kept) / (1 - kept), but for the length of a run
    alone = [design_effect(autoregression(kept, 120, seed)) for seed in range(20)]
    runs = [run(autoregression(kept, 120, seed)) for seed in range(20)]
    joint = [learned([*runs[:at], *runs[at + 1 :]]).at_end(runs[at].scatter, 120) for at in range(20)]
    assert np.mean(alone) < 0.65 * true  # long batches are too few to be looked at
    assert 0.75 * true < np.mean(joint) < 1.5 * true
    assert np.std(joint) < np.std(alone)


def test_nothing_is_learned_of_five_runs_or_of_runs_that_never_vary():
    assert learned([run(autoregression(0, 120, seed)) for seed in range(5)]) == PastBatches()
    assert learned([run([0.5] * 120)] * 20) == PastBatches()


def test_a_run_unlike_those_before_stands_for_itself():
    past = learned([run(autoregression(0, 120, seed)) for seed in range(20)])
    own = scatter_of(autoregression(0.95, 120, 50), BLOCK_S)
    worst = max(each.prudent for each in own.values())
    assert past.at_end(own, 120) == pytest.approx(worst, rel=0.3)
    assert past.so_far(own) == pytest.approx(max(each.ratio for each in own.values() if each.blocks >= 3))


def test_what_evens_out_within_a_run_counts_little_at_its_end_and_fully_before():
    past = learned([run(waves(phase)) for phase in np.linspace(0, 1, 20, endpoint=False)])
    own = scatter_of(waves(0.3), BLOCK_S)
    assert past.at_end(own, 120) == 1.0
    assert past.so_far(own) > 10
    assert past.at_end(own, 100) > 10  # it is no whole run
    stopped = [run(waves(phase), whole=False) for phase in np.linspace(0, 1, 20, endpoint=False)]
    assert learned(stopped).of_whole is None


def test_runs_that_differ_are_no_reason_to_believe_less_of_a_run_itself():
    """Releases before were faster and slower; that says nothing of how blocks hang together."""
    apart = [run([0.3 * at + each for each in autoregression(0, 120, at)]) for at in range(20)]
    own = scatter_of(autoregression(0, 120, 77), BLOCK_S)
    assert learned(apart).at_end(own, 120) < 2


@given(st.lists(st.tuples(st.integers(2, 200), st.floats(0, 50)), min_size=1, max_size=5))
def test_a_first_run_is_believed_half_of_what_it_shows_until_its_end(shown):
    own = {2**at * BLOCK_S: Scatter(ratio, blocks) for at, (blocks, ratio) in enumerate(shown)}
    assert PastBatches().at_end(own, 120) == own_effect(own)
    assert PastBatches().so_far(own) == 2 * own_effect(own)


@given(st.lists(st.tuples(st.integers(2, 200), st.floats(0, 50)), min_size=1, max_size=5))
def test_no_run_is_believed_more_than_the_usual_one(shown):
    own = {2**at * BLOCK_S: Scatter(ratio, blocks) for at, (blocks, ratio) in enumerate(shown)}
    past = learned([run(autoregression(0.5, 120, seed)) for seed in range(6)])
    known = [
        past.usual[length].ratio for length, each in own.items() if each.blocks >= 3 and length in past.usual
    ]
    assert past.so_far(own) >= max([1.0, *known])
    assert past.at_end({}, 30) >= max(each.ratio for each in past.usual.values())
