"""Is the share of exceedances within what an objective allows?

An objective such as `p99 < 2s` is never judged by an estimated percentile but as a share: "at most 1 % of the
samples take 2 s or longer". `ShareTest` is the whole interface between this judgement and the rest of the
house: counts go in as a `Tally`; `fails`, `passes` and `upper_bound` come out.

`fails` may be asked after every sample: it is a one-sided beta-binomial mixture e-process (Howard, Ramdas,
McAuliffe, Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences", Annals of Statistics
49(2), 2021, Prop. 7), whose chance of ever crossing 1/alpha is at most alpha while the share is as allowed.
`passes` is to be asked once, at the planned end: an exact one-sided bound (Clopper and Pearson, 1934).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import count

_PRECISION = 1e-14  # of the continued fraction, relative
_TINY = 1e-300  # stands in for a zero denominator (Lentz)
_HALVINGS = 60  # of [0, 1]: further than a float resolves


@dataclass(frozen=True, slots=True)
class Tally:
    """What was counted. `exceedance_seconds`: how many different seconds had an exceedance."""

    samples: int = 0
    exceedances: int = 0
    exceedance_seconds: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.exceedance_seconds <= self.exceedances <= self.samples:
            raise ValueError(f"not a tally: need 0 <= exceedance_seconds <= exceedances <= samples in {self}")

    def __add__(self, other: Tally) -> Tally:
        """Both counts together, if they have no second in common."""
        return Tally(
            self.samples + other.samples,
            self.exceedances + other.exceedances,
            self.exceedance_seconds + other.exceedance_seconds,
        )


@dataclass(frozen=True, slots=True)
class ShareTest:
    """Tests "the share of exceedances is at most `allowed`".

    `alpha`: the chance of a wrong Fail, however often one looks. `n_opt`: number of samples at which the
    sequential test is most powerful. `min_exceedance_seconds`: in fewer different seconds no Fail, because
    one short stall is one event, however many samples it holds up. `confidence`: of the bound a Pass needs.

    Raises ValueError on an allowed share or a confidence outside (0, 1) or an alpha outside (0, 0.5).
    """

    allowed: Fraction
    alpha: float
    n_opt: int = 1000
    min_exceedance_seconds: int = 5
    confidence: float = 0.99

    def __post_init__(self) -> None:
        if not (0 < self.allowed < 1 and 0 < self.alpha < 0.5 and 0 < self.confidence < 1):  # noqa: PLR2004
            raise ValueError(f"need 0 < allowed < 1, 0 < alpha < 0.5 and 0 < confidence < 1 in {self}")

    def fails(self, tally: Tally) -> bool:
        """True: more exceedances than allowed, proven. Once true at any look, the objective has failed."""
        if tally.exceedance_seconds < self.min_exceedance_seconds:
            return False
        if tally.exceedances <= self.allowed * tally.samples:
            return False  # the e-value is at most 1: spare the arithmetic
        return self.log_e_value(tally) >= -math.log(self.alpha)

    def passes(self, tally: Tally, effect: float = 1.0) -> bool:
        """True: at most as many exceedances as allowed, with `confidence`.

        `effect`: the design effect, which so many samples make one independent one.
        """
        return log_chance_of_at_most(tally, float(self.allowed), effect) <= math.log1p(-self.confidence)

    def upper_bound(self, tally: Tally, effect: float = 1.0) -> float:
        """The largest share of exceedances that `confidence` leaves possible (1 when nothing was counted)."""
        low, high = 0.0, 1.0
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            if log_chance_of_at_most(tally, middle, effect) <= math.log1p(-self.confidence):
                high = middle
            else:
                low = middle
        return high

    def samples_to_pass(self) -> int:
        """How many samples a Pass takes when none of them is an exceedance."""
        fewest = math.floor(math.log1p(-self.confidence) / math.log1p(-float(self.allowed)))
        return next(samples for samples in count(fewest) if self.passes(Tally(samples)))

    def log_e_value(self, tally: Tally) -> float:
        """Natural logarithm of the evidence against "at most `allowed`".

        Mixture of the likelihood ratios of all larger shares, with a beta prior cut off at `allowed`.
        """
        good_prior, bad_prior = self._prior()
        share_good = float(1 - self.allowed)
        good = tally.samples - tally.exceedances
        return _log_scaled_incomplete_beta(
            share_good, good_prior + good, bad_prior + tally.exceedances
        ) - _log_scaled_incomplete_beta(share_good, good_prior, bad_prior)

    def _prior(self) -> tuple[float, float]:
        """The beta prior's parameters for good and bad samples, from the `n_opt` wanted."""
        allowed = float(self.allowed)
        variance = allowed * (1 - allowed)
        spread = 2 * math.log(1 / (2 * self.alpha))
        rho = variance * self.n_opt / (spread + math.log1p(spread))
        r = max(rho - variance, 1e-3 * variance)
        return r / allowed, r / (1 - allowed)


def log_chance_of_at_most(tally: Tally, share: float, effect: float = 1.0) -> float:
    """Logarithm of the binomial chance of at most `tally.exceedances`, one sample's being `share`.

    Counts divided by the design effect are no whole numbers: the incomplete beta function, which the binomial
    sum is, goes on between them.
    """
    good, bad = (tally.samples - tally.exceedances) / effect, tally.exceedances / effect
    if good == 0 or share <= 0:
        return 0.0
    if share >= 1:
        return -math.inf
    if bad == 0:
        return good * math.log1p(-share)
    a, b = good, bad + 1
    log_integral = _log_scaled_incomplete_beta(1 - share, a, b) + a * math.log1p(-share) + b * math.log(share)
    return min(0.0, log_integral - _log_beta(a, b))


def _log_scaled_incomplete_beta(x: float, a: float, b: float) -> float:
    """Logarithm of B(x; a, b) / (x^a (1-x)^b), 0 < x < 1, B being the unnormalised incomplete beta function.

    Stays in the logarithm throughout: B itself underflows within a few thousand samples, and a floor under it
    would tell proof where there is none.
    """
    if x * (a + b + 2) < a + 1:
        return math.log(_continued_fraction(x, a, b)) - math.log(a)
    whole = _log_beta(a, b) - a * math.log(x) - b * math.log1p(-x)
    other = math.log(_continued_fraction(1 - x, b, a)) - math.log(b)
    return whole + math.log1p(-math.exp(other - whole))


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _continued_fraction(x: float, a: float, b: float) -> float:
    """Value of a B(x; a, b) / (x^a (1-x)^b): DLMF 8.17.22 by the modified Lentz method.

    Converges within about sqrt(max(a, b)) terms for x < (a+1)/(a+b+2).
    """
    c, d = 1.0, 1.0 / _away_from_zero(1 - (a + b) * x / (a + 1))
    result = d
    for m in count(1):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _away_from_zero(1 + term * d)
            c = _away_from_zero(1 + term / c)
            result *= c * d
        if abs(c * d - 1) < _PRECISION:
            break
    return result


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
