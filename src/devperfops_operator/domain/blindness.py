"""Where a gate cannot see: transactions that no objective judges, or of which there are too few samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import median_low

from devperfops_operator.analysis.exceedance import ShareTest, Tally
from devperfops_operator.domain.objectives import Polled, RunPlan
from devperfops_operator.domain.record import RunRecord

Samples = Mapping[str | None, int]
"""Of a run, by transaction; None: of all samplers."""


@dataclass(frozen=True, slots=True)
class BlindSpot:
    """`transaction`: None: all samples together. `samples`: of a past run. `because`: for people."""

    transaction: str | None
    samples: int
    because: str


def blind_spots(records: Sequence[RunRecord], plan: RunPlan) -> list[BlindSpot]:
    """By the critical objectives on samples; the fewest samples first. `records`: at least one."""
    runs = [_samples(record) for record in records]
    names = dict.fromkeys([None, *plan.transactions, *(name for run in runs for name in run)])
    usual = {name: median_low(run.get(name, 0) for run in runs) for name in names}
    tests = {name: list(_tests(plan, name)) for name in names}
    spots = [
        BlindSpot(name, usual[name], because)
        for name in names
        for because in (_too_few(usual[name], tests[name]) if tests[name] else _unseen(name, usual, tests))
    ]
    return sorted(spots, key=lambda spot: spot.samples)


def _samples(record: RunRecord) -> Samples:
    counts: dict[str | None, int] = {}
    for _, table in record.profile.tables():
        for number, cell in table.items():
            name = record.profile.names[number]
            counts[name] = counts.get(name, 0) + cell.samples
    return counts


def _tests(plan: RunPlan, transaction: str | None) -> Iterator[tuple[str, ShareTest]]:
    for objective in plan.critical_objectives:
        judged_here = objective.transaction == transaction and not isinstance(objective.counted, Polled)
        if judged_here and isinstance(objective.test, ShareTest):
            yield objective.expect, objective.test


def _too_few(samples: int, tests: Sequence[tuple[str, ShareTest]]) -> Iterator[str]:
    for expect, test in tests:
        if not test.passes(Tally(samples)):
            yield f"{expect} takes {test.samples_to_pass()} samples to pass, even if all are good"


def _unseen(
    name: str | None, usual: Samples, tests: Mapping[str | None, Sequence[tuple[str, ShareTest]]]
) -> Iterator[str]:
    """Of a transaction that only counts among all."""
    share = Fraction(usual[name], usual[None]) if usual[None] else Fraction(0)
    if name is not None and all(share <= test.allowed for _, test in tests[None]):
        still = ", and if all of its samples failed, those about all samples could still hold"
        yield f"no critical objective is about it{still if tests[None] else ''}"
