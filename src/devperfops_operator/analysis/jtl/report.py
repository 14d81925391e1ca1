"""The figures of a test: counts, exact nearest-rank percentiles, APDEX, errors, and the course of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from devperfops_operator.analysis.jtl.split import Ints
from devperfops_operator.analysis.jtl.summary import ELAPSED_BITS, KIND_BITS, MINUTE_BITS, Summary
from devperfops_operator.analysis.jtl.tally import Tally

PERCENTILES: Final = (50, 90, 95, 99)
TOP: Final = 5
_ELAPSED: Final = (1 << ELAPSED_BITS) - 1


@dataclass(frozen=True, slots=True)
class Apdex:
    """Up to `satisfied_ms` a success counts whole, up to `tolerated_ms` half, an error never."""

    satisfied_ms: int = 500
    tolerated_ms: int = 1_500


@dataclass(frozen=True, slots=True)
class ErrorKind:
    kind: str
    count: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Of a transaction, or of all requests. Milliseconds; rates are by second from first start to last end.

    `percentiles_ms`: of PERCENTILES, by nearest rank, of all rows, failed ones too. `errors_by_kind`: the
    most frequent first.
    """

    samples: int
    errors: int
    total_ms: int
    min_ms: int
    max_ms: int
    percentiles_ms: tuple[int, ...]
    apdex: float
    first_ms: int
    last_ms: int
    received_bytes: int
    sent_bytes: int
    errors_by_kind: tuple[ErrorKind, ...]

    @property
    def mean_ms(self) -> float:
        return self.total_ms / self.samples

    @property
    def error_share(self) -> float:
        return self.errors / self.samples

    @property
    def seconds(self) -> float:
        return (self.last_ms - self.first_ms) / 1000

    def per_second(self, amount: int) -> float | None:
        """None of a test without duration."""
        return amount / self.seconds if self.last_ms > self.first_ms else None

    @property
    def throughput(self) -> float | None:
        return self.per_second(self.samples)


@dataclass(frozen=True, slots=True)
class Transaction:
    """A label's requests, or the rows of a Transaction Controller of that name."""

    name: str
    controller: bool
    figures: Figures


@dataclass(frozen=True, slots=True)
class Series:
    """What ended in each second, or minute, in which something did. `at`: Unix time in that unit."""

    at: tuple[int, ...]
    samples: tuple[int, ...]
    errors: tuple[int, ...]
    total_ms: tuple[int, ...]

    @property
    def mean_ms(self) -> list[float]:
        return [total / count for total, count in zip(self.total_ms, self.samples, strict=True)]


@dataclass(frozen=True, slots=True)
class Report:
    """`total`: all requests; None where there are controllers' rows alone.

    `minute_percentiles_ms`: PERCENTILES of each of `minutes`; `transaction_minutes`: of each transaction.
    """

    apdex: Apdex
    total: Figures | None
    transactions: tuple[Transaction, ...]
    seconds: Series
    minutes: Series
    minute_percentiles_ms: tuple[tuple[int, ...], ...]
    transaction_minutes: tuple[Series, ...]


def report_of(summary: Summary, apdex: Apdex) -> Report:
    """The figures of what was read. Requests come before controllers, then by name."""
    slots = sorted(_slots(summary), key=lambda slot: (slot % 2, summary.labels[slot // 2]))
    requests = [slot for slot in slots if slot % 2 == 0]
    return Report(
        apdex,
        _figures(summary, requests, apdex) if requests else None,
        tuple(
            Transaction(summary.labels[slot // 2], slot % 2 == 1, _figures(summary, [slot], apdex))
            for slot in slots
        ),
        _series(summary.seconds),
        _series(_by_minute(summary, requests)),
        tuple(_minute_percentiles(summary.minute_times)),
        tuple(_series(_by_minute(summary, [slot])) for slot in slots),
    )


def _slots(summary: Summary) -> list[int]:
    return [int(slot) for slot in np.unique(summary.times.keys >> (ELAPSED_BITS + 1))]


def _figures(summary: Summary, slots: Sequence[int], apdex: Apdex) -> Figures:
    times = [_part(summary.times, (2 * slot, 2 * slot + 1), ELAPSED_BITS) for slot in slots]
    good = Tally.merged([well for well, _ in times])
    every = Tally.merged([part for pair in times for part in pair])
    samples, fine = _sum(every.sums), _sum(good.sums)
    rows = np.array(slots)
    return Figures(
        samples=samples,
        errors=samples - fine,
        total_ms=_sum(every.keys * every.sums[:, 0]),
        min_ms=int(every.keys[0]),
        max_ms=int(every.keys[-1]),
        percentiles_ms=_percentiles(every.keys, every.sums[:, 0]),
        apdex=(_up_to(good, apdex.satisfied_ms) + _up_to(good, apdex.tolerated_ms)) / 2 / samples,
        first_ms=int(summary.first_ms[rows].min()),
        last_ms=int(summary.last_ms[rows].max()),
        received_bytes=_sum(summary.received[rows]),
        sent_bytes=_sum(summary.sent[rows]),
        errors_by_kind=_kinds(summary, slots),
    )


def _part(tally: Tally, numbers: Sequence[int], bits: int) -> list[Tally]:
    """What the tally has of some numbers, without the number in the key."""
    parts = [tally.between(number << bits, number + 1 << bits) for number in numbers]
    return [Tally(part.keys & (1 << bits) - 1, part.sums) for part in parts]


def _sum(values: Ints) -> int:
    return int(values.sum())


def _up_to(times: Tally, limit_ms: int) -> int:
    return _sum(times.sums[: np.searchsorted(times.keys, limit_ms, side="right")])


def _percentiles(values: Ints, counts: Ints) -> tuple[int, ...]:
    """The values of rank ceil(p / 100 * n)."""
    seen = np.cumsum(counts)
    ranks = [-(-int(seen[-1]) * percent // 100) for percent in PERCENTILES]
    return tuple(values[np.searchsorted(seen, ranks)].tolist())


def _kinds(summary: Summary, slots: Sequence[int]) -> tuple[ErrorKind, ...]:
    found = Tally.merged([part for slot in slots for part in _part(summary.errors, (slot,), KIND_BITS)])
    counts = zip(found.keys.tolist(), found.sums[:, 0].tolist(), strict=True)
    kinds = [ErrorKind(summary.kinds[kind], count) for kind, count in counts]
    return tuple(sorted(kinds, key=lambda each: (-each.count, each.kind)))


def _by_minute(summary: Summary, slots: Sequence[int]) -> Tally:
    parts = [part for slot in slots for part in _part(summary.slot_minutes, (slot,), MINUTE_BITS)]
    return Tally.merged(parts or [summary.slot_minutes.between(0, 0)])


def _series(tally: Tally) -> Series:
    columns = (tuple(column) for column in tally.sums.T.tolist())
    return Series(tuple(tally.keys.tolist()), *columns)


def _minute_percentiles(times: Tally) -> Iterator[tuple[int, ...]]:
    minutes = times.keys >> ELAPSED_BITS
    first = np.flatnonzero(np.diff(minutes, prepend=-1)).tolist()
    for begin, end in pairwise([*first, len(minutes)]):
        yield _percentiles(times.keys[begin:end] & _ELAPSED, times.sums[begin:end, 0])
