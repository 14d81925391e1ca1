"""The comparison with a baseline: what it says, what changes nothing, and where nothing may be said."""

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from devperfops_operator.analysis.batches import learned, own_effect, scatter_of
from devperfops_operator.analysis.comparison import (
    Bets,
    Comparison,
    ComparisonTest,
    Pair,
    block_seconds,
    student_tail,
)

TEST = ComparisonTest(Fraction(15, 100), alpha=0.001, block_seconds=5)

milliseconds = st.floats(1, 1e6)
excesses = st.lists(st.floats(-2, 2), min_size=1, max_size=60)


def compared(pairs, test=TEST, past=None):
    comparison = Comparison(test, past)
    for pair in pairs:
        comparison.add(pair)
    return comparison


def played(factor, *, blocks=120, noise=0.085, seed=1):
    """Blocks whose quantiles scatter as p95 does at 50 requests a second."""
    scatter = np.random.default_rng(seed).normal(math.log(factor), noise, blocks)
    return [Pair(300 * math.exp(each), 300.0) for each in scatter]


def evidence(bets):
    settled = Bets()
    for excess in bets:
        settled.settle(excess)
    return settled.log_e_value


def verdicts(pairs, whole):
    comparison = compared(pairs)
    return comparison.fails_so_far(), comparison.passes(whole)


def test_an_unchanged_candidate_passes():
    assert verdicts(played(1.0), Pair(300.0, 300.0)) == (False, True)


def test_a_candidate_far_over_the_tolerance_fails():
    assert verdicts(played(1.5), Pair(450.0, 300.0)) == (True, False)


def test_the_end_shows_what_looks_before_it_could_not():
    pairs, whole = played(1.195), Pair(358.0, 300.0)
    comparison = compared(pairs)
    assert not ever_fails(pairs, None)
    assert comparison.fails_at_end(whole)
    assert not comparison.fails_at_end(Pair(344.0, 300.0))  # the whole contradicts its blocks
    assert not comparison.passes(whole)


def test_a_candidate_at_the_edge_is_neither():
    assert verdicts(played(1.15), Pair(345.0, 300.0)) == (False, False)


def test_nothing_fails_within_two_minutes_and_nothing_passes_within_five():
    usual = past_of([played(1.0, seed=seed) for seed in range(10)])
    assert not compared(played(3.0, blocks=23), past=usual).fails_so_far()
    assert compared(played(3.0, blocks=24), past=usual).fails_so_far()
    assert compared(played(3.0, blocks=30)).fails_so_far()
    assert not compared(played(0.5, blocks=59)).passes(Pair(150.0, 300.0))
    assert compared(played(0.5, blocks=60)).passes(Pair(150.0, 300.0))


def test_long_blocks_must_still_be_some():
    test = ComparisonTest(Fraction(15, 100), alpha=0.001, block_seconds=300)
    assert not compared(played(3.0, blocks=7), test).fails_so_far()
    assert not compared(played(0.5, blocks=7), test).passes(Pair(150.0, 300.0))


def test_a_whole_that_contradicts_its_blocks_does_not_pass():
    assert not compared(played(1.0)).passes(Pair(346.0, 300.0))


def test_blocks_that_hang_together_are_worth_less():
    apart = [Pair(300 * math.exp(0.3 * math.sin(2 * math.pi * block / 40)), 300.0) for block in range(120)]
    assert not compared(apart).passes(Pair(300.0, 300.0))
    mixed = [apart[block] for block in np.random.default_rng(1).permutation(120)]
    assert compared(mixed).passes(Pair(300.0, 300.0))


def wandering(factor, *, seed, blocks=120, memory=3.0, noise=0.1):
    """The level of one side moves within `memory` blocks."""
    kept, draw, level, pairs = math.exp(-1 / memory), np.random.default_rng(seed), 0.0, []
    for shock in noise * math.sqrt(1 - kept * kept) * draw.standard_normal(blocks + 20):
        level = kept * level + shock
        pairs.append(Pair(300 * factor * math.exp(level), 300.0))
    return pairs[20:]


