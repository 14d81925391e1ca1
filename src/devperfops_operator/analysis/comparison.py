"""Is the candidate's latency within a tolerance of that of a baseline under the same load at the same time?

An objective such as `p95 < baseline + 15%` is judged block by block: of each few seconds the log ratio of the
two quantiles, less that of 1 + tolerance, is the block's *excess*. What slows down both (a neighbour, a node)
drops out of it. Pairs of quantiles go into a `Comparison`; `fails` and `passes` come out.

`fails_so_far` may be asked after every block. It is an e-process: the fortune of somebody who bets on excess,
averaged over how much is staked and at which excess a bet is fully won (Waudby-Smith and Ramdas, "Estimating
means of bounded random variables by betting", JRSS B 86(1), 2024); at the smallest scale it is a sign test.
Where blocks are independent and the excess is distributed symmetrically about 0 or less, the chance of the
fortune ever reaching 1/alpha is at most alpha (Ville). Blocks that hang together are worth fewer, so the
fortune's logarithm is divided by their design effect. `fails_at_end` and `passes` are to be asked once, when
no more blocks come: Student's test of the mean excess, on as many blocks as these are worth. It finds what
betting at every look would take a longer test for. What blocks are worth is known from the run itself and,
better, from those before it (`batches`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import fmean, pstdev, variance
from typing import Final

from devperfops_operator.analysis.batches import ComparedRun, PastBatches, scatter_of
from devperfops_operator.analysis.scatter import Scatters

_SCALES: Final = (0.0, 0.1, 0.2, 0.4)  # excess at which a bet is fully won; 0: by its sign alone
_STAKES: Final = (0.2, 0.4, 0.6, 0.8, 0.95)  # of the fortune
_REACH: Final = 0.2  # one block counts for no more excess than that in a mean or variance
_FAIL_AFTER: Final = 120  # seconds of load
_PASS_AFTER: Final = 300
_FEWEST: Final = 8  # blocks that a verdict needs
_SHORTEST: Final = 5  # seconds of a block
_SLOW: Final = 5  # requests beyond its quantile that a block is to hold


@dataclass(frozen=True, slots=True)
class Pair:
    """The same quantile of both sides in one block, in milliseconds.

    inf: too many requests failed for it to be a time; None: no request ended.
    """

    candidate: float | None
    baseline: float | None

    @property
    def comparable(self) -> bool:
        """Whether the baseline can be compared with."""
        return self.baseline is not None and math.isfinite(self.baseline)


@dataclass(frozen=True, slots=True)
class ComparisonTest:
    """Tests "the candidate's quantile is at most (1 + tolerance) x the baseline's".

    `alpha`: the chance of a wrong Fail, however often one looks: one half of it while blocks come, one at the
    end. `block_seconds`: how long a block is. `wrong_pass`: the chance of that at the end.

    Raises ValueError on a tolerance or block that is not above 0, or a chance outside (0, 1).
    """

    tolerance: Fraction
    alpha: float
    block_seconds: int
    wrong_pass: float = 0.01

    def __post_init__(self) -> None:
        chances = 0 < self.alpha < 1 and 0 < self.wrong_pass < 1
        if not (self.tolerance > 0 and chances and self.block_seconds > 0):
            raise ValueError(f"need tolerance > 0, chances in (0, 1) and block_seconds > 0 in {self}")

    def excess(self, pair: Pair) -> float:
        """Logarithm of the ratio, less that of 1 + tolerance. The baseline must be comparable.

        inf: the candidate failed or did not answer.
        """
        if pair.baseline is None:
            raise ValueError(f"there is no baseline to compare with in {pair}")
        if pair.candidate is None:
            return math.inf
        slower = math.log(max(pair.candidate, 1.0) / max(pair.baseline, 1.0))
        return slower - math.log1p(self.tolerance)

    def enough(self, blocks: int, seconds: int) -> bool:
        """Whether that many blocks are so much time, and enough to be judged at all."""
        return blocks >= max(_FEWEST, seconds / self.block_seconds)


class Comparison:
    """What a test makes of the blocks so far.

    A block in which the baseline is silent speaks against both verdicts: in bets on Fail it is lost, and a
    Pass must do without it.
    """

    def __init__(self, test: ComparisonTest, past: PastBatches | None = None) -> None:
        self.test = test
        self._past = past or PastBatches()
        self.silent = 0  # blocks in which the baseline could not be compared with
        self._values: list[float] = []  # excess, of no block more than counts
        self._bets = Bets()

    def add(self, pair: Pair) -> None:
        """The next block."""
        if pair.comparable:
            excess = self.test.excess(pair)
            self._values.append(max(-_REACH, min(_REACH, excess)))
            self._bets.settle(excess)
        else:
            self.silent += 1
            self._bets.settle(-math.inf)

    @property
    def blocks(self) -> int:
        """How many could be compared."""
        return len(self._values)

    def fails_so_far(self) -> bool:
        """True: the candidate is slower than tolerated, proven. Once true at any look, it has failed."""
        needed = -math.log(self.test.alpha / 2)
        evidence = self._bets.log_e_value
        if evidence < needed or not self._enough(_FAIL_AFTER):
            return False
        return evidence / self._past.so_far(self._scatter) >= needed

    def fails_at_end(self, whole: Pair) -> bool:
        """Likewise; to be asked once, when all blocks have come.

        `whole`: the quantiles of the whole load, which must not contradict its blocks.
        """
        if not (whole.comparable and self.test.excess(whole) > 0 and self._enough(_FAIL_AFTER)):
            return False
        return self._chance(self._values) <= self.test.alpha / 2

    def passes(self, whole: Pair) -> bool:
        """True: it is within the tolerance; to be asked once, at the planned end. `whole`: likewise."""
        if not (whole.comparable and self.test.excess(whole) <= 0 and self._enough(_PASS_AFTER)):
            return False
        allowed = self.test.wrong_pass if self._past.runs else self.test.wrong_pass / 2
        return self._chance([-value for value in self._values]) <= allowed

    def _enough(self, seconds: int) -> bool:
        return self.test.enough(self.blocks, seconds)

    def _chance(self, values: Sequence[float]) -> float:
        """That chance makes such a mean of a true one of 0 or less; 1 of too few values."""
        worth = len(values) / self._past.at_end(self._scatter, len(values))
        known = math.floor(worth * (1 + self._past.runs))
        if known < _FEWEST:
            return 1.0
        deviation = math.sqrt(variance(values) / worth)
        if deviation == 0:
            return float(values[0] <= 0)
        return student_tail(fmean(values) / deviation, known - 1)

    @property
    def shown(self) -> ComparedRun | None:
        """For runs to come; None: nothing could be compared."""
        values = self._values
        return ComparedRun(len(values), fmean(values), pstdev(values), self._scatter) if values else None

    @property
    def _scatter(self) -> Scatters:
        return scatter_of(self._values, self.test.block_seconds)


class Bets:
    """Fortunes that began as 1, in logarithms, one for each scale and stake."""

    def __init__(self) -> None:
        self._fortunes = [[0.0] * len(_STAKES) for _ in _SCALES]

    def settle(self, excess: float) -> None:
        """The next block's excess is known; infinite ones count as the largest."""
        for fortunes, scale in zip(self._fortunes, _SCALES, strict=True):
            won = max(-1.0, min(1.0, excess / scale)) if scale else math.copysign(excess != 0, excess)
            for index, stake in enumerate(_STAKES):
                fortunes[index] += math.log1p(stake * won)

    @property
    def log_e_value(self) -> float:
        """Natural logarithm of their mean: the evidence for an excess above 0."""
        fortunes = [fortune for of_scale in self._fortunes for fortune in of_scale]
        most = max(fortunes)
        return most + math.log(fmean(math.exp(fortune - most) for fortune in fortunes))


def block_seconds(rate: Fraction, allowed: Fraction) -> int:
    """How long a block is at `rate` requests a second of each side; `allowed`: 1 - quantile."""
    return max(_SHORTEST, math.ceil(_SLOW / (rate * allowed)))


def student_tail(t: float, freedom: int) -> float:
    """The chance that Student's t of `freedom` degrees exceeds `t` (Abramowitz and Stegun, 26.7.3 and 4)."""
    angle = math.atan2(t, math.sqrt(freedom))
    square = freedom / (freedom + t * t)  # of its cosine
    odd = freedom % 2
    term = math.sqrt(square) if odd else 1.0
    total = 0.0
    for step in range(2 + odd, freedom + 1, 2):
        total += term
        term *= square * (step - 1) / step
    inside = math.sin(angle) * total
    return 0.5 - (angle + inside) / math.pi if odd else 0.5 - inside / 2
