"""How long a repetition takes: what is predicted is measured, too."""

from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.analysis.exceedance import ShareTest, Tally
from devperfops_operator.analysis.horizon import CHANCE, Horizon, Outcome, horizon

RUNS = 2000
MOST = 10_000_000


def predicted(test: ShareTest, share: float, design_effect: float = 1.0) -> Horizon:
    found = horizon(test, share, most=MOST, design_effect=design_effect)
    assert found is not None
    return found


def measured_passes(test: ShareTest, share: float, samples: int, rng: np.random.Generator) -> float:
    """Of many runs of so many samples, each asked at its end."""
    drawn = np.bincount(rng.binomial(samples, share, RUNS))
    return sum(runs for count, runs in enumerate(drawn) if runs and test.passes(Tally(samples, count))) / RUNS


def measured_fails(test: ShareTest, share: float, samples: int, rng: np.random.Generator) -> float:
    """Likewise, each asked after every sample: only an exceedance can make it fail."""
    at = np.cumsum(rng.geometric(share, (RUNS, ceil(samples * share * 2) + 50)), axis=1)
    latest = [latest_to_fail(test, count, samples) for count in range(1, at.shape[1] + 1)]
    return float((at <= np.array(latest)).any(axis=1).mean())


def latest_to_fail(test: ShareTest, exceedances: int, samples: int) -> int:
    """The largest number of samples, at most `samples`, among which so many exceedances fail; 0: none."""
    low, high = exceedances - 1, samples + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if test.fails(Tally(middle, exceedances, exceedances)) else (low, middle)
    return low if low >= exceedances else 0


@pytest.mark.parametrize("allowed", [Fraction(1, 1000), Fraction(1, 100), Fraction(1, 20), Fraction(1, 2)])
@pytest.mark.parametrize("part", [0.1, 0.3, 0.5, 0.7, 0.85])
def test_the_chance_to_pass_is_as_predicted(allowed, part):
    test, share = ShareTest(allowed, alpha=0.001), float(allowed) * part
    found = predicted(test, share)
    assert found.outcome is Outcome.HOLDS
    assert found.chance >= CHANCE
    measured = measured_passes(test, share, found.samples, np.random.default_rng(5))
    assert measured == pytest.approx(found.chance, abs=0.03)


@pytest.mark.parametrize("allowed", [Fraction(1, 1000), Fraction(1, 100), Fraction(1, 20)])
@pytest.mark.parametrize("times", [1.5, 2, 4, 10])
@pytest.mark.parametrize("alpha", [0.001, 0.0001])
def test_the_chance_to_fail_is_as_predicted(allowed, times, alpha):
    test, share = ShareTest(allowed, alpha), float(allowed) * times
    found = predicted(test, share)
    assert found.outcome is Outcome.BROKEN
    measured = measured_fails(test, share, found.samples, np.random.default_rng(7))
    assert 0.85 <= measured <= 0.95
    assert measured == pytest.approx(found.chance, abs=0.05)


def test_where_all_are_good_a_pass_takes_no_more_than_it_must():
    test = ShareTest(Fraction(1, 100), alpha=0.001)
    assert predicted(test, 0.0) == Horizon(Outcome.HOLDS, test.samples_to_pass(), 1.0)


@pytest.mark.parametrize("share", [0.01, 0.00999, 0.01001])
def test_a_share_at_its_limit_is_never_decided(share):
    assert horizon(ShareTest(Fraction(1, 100), alpha=0.001), share, most=MOST) is None


@pytest.mark.parametrize("share", [0.0, 0.004, 0.03])
def test_samples_that_depend_on_each_other_are_worth_fewer(share):
    test = ShareTest(Fraction(1, 100), alpha=0.001)
    assert predicted(test, share, 2.5).samples == ceil(2.5 * predicted(test, share).samples)


@given(st.floats(0.0, 0.9), st.floats(0.01, 0.99))
def test_the_nearer_to_the_limit_the_longer(part, nearer):
    test = ShareTest(Fraction(1, 100), alpha=0.001)
    far, near = predicted(test, 0.01 * part * nearer), predicted(test, 0.01 * part)
    assert far.samples <= near.samples * 1.1  # counts make small steps


@pytest.mark.parametrize(("share", "chance", "design_effect"), [(-0.1, 0.9, 1), (0, 1, 1), (0, 0.9, 0.5)])
def test_what_is_no_question_is_refused(share, chance, design_effect):
    with pytest.raises(ValueError, match="need"):
        horizon(ShareTest(Fraction(1, 100), 0.001), share, most=9, chance=chance, design_effect=design_effect)