def ever_fails(pairs, past):
    """A look after each block."""
    comparison, failed = Comparison(TEST, past), False
    for pair in pairs:
        comparison.add(pair)
        failed = failed or comparison.fails_so_far()
    return failed


def past_of(runs):
    return learned([compared(pairs).shown for pairs in runs])


def test_earlier_runs_that_hang_together_ask_more_of_a_fail():
    """At the edge: where a level stays high for minutes, one run looks like a release that is slower."""
    runs = [wandering(1.15, seed=seed, memory=12.0, noise=0.15) for seed in range(300, 360)]
    usual = past_of([wandering(1.0, seed=seed, memory=12.0, noise=0.15) for seed in range(20)])
    alone = sum(ever_fails(pairs, past_of([])) for pairs in runs)
    better = sum(ever_fails(pairs, usual) for pairs in runs)
    assert alone >= 4
    assert better <= alone / 3


def test_earlier_runs_tell_what_one_run_cannot_so_more_unchanged_ones_pass():
    whole = Pair(300.0, 300.0)
    usual = past_of([wandering(1.0, seed=seed) for seed in range(100, 120)])
    runs = [wandering(1.03, seed=seed) for seed in range(60)]
    alone = sum(compared(pairs).passes(whole) for pairs in runs)
    better = sum(compared(pairs, past=usual).passes(whole) for pairs in runs)
    assert better > alone


def test_a_release_at_the_edge_passes_rarely_whatever_earlier_runs_tell():
    usual = past_of([wandering(1.0, seed=seed) for seed in range(200, 220)])
    runs = [wandering(1.15, seed=seed) for seed in range(300)]
    passed = sum(compared(pairs, past=usual).passes(Pair(345.0, 300.0)) for pairs in runs)
    assert passed <= 9  # three times what is allowed of 300


@pytest.mark.parametrize("baseline", [None, math.inf])
def test_without_a_baseline_nothing_passes_and_nothing_fails(baseline):
    comparison = compared([Pair(300.0, baseline)] * 500)
    assert comparison.silent == 500
    assert not comparison.fails_so_far()
    assert not comparison.passes(Pair(300.0, 300.0))
    assert not compared(played(1.0)).passes(Pair(300.0, baseline))


@pytest.mark.parametrize("candidate", [None, math.inf])
def test_a_candidate_that_fails_or_falls_silent_fails(candidate):
    comparison = compared([Pair(candidate, 300.0)] * 40)
    assert comparison.fails_so_far()
    assert not comparison.passes(Pair(candidate, 300.0))


def test_two_silent_sides_prove_nothing():
    comparison = compared([Pair(None, None)] * 500)
    assert not comparison.fails_so_far()
    assert not comparison.passes(Pair(None, None))


def test_times_of_zero_are_compared_as_one_millisecond():
    assert verdicts([Pair(0.0, 0.0)] * 120, Pair(0.0, 0.0)) == (False, True)


@given(st.lists(st.tuples(milliseconds, milliseconds), min_size=1, max_size=20), st.floats(1, 1e3))
def test_an_excess_is_about_ratios_alone(times, factor):
    plain = [TEST.excess(Pair(candidate, baseline)) for candidate, baseline in times]
    scaled = [TEST.excess(Pair(factor * candidate, factor * baseline)) for candidate, baseline in times]
    assert scaled == pytest.approx(plain, abs=1e-9)


@given(milliseconds, milliseconds)
def test_swapped_sides_mirror_an_excess_about_the_tolerance(one, other):
    there, back = TEST.excess(Pair(one, other)), TEST.excess(Pair(other, one))
    assert there + back == pytest.approx(-2 * math.log(1.15))


@given(excesses, st.data())
def test_a_slower_block_never_takes_evidence_of_slowness_away(values, data):
    place = data.draw(st.integers(0, len(values) - 1))
    slower = [*values[:place], data.draw(st.floats(values[place], 3)), *values[place + 1 :]]
    assert evidence(slower) >= evidence(values) - 1e-9
    assert evidence([-each for each in slower]) <= evidence([-each for each in values]) + 1e-9


