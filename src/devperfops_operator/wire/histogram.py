"""Histograms of elapsed times in logarithmic buckets, 1 % wide or one millisecond, whichever is more.

The edges are integers made by an integer recurrence, so that agent and operator agree to the last sample.
A histogram is a plain mapping from bucket index to count: merging is addition, in any order.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction
from math import ceil
from typing import Final

_LARGEST_MS: Final = 2**31 - 1  # 24 days


def _edges() -> tuple[int, ...]:
    edges = [0]
    while edges[-1] <= _LARGEST_MS:
        edges.append(max(edges[-1] + 1, edges[-1] * 101 // 100))
    return tuple(edges)


_EDGES: Final = _edges()
BUCKETS: Final = len(_EDGES) - 1
"""How many buckets there are: indices are 0 to BUCKETS - 1."""


def bucket_of(elapsed_ms: int) -> int:
    """The bucket of an elapsed time in milliseconds; the last one takes everything above 24 days."""
    return min(bisect_right(_EDGES, elapsed_ms) - 1, BUCKETS - 1)


def lower_edge(index: int) -> int:
    """The smallest time in a bucket, in milliseconds."""
    return _EDGES[index]


def upper_edge(index: int) -> int:
    """The smallest time above a bucket, in milliseconds."""
    return _EDGES[index + 1]


def merge(histograms: Iterable[Mapping[int, int]]) -> dict[int, int]:
    """The histogram of all samples together."""
    merged: defaultdict[int, int] = defaultdict(int)
    for histogram in histograms:
        for index, count in histogram.items():
            merged[index] += count
    return dict(merged)


def quantile(histogram: Mapping[int, int], share: Fraction) -> int | None:
    """The nearest-rank quantile in milliseconds, None of an empty histogram.

    It is the largest time of the bucket that holds the sample of rank ceil(share * n): exact below 200 ms,
    at most 1 % too large above.

    Raises:
        ValueError: share is not above 0 and at most 1.
    """
    if not 0 < share <= 1:
        raise ValueError(f"a quantile's share must be above 0 and at most 1, not {share}")
    rank = ceil(share * sum(histogram.values()))
    if rank == 0:
        return None
    seen = 0
    for index in sorted(histogram):
        seen += histogram[index]
        if seen >= rank:
            break
    return upper_edge(index) - 1
