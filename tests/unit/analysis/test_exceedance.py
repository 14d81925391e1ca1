"""The two tests of a share: against known figures, against mpmath, and by what they promise."""

import math
from fractions import Fraction
from itertools import count, pairwise

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.analysis.exceedance import ShareTest, Tally

P99 = ShareTest(Fraction(1, 100), alpha=0.001)
P999 = ShareTest(Fraction(1, 1000), alpha=0.001)
HALF_PERCENT = ShareTest(Fraction(5, 1000), alpha=0.001)

shares = st.fractions(min_value=Fraction(1, 10**6), max_value=Fraction(99, 100))
alphas = st.floats(min_value=1e-6, max_value=0.1)


@st.composite
def tallies(draw, most=10**7):
    samples = draw(st.integers(0, most))
    exceedances = draw(st.integers(0, samples))
    return Tally(samples, exceedances, draw(st.integers(0, min(exceedances, 1000))))


def spread(samples, exceedances):
    """A tally whose exceedances lie in seconds enough."""
    return Tally(samples, exceedances, min(exceedances, 5))


# --- known figures -------------------------------------------------------------------------------------


def test_five_bad_samples_in_five_seconds_prove_that_p99_is_broken():
    assert next(n for n in count(1) if P99.fails(Tally(n, n, n))) == 5


@pytest.mark.parametrize(("test", "samples"), [(P99, 459), (HALF_PERCENT, 919), (P999, 4603)])
def test_samples_a_pass_takes_when_none_exceeds(test, samples):
    assert test.samples_to_pass() == samples
    assert test.passes(Tally(samples))
    assert not test.passes(Tally(samples - 1))


@given(shares)
def test_samples_to_pass_is_where_passing_begins(allowed):
    test = ShareTest(allowed, alpha=0.001)
    samples = test.samples_to_pass()
    assert test.passes(Tally(samples))
    assert samples == 1 or not test.passes(Tally(samples - 1))


# --- golden values ---------------------------------------------------------------------------------------

GOLDEN = [
    (0, 0),
    (1, 1),
    (5, 5),
    (460, 0),
    (1_000, 10),
    (3_000, 90),
    (20_000, 0),  # B underflows a double: e^-201
    (100_000, 400),
    (100_000, 1_000),
    (100_000, 1_400),
    (2_000, 2_000),
]


def mp_log_e_value(test, samples, bad):
    """The mixture written down naively, in 60 digits."""
    with mpmath.workdps(60):
        p0, alpha = mpmath.mpf(test.allowed.numerator) / test.allowed.denominator, mpmath.mpf(test.alpha)
        spread = 2 * mpmath.log(1 / (2 * alpha))
        rho = p0 * (1 - p0) * test.n_opt / (spread + mpmath.log(1 + spread))
        r = max(rho - p0 * (1 - p0), p0 * (1 - p0) / 1000)
        a, b = r / p0, r / (1 - p0)
        posterior = mpmath.betainc(a + samples - bad, b + bad, 0, 1 - p0)
        prior = mpmath.betainc(a, b, 0, 1 - p0)
        log_ratio = mpmath.log(posterior) - mpmath.log(prior)
        return float(log_ratio - bad * mpmath.log(p0) - (samples - bad) * mpmath.log(1 - p0))


@pytest.mark.parametrize("test", [P99, HALF_PERCENT, P999, ShareTest(Fraction(9, 10), alpha=0.05, n_opt=50)])
@pytest.mark.parametrize(("samples", "bad"), GOLDEN)
def test_e_value_agrees_with_sixty_digits(test, samples, bad):
    assert test.log_e_value(spread(samples, bad)) == pytest.approx(
        mp_log_e_value(test, samples, bad), rel=1e-9, abs=1e-9
    )


@pytest.mark.parametrize(("samples", "bad"), [(459, 0), (1_000, 3), (10_000, 80), (100_000, 0), (500, 499)])
def test_bound_leaves_exactly_one_percent(samples, bad):
    bound = mpmath.mpf(P99.upper_bound(spread(samples, bad)))
    with mpmath.workdps(40):
        chance = mpmath.betainc(samples - bad, bad + 1, 0, 1 - bound, regularized=True)
    assert float(chance) == pytest.approx(0.01, rel=1e-9)


# --- what they promise ----------------------------------------------------------------------------------


def first_fails(test, share, *, streams, seconds, rate, seed):
    """For each stream of `rate` samples a second: the second of its first Fail, or None."""
    bad = np.random.default_rng(seed).binomial(rate, share, size=(streams, seconds))
    totals, hit_seconds = bad.cumsum(axis=1), (bad > 0).cumsum(axis=1)
    for total, hits in zip(totals.tolist(), hit_seconds.tolist(), strict=True):
        looks = (Tally(rate * (s + 1), total[s], hits[s]) for s in range(seconds))
        yield next((second for second, tally in enumerate(looks, 1) if test.fails(tally)), None)


