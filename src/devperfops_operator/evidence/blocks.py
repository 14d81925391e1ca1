"""What one block holds for an objective."""

from __future__ import annotations

from itertools import chain
from typing import assert_never

from devperfops_operator.domain.objectives import (
    AgainstBaseline,
    AgainstPast,
    BadEvents,
    Counted,
    FailedSamples,
    GaugePoints,
    OverEdge,
    OverThreshold,
)
from devperfops_operator.wire.measurement import Block, LabelStats


def counted_in(block: Block, counted: Counted) -> tuple[int, int]:
    """Samples and exceedances that a block holds for an objective."""
    if not counts_at(counted, block):
        return 0, 0
    match counted:
        case OverThreshold(index, transaction=transaction):
            labels = stats_of(block, transaction)
            censored = sum(stats.censored_over[index] for stats in labels)
            return (
                sum(stats.samples for stats in labels) + censored,
                sum(stats.over[index] for stats in labels) + censored,
            )
        case FailedSamples(transaction):
            labels = stats_of(block, transaction)
            return sum(stats.samples for stats in labels), sum(stats.errors for stats in labels)
        case BadEvents() | OverEdge() | GaugePoints() | AgainstBaseline() | AgainstPast():
            return 0, 0  # not counted in what workers measure
        case _:
            assert_never(counted)


def counts_at(counted: Counted, block: Block) -> bool:
    """Whether the block's rows began at the level of the load's shape that the objective is about."""
    level = counted.level if isinstance(counted, OverThreshold | FailedSamples) else None
    return level is None or level == block.level


def unanswered_in(block: Block, counted: Counted) -> int:
    """Of these exceedances, those that had no answer when the load was stopped."""
    if not isinstance(counted, OverThreshold) or not counts_at(counted, block):
        return 0
    return sum(stats.censored_over[counted.index] for stats in stats_of(block, counted.transaction))


def stats_of(block: Block, transaction: str | None) -> list[LabelStats]:
    """Of the samples of that name; None: of all samplers."""
    if transaction is None:
        return list(block.labels.values())
    tables = (block.labels, block.controllers)
    return [table[transaction] for table in tables if transaction in table]


def check(block: Block, thresholds: int) -> None:
    """What a block cannot know of itself. Raises ValueError."""
    for label, stats in chain(block.labels.items(), block.controllers.items()):
        if not len(stats.over) == len(stats.censored_over) == thresholds:
            raise ValueError(
                f"block {block.sequence}, label {label!r}: counts do not fit {thresholds} thresholds"
            )
