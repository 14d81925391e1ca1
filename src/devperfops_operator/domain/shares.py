"""The planned load divided among the workers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from math import floor

from devperfops_operator.domain.objectives import RunPlan


@dataclass(frozen=True, slots=True)
class Share:
    """What one worker plays. `rate_per_minute`: samples; None: as many as come."""

    threads: int
    rate_per_minute: Fraction | None


def divide(plan: RunPlan) -> tuple[Share, ...]:
    """One share a worker; together they are exactly the plan, for target and baseline each."""
    sides = 2 if plan.against_baseline else 1
    threads = _threads(plan.threads, plan.workers // sides)
    rate = plan.rate_per_minute
    rates: Iterable[Fraction | None] = [None] * len(threads) if rate is None else _rates(rate, threads)
    shares = [Share(*share) for share in zip(threads, rates, strict=True)]
    return tuple(share for share in shares for _ in range(sides))


def _threads(total: int, workers: int) -> list[int]:
    """The first workers take one more each until nothing remains."""
    each, remainder = divmod(total, workers)
    return [each + (index < remainder) for index in range(workers)]


def _rates(total: Fraction, threads: Sequence[int]) -> list[Fraction]:
    """In proportion to the threads, so that no worker must play more with fewer of them than another.

    Whole samples a minute where that leaves every worker some: a plan may read its rate as a whole number.
    """
    cuts = [total * so_far / sum(threads) for so_far in accumulate(threads, initial=0)]
    if total.denominator == 1 and total >= sum(threads):
        cuts = [Fraction(floor(cut)) for cut in cuts]
    return [end - begin for begin, end in pairwise(cuts)]