@given(st.lists(st.floats(1.16, 100), min_size=60, max_size=70))
def test_a_candidate_over_the_tolerance_in_every_block_never_passes(factors):
    assert not compared(Pair(100 * each, 100.0) for each in factors).passes(Pair(100.0, 100.0))


@given(st.lists(st.floats(0.01, 1.14), min_size=60, max_size=70))
def test_a_candidate_within_the_tolerance_in_every_block_never_fails(factors):
    assert not compared(Pair(100 * each, 100.0) for each in factors).fails_so_far()


@given(st.lists(st.booleans(), min_size=60, max_size=70))
def test_silent_blocks_only_take_away(silent):
    slow = compared(Pair(200.0, None if gone else 100.0) for gone in silent)
    if slow.fails_so_far():
        assert compared([Pair(200.0, 100.0)] * len(silent)).fails_so_far()


# --- golden -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("freedom", [1, 2, 3, 7, 8, 59, 119, 5000])
@pytest.mark.parametrize("t", [-3.0, 0.0, 0.5, 2.0, 2.6, 5.0])
def test_the_tail_of_student_agrees_with_scipy(t, freedom):
    assert student_tail(t, freedom) == pytest.approx(stats.t.sf(t, freedom), abs=1e-11)


def test_evidence_agrees_with_a_product_written_out():
    values = np.random.default_rng(3).normal(0.05, 0.2, 40)
    wealth = [
        np.prod(1 + stake * (np.clip(values / scale, -1, 1) if scale else np.sign(values)))
        for scale in (0, 0.1, 0.2, 0.4)
        for stake in (0.2, 0.4, 0.6, 0.8, 0.95)
    ]
    assert evidence(values.tolist()) == pytest.approx(math.log(np.mean(wealth)))


def test_a_symmetric_excess_wins_nothing_on_average():
    sizes = (0.03, 0.5, 0.11, 0.2, 1e-6, 0.07, 0.35, 4.0)
    fortunes = [
        math.exp(evidence([sign * size for sign, size in zip(signs, sizes, strict=True)]))
        for signs in product((-1, 1), repeat=len(sizes))
    ]
    assert math.fsum(fortunes) / len(fortunes) == pytest.approx(1.0)


def test_a_pass_agrees_with_the_t_test_of_scipy():
    for seed in range(40):
        pairs = played(1.12 + 0.06 * (seed % 2), blocks=60, noise=0.06, seed=seed)
        values = np.clip([TEST.excess(pair) for pair in pairs], -0.2, 0.2)
        worth = 60 / own_effect(scatter_of(values.tolist(), 5))
        t = values.mean() / math.sqrt(values.var(ddof=1) / worth)
        freedom = math.floor(worth) - 1
        assert compared(pairs).passes(Pair(300.0, 300.0)) == (stats.t.cdf(t, freedom) <= 0.005)
        assert compared(pairs).fails_at_end(Pair(400.0, 300.0)) == (stats.t.sf(t, freedom) <= 0.0005)


@pytest.mark.parametrize(
    ("rate", "percent", "seconds"), [(50, 95, 5), (50, 99, 10), (10, 95, 10), (1, 99, 500), (1000, 50, 5)]
)
def test_a_block_holds_some_slow_requests(rate, percent, seconds):
    assert block_seconds(Fraction(rate), 1 - Fraction(percent, 100)) == seconds


@pytest.mark.parametrize(
    ("tolerance", "alpha", "seconds"), [(0, 0.001, 5), (1, 0, 5), (1, 1, 5), (1, 0.001, 0)]
)
def test_a_test_refuses_what_it_cannot_mean(tolerance, alpha, seconds):
    with pytest.raises(ValueError, match="need tolerance > 0"):
        ComparisonTest(Fraction(tolerance), alpha, seconds)


def test_there_is_no_excess_over_nothing():
    with pytest.raises(ValueError, match="no baseline"):
        TEST.excess(Pair(300.0, None))