def test_wrong_fail_is_as_rare_as_alpha_though_one_looks_every_second():
    test = ShareTest(Fraction(1, 100), alpha=0.05)
    fails = [s for s in first_fails(test, 0.01, streams=1000, seconds=60, rate=50, seed=1) if s]
    assert 0 < len(fails) <= 1000 * 0.05  # far below .20, which a fixed-size test would reach


def test_wrong_fail_with_the_operators_alpha():
    fails = [s for s in first_fails(P99, 0.01, streams=3000, seconds=60, rate=50, seed=2) if s]
    assert len(fails) <= 9  # expected at most 3; a right test exceeds 9 once in a thousand seeds


def test_a_broken_percentile_is_found_soon():
    test = ShareTest(Fraction(1, 100), alpha=0.05)
    found = list(first_fails(test, 0.05, streams=200, seconds=1000, rate=1, seed=3))
    assert None not in found
    assert 90 <= np.median(found) <= 170  # 129 in the published table


@pytest.mark.parametrize("test", [P99, HALF_PERCENT])
@pytest.mark.parametrize("samples", [459, 1_000, 5_000, 20_000])
def test_wrong_pass_at_the_boundary_is_at_most_one_percent(test, samples):
    passing = [bad for bad in range(samples // 50) if test.passes(spread(samples, bad))]
    if not passing:
        assert samples < test.samples_to_pass()
        return
    chance = mpmath.betainc(samples - passing[-1], passing[-1] + 1, 0, 1 - test.allowed, regularized=True)
    assert chance <= 0.01


def test_one_stall_is_no_fail_however_many_samples_it_holds_up():
    assert P99.log_e_value(Tally(1000, 300, 4)) > 100
    assert not P99.fails(Tally(1000, 300, 4))
    assert P99.fails(Tally(1000, 300, 5))


# --- properties -----------------------------------------------------------------------------------------


@given(shares, alphas, tallies())
def test_never_both_and_always_a_number(allowed, alpha, tally):
    test = ShareTest(allowed, alpha)
    assert not (test.fails(tally) and test.passes(tally))
    assert math.isfinite(test.log_e_value(tally))
    assert tally.exceedances / max(1, tally.samples) <= test.upper_bound(tally) <= 1


@given(shares, alphas, tallies())
def test_share_within_what_is_allowed_is_no_evidence_against_it(allowed, alpha, tally):
    test = ShareTest(allowed, alpha)
    if tally.exceedances <= allowed * tally.samples:
        assert test.log_e_value(tally) <= 1e-6
        assert not test.fails(tally)


@given(shares, tallies(most=10**5))
def test_passing_is_the_bound_within_what_is_allowed(allowed, tally):
    test = ShareTest(allowed, alpha=0.001)
    bound = test.upper_bound(tally)
    if abs(bound - allowed) > 1e-9 * allowed:
        assert test.passes(tally) == (bound < allowed)


@given(shares, st.integers(1, 10**5), st.integers(0, 15))
def test_more_exceedances_never_help(allowed, samples, most):
    test = ShareTest(allowed, alpha=0.001)
    for fewer, more in pairwise(range(min(most, samples) + 1)):
        assert test.upper_bound(spread(samples, fewer)) <= test.upper_bound(spread(samples, more))
        assert test.fails(spread(samples, more)) or not test.fails(spread(samples, fewer))


def test_nothing_counted_proves_nothing():
    assert not P99.fails(Tally())
    assert not P99.passes(Tally())
    assert P99.upper_bound(Tally()) == 1


@given(tallies(), tallies(), tallies())
def test_tallies_add_up_in_any_order(a, b, c):
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a + Tally() == a


@pytest.mark.parametrize("counts", [(1, 2, 0), (5, 1, 2), (-1, 0, 0), (1, -1, 0), (3, 2, -1)])
def test_impossible_counts_are_refused(counts):
    with pytest.raises(ValueError, match="not a tally"):
        Tally(*counts)


@pytest.mark.parametrize(
    ("allowed", "alpha"), [(0, 0.01), (1, 0.01), (Fraction(1, 2), 0), (Fraction(1, 2), 0.5)]
)
def test_impossible_parameters_are_refused(allowed, alpha):
    with pytest.raises(ValueError, match="0 < allowed < 1"):
        ShareTest(Fraction(allowed), alpha)
