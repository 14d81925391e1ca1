"""What a run would have counted over a limit that nobody counted then, from its kept histograms.

Elapsed times are known to 1 %: a sample counts with the largest time of its bucket, as in the percentiles
that are told. A failed sample counts as slow, and once more if it was: the sum is cut at all samples. Within
a block samples and exceedances are spread evenly over the seconds that had any.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from devperfops_operator.analysis.looks import Look
from devperfops_operator.analysis.profile import Cell
from devperfops_operator.domain.objectives import Counted, FailedSamples, OverThreshold
from devperfops_operator.domain.record import RunRecord, transaction_of
from devperfops_operator.wire.brief import Threshold
from devperfops_operator.wire.histogram import upper_edge


def estimated_looks(
    record: RunRecord, counted: Counted, thresholds: Sequence[Threshold]
) -> list[Look] | None:
    """One look a second; None: the record knows nothing of that transaction, or of its kind."""
    if (
        not isinstance(counted, OverThreshold | FailedSamples)
        or counted.transaction not in record.profile.names
    ):
        return None
    number = record.profile.names.index(counted.transaction)
    seconds = _seconds(record, counted.transaction)
    looks: list[Look] = []
    for begin, table in record.profile.tables():
        cell = table.get(number, Cell())
        within = [second for second in seconds if begin <= second < begin + record.profile.seconds]
        looks += _spread(cell.samples, _exceedances(cell, counted, thresholds), within or [begin])
    return looks


def _seconds(record: RunRecord, transaction: str | None) -> list[int]:
    """In which the transaction had samples, as far as that was counted; else those of any."""
    had: defaultdict[str | None, set[int]] = defaultdict(set)
    for key, series in record.series.items():
        had[transaction_of(key)].update(look.second for look in series.looks() if look.samples)
    return sorted(had.get(transaction) or set().union(*had.values()))


def _exceedances(cell: Cell, counted: Counted, thresholds: Sequence[Threshold]) -> int:
    if not isinstance(counted, OverThreshold):
        return cell.errors
    exceeded = thresholds[counted.index].exceeded_by
    slow = sum(count for bucket, count in cell.histogram.items() if exceeded(upper_edge(bucket) - 1))
    return min(cell.samples, slow + cell.errors)


def _spread(samples: int, exceedances: int, seconds: Sequence[int]) -> Iterator[Look]:
    """Whole numbers that add up."""
    good, bad = _parts(samples - exceedances, len(seconds)), _parts(exceedances, len(seconds))
    return (Look(0, second, fine + over, over) for second, fine, over in zip(seconds, good, bad, strict=True))


def _parts(whole: int, parts: int) -> list[int]:
    cuts = [whole * part // parts for part in range(parts + 1)]
    return [later - earlier for earlier, later in pairwise(cuts)]
