"""The tests of a share against published figures, an independent implementation, and at the extremes."""

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import special, stats

from devperfops_operator.analysis.exceedance import ShareTest, Tally


def tally(samples, exceedances):
    return Tally(samples, exceedances, min(exceedances, 5))


# --- Clopper and Pearson's bound --------------------------------------------------------------------------

# upper ends of two-sided 95 % intervals, as tables of the binomial distribution have them
TABLE = [
    (10, 0, 0.3085),
    (10, 1, 0.4450),
    (10, 5, 0.8129),
    (20, 0, 0.1684),
    (100, 10, 0.1762),
    (100, 1, 0.0545),
]


@pytest.mark.parametrize(("samples", "bad", "upper"), TABLE)
def test_upper_bound_is_that_of_the_tables(samples, bad, upper):
    bound = ShareTest(Fraction(1, 2), alpha=0.001, confidence=0.975).upper_bound(tally(samples, bad))
    assert bound == pytest.approx(upper, abs=5e-5)


@pytest.mark.parametrize(("quantile", "samples"), [(90, 29), (95, 59), (99, 299)])
def test_fewest_samples_for_a_bound_of_95_percent(quantile, samples):
    assert ShareTest(Fraction(100 - quantile, 100), alpha=0.001, confidence=0.95).samples_to_pass() == samples


def test_fewest_samples_for_p999():
    # ln .05 / ln .999 = 2,994.2; so 2,995
    assert ShareTest(Fraction(1, 1000), alpha=0.001, confidence=0.95).samples_to_pass() == 2995


@pytest.mark.parametrize("samples", [1, 50, 459, 10_000, 10**6, 10**9])
@pytest.mark.parametrize("bad", [0, 1, 7, 40])
def test_upper_bound_agrees_with_scipy(samples, bad):
    if bad < samples:
        bound = ShareTest(Fraction(1, 100), alpha=0.001).upper_bound(tally(samples, bad))
        assert bound == pytest.approx(stats.beta.ppf(0.99, bad + 1, samples - bad), rel=1e-7)


@pytest.mark.parametrize(
    ("samples", "bad"), [(500, 1), (5_000, 30), (5_000, 49), (5_000, 34), (100_000, 900)]
)
def test_passing_agrees_with_the_binomial_of_scipy(samples, bad):
    test = ShareTest(Fraction(1, 100), alpha=0.001)
    assert test.passes(tally(samples, bad)) == (stats.binom.logcdf(bad, samples, 0.01) <= math.log(0.01))


# --- how many samples a Fail takes ------------------------------------------------------------------------


def samples_to_fail(test, share, *, streams, seed):
    """Where each stream of independent samples, looked at after every one, first fails.

    The evidence falls with every good sample, so for each number of exceedances there is a last sample at
    which it still is enough.
    """
    most = 400
    last = np.array([last_that_fails(test, bad) for bad in range(1, most + 1)])
    gaps = np.random.default_rng(seed).geometric(share, size=(streams, most))
    at = gaps.cumsum(axis=1)
    crossed = at <= last
    assert crossed.any(axis=1).all()
    return at[np.arange(streams), crossed.argmax(axis=1)]


def last_that_fails(test, bad):
    low, high = bad - 1, 10**6
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if test.fails(Tally(middle, bad, bad)) else (low, middle)
    return low


# (allowed, true share): normal tail of sd .5 and sd 1 moved by ln 1.2; Pareto of shape 2; sleeping requests; errors
PUBLISHED = [
    ("p99, lognormal .5, x1.2", 0.01, stats.norm.sf(stats.norm.isf(0.01) - math.log(1.2) / 0.5), 454, 1_000),
    ("p99, lognormal 1, x1.2", 0.01, stats.norm.sf(stats.norm.isf(0.01) - math.log(1.2)), 1_852, 4_970),
    ("p99, Pareto 2, x1.2", 0.01, 0.01 * 1.2**2, 3_365, 8_560),
    ("errors .5 %, true 1 %", 0.005, 0.01, 1_635, 3_895),
]


@pytest.mark.parametrize(("what", "allowed", "share", "half", "most"), PUBLISHED)
def test_a_fail_takes_as_many_samples_as_published(what, allowed, share, half, most):
    test = ShareTest(Fraction(str(allowed)), alpha=0.05, min_exceedance_seconds=1)
    needed = samples_to_fail(test, share, streams=1_000, seed=1)
    assert np.median(needed) == pytest.approx(half, rel=0.15), what
    assert np.quantile(needed, 0.9) == pytest.approx(most, rel=0.15), what


def test_rare_errors_take_no_more_samples_than_published():
    """345 and 745 there, for another number of samples at which the test is to be most powerful."""
    test = ShareTest(Fraction(1, 1000), alpha=0.05, min_exceedance_seconds=1)
    needed = samples_to_fail(test, 0.01, streams=1_000, seed=1)
    assert np.median(needed) <= 345
    assert np.quantile(needed, 0.9) <= 745


# --- extremes ---------------------------------------------------------------------------------------------

RARE = ShareTest(Fraction(1, 10**6), alpha=0.001)


@pytest.mark.parametrize("bad", [900, 1_000, 1_200, 1_500])
def test_a_billion_samples_of_one_in_a_million(bad):
    """Against scipy, whose regularised incomplete beta does not underflow here."""
    samples, p0 = 10**9, 1e-6
    good_prior, bad_prior = RARE._prior()
    posterior = special.betainc(good_prior + samples - bad, bad_prior + bad, 1 - p0)
    prior = special.betainc(good_prior, bad_prior, 1 - p0)
    expected = (
        math.log(posterior / prior)
        + special.betaln(good_prior + samples - bad, bad_prior + bad)
        - special.betaln(good_prior, bad_prior)
        - bad * math.log(p0)
        - (samples - bad) * math.log1p(-p0)
    )
    assert RARE.log_e_value(tally(samples, bad)) == pytest.approx(expected, rel=1e-3, abs=1e-3)


def test_verdicts_of_a_billion_samples():
    assert RARE.fails(tally(10**9, 1_500))
    assert not RARE.fails(tally(10**9, 1_000))
    assert RARE.passes(tally(10**9, 900))
    assert not RARE.passes(tally(10**9, 1_000))


@pytest.mark.parametrize("samples", [10**3, 10**6, 10**9])
def test_all_good_and_all_bad_stay_finite(samples):
    for bad in (0, samples):
        assert math.isfinite(RARE.log_e_value(tally(samples, bad)))
    assert RARE.fails(tally(samples, samples))
    assert RARE.upper_bound(tally(samples, samples)) == 1


@pytest.mark.parametrize("width", [1, 5, 60])
def test_how_time_is_divided_changes_no_evidence(width):
    """Counts per second, per 5 s or per minute add up to the same."""
    bad = np.random.default_rng(2).binomial(50, 0.01, size=600)
    test = ShareTest(Fraction(1, 100), alpha=0.001)
    merged = sum(
        (tally(50 * width, int(part.sum())) for part in bad.reshape(-1, width)),
        start=Tally(),
    )
    whole = tally(50 * 600, int(bad.sum()))
    assert test.log_e_value(merged) == test.log_e_value(whole)
    assert test.upper_bound(merged) == test.upper_bound(whole)
