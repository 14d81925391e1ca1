"""How a gate's figures went from run to run, and at which runs their levels changed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from statistics import median
from typing import Final

from devperfops_operator.analysis.levels import Break, Shuffle, breaks
from devperfops_operator.domain.record import RunRecord
from devperfops_operator.wire.histogram import quantile

ERRORS: Final = "errors"
THROUGHPUT: Final = "throughput"
_QUANTILES: Final = {"p50": Fraction(50, 100), "p95": Fraction(95, 100), "p99": Fraction(99, 100)}
FIGURES: Final = (*_QUANTILES, ERRORS, THROUGHPUT)


@dataclass(frozen=True, slots=True)
class Change:
    """Of one figure, at the run of that place: the middle of its level before and of that from there on."""

    at: int
    figure: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Trend:
    """`figures`: of each run, oldest first. Times in ms, errors as a share, throughput in samples/s."""

    figures: Mapping[str, Sequence[float]]
    changes: Sequence[Change]


def trend(records: Sequence[RunRecord], shuffle: Shuffle) -> Trend:
    """Of records that have samples, oldest first; at least one. `shuffle`: a list, in place."""
    runs = [_figures_of(record) for record in records]
    figures = {name: [run[name] for run in runs] for name in FIGURES}
    found = breaks({name: list(map(_scale(name), values)) for name, values in figures.items()}, shuffle)
    changes = [change for name, values in figures.items() for change in _changes(name, values, found)]
    return Trend(figures, sorted(changes, key=lambda change: change.at))


def _figures_of(record: RunRecord) -> dict[str, float]:
    histogram = record.profile.histogram(None)
    samples, errors = sum(histogram.values()), sum(table[0].errors for _, table in record.profile.tables())
    times = {name: float(quantile(histogram, share) or 0) for name, share in _QUANTILES.items()}
    return {**times, ERRORS: errors / samples, THROUGHPUT: samples / _seconds(record)}


def _seconds(record: RunRecord) -> int:
    """From the first judged sample to the last, as far as that is known."""
    looked = [look.second for each in record.series.values() for look in each.looks() if look.samples]
    if looked:
        return max(looked) - min(looked) + 1
    begins = [begin for begin, _ in record.profile.tables()]
    return begins[-1] - begins[0] + record.profile.seconds


def _scale(figure: str) -> Callable[[float], float]:
    """Where changes add: times and rates by their logarithm, a share of few by its square root."""
    return math.sqrt if figure == ERRORS else lambda value: math.log(max(value, 1e-3))


def _changes(figure: str, values: Sequence[float], found: Sequence[Break]) -> Iterator[Change]:
    places = [each.at for each in found if figure in each.figures]
    bounds = [0, *places, len(values)]
    levels = [median(values[begin:end]) for begin, end in pairwise(bounds)]
    for at, (before, after) in zip(places, pairwise(levels), strict=True):
        yield Change(at, figure, before, after)
