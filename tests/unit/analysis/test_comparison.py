"""The comparison with a baseline: what it says, what changes nothing, and where nothing may be said."""

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from devperfops_operator.analysis.comparison import (
    Bets,
    Comparison,
    ComparisonTest,
    Pair,
    block_seconds,
    design_effect,
    student_tail,
)

TEST = ComparisonTest(Fraction(15, 100), alpha=0.001, block_seconds=5)

milliseconds = st.floats(1, 1e6)
excesses = st.lists(st.floats(-2, 2), min_size=1, max_size=60)


def compared(pairs, test=TEST):
    comparison = Comparison(test)
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
    return comparison.fails(), comparison.passes(whole)


def test_an_unchanged_candidate_passes():
    assert verdicts(played(1.0), Pair(300.0, 300.0)) == (False, True)


def test_a_candidate_far_over_the_tolerance_fails():
    assert verdicts(played(1.5), Pair(450.0, 300.0)) == (True, False)


def test_a_candidate_at_the_edge_is_neither():
    assert verdicts(played(1.15), Pair(345.0, 300.0)) == (False, False)


def test_nothing_fails_within_two_minutes_and_nothing_passes_within_five():
    assert not compared(played(3.0, blocks=23)).fails()
    assert compared(played(3.0, blocks=24)).fails()
    assert not compared(played(0.5, blocks=59)).passes(Pair(150.0, 300.0))
    assert compared(played(0.5, blocks=60)).passes(Pair(150.0, 300.0))


def test_long_blocks_must_still_be_some():
    test = ComparisonTest(Fraction(15, 100), alpha=0.001, block_seconds=300)
    assert not compared(played(3.0, blocks=7), test).fails()
    assert not compared(played(0.5, blocks=7), test).passes(Pair(150.0, 300.0))


def test_a_whole_that_contradicts_its_blocks_does_not_pass():
    assert not compared(played(1.0)).passes(Pair(346.0, 300.0))


def test_blocks_that_hang_together_are_worth_less():
    apart = [Pair(300 * math.exp(0.3 * math.sin(2 * math.pi * block / 40)), 300.0) for block in range(120)]
    assert not compared(apart).passes(Pair(300.0, 300.0))
    mixed = [apart[block] for block in np.random.default_rng(1).permutation(120)]
    assert compared(mixed).passes(Pair(300.0, 300.0))


@pytest.mark.parametrize("baseline", [None, math.inf])
def test_without_a_baseline_nothing_passes_and_nothing_fails(baseline):
    comparison = compared([Pair(300.0, baseline)] * 500)
    assert comparison.silent == 500
    assert not comparison.fails()
    assert not comparison.passes(Pair(300.0, 300.0))
    assert not compared(played(1.0)).passes(Pair(300.0, baseline))


@pytest.mark.parametrize("candidate", [None, math.inf])
def test_a_candidate_that_fails_or_falls_silent_fails(candidate):
    comparison = compared([Pair(candidate, 300.0)] * 40)
    assert comparison.fails()
    assert not comparison.passes(Pair(candidate, 300.0))


def test_two_silent_sides_prove_nothing():
    comparison = compared([Pair(None, None)] * 500)
    assert not comparison.fails()
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
    assert not compared(Pair(100 * each, 100.0) for each in factors).fails()


@given(st.lists(st.booleans(), min_size=60, max_size=70))
def test_silent_blocks_only_take_away(silent):
    slow = compared(Pair(200.0, None if gone else 100.0) for gone in silent)
    if slow.fails():
        assert compared([Pair(200.0, 100.0)] * len(silent)).fails()


@given(st.lists(st.floats(-1, 1), max_size=100), st.floats(-3, 3).filter(lambda each: abs(each) > 1e-3))
def test_a_design_effect_knows_no_unit(values, factor):
    assert design_effect([factor * each for each in values]) == pytest.approx(design_effect(values), rel=1e-6)


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
        pairs = played(1.12, blocks=60, noise=0.06, seed=seed)
        values = np.clip([TEST.excess(pair) for pair in pairs], -0.2, 0.2)
        worth = math.floor(60 / design_effect(values.tolist()))
        t = values.mean() / math.sqrt(values.var(ddof=1) / worth)
        assert compared(pairs).passes(Pair(300.0, 300.0)) == (stats.t.cdf(t, worth - 1) <= 0.005)


def test_a_design_effect_is_that_of_an_autoregression():
    kept, values = 0.6, [0.0]
    for shock in np.random.default_rng(5).standard_normal(20_000):
        values.append(kept * values[-1] + shock)
    assert design_effect(values[:3000]) == pytest.approx((1 + kept) / (1 - kept), rel=0.4)
    assert design_effect(np.random.default_rng(5).standard_normal(100).tolist()) < 2
    assert design_effect([1.0] * 50) == design_effect([]) == 1.0


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
