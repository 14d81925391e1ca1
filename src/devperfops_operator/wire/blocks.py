"""From JTL rows to blocks: a pure machine, so that the same file and the same stop give the same blocks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from devperfops_operator.wire.brief import Threshold
from devperfops_operator.wire.histogram import bucket_of
from devperfops_operator.wire.hosts import HostCounts
from devperfops_operator.wire.jtl import JtlRow
from devperfops_operator.wire.measurement import LABEL_LENGTH, LABELS, OTHER, Block, LabelStats
from devperfops_operator.wire.threads import ThreadUse


class BlockBuilder:
    """Cuts rows into blocks.

    Judged are rows that start at or after the first row's start + ramp-up. A row that ended after `stop_ms`,
    the time of our own stop, is no measurement of the target: it counts as exceedance of the thresholds it
    was over by then, and as nothing else.

    A Transaction Controller's row sums up requests that have rows of their own: it counts only under its
    name, and only if that is one of `transactions`.

    `host`: of the target; judged samples are counted by where they went. `threads`: follows how requests take
    them up, where that matters. `level`: of the load's shape, by the millisecond of the judged time at which
    a row starts; a second in which rows of several levels end gives a block for each.
    """

    def __init__(
        self,
        thresholds: Sequence[Threshold],
        ramp_up_ms: int,
        stop_ms: int | None = None,
        transactions: Collection[str] = (),
        host: str = "",
        *,
        threads: ThreadUse | None = None,
        level: Callable[[int], int] = lambda _: 0,
    ) -> None:
        self.stop_ms = stop_ms
        self.rows = 0  # of samplers
        self.errors = 0  # failed rows that ended before our stop
        self.first_start_ms: int | None = None
        self.last_end_ms: int | None = None
        self.blocks = 0  # closed ones; also the number of the next
        self.hosts = HostCounts(host)
        self.threads = threads
        self._thresholds = tuple(enumerate(thresholds))
        self._ramp_up_ms = ramp_up_ms
        self._judged_from_ms = 0
        self._transactions = frozenset(transactions)
        self._labels = set(self._transactions)
        self._level = level
        self._second = 0  # of the open blocks
        self._open: dict[int, Block] = {}  # by level
        self._current = Block(0, 0)

    @property
    def judged_from_ms(self) -> int | None:
        """Rows that start from then on are judged; None: no row has come yet."""
        return None if self.first_start_ms is None else self._judged_from_ms

    def add(self, rows: Iterable[JtlRow]) -> Iterator[Block]:
        """The blocks these rows close, as they close; consume them all."""
        for row in rows:
            if row.controller and not self._wants(row):
                continue
            self._follow(row)
            if self.stop_ms is not None and row.end_ms > self.stop_ms:
                over = self._over_at(self.stop_ms, row)
                if over:
                    yield from self._turn_to(row)
                    self._censor(row, over)
            else:
                yield from self._turn_to(row)
                self._measure(row)

    def finish(self) -> Sequence[Block]:
        """The blocks still open at the end of the file."""
        return list(self._close())

    def _wants(self, controller: JtlRow) -> bool:
        return controller.label in self._transactions and self.first_start_ms is not None

    def _follow(self, row: JtlRow) -> None:
        self.last_end_ms = max(self.last_end_ms or 0, row.end_ms)
        if row.controller:
            return
        self.rows += 1
        if self.first_start_ms is None:
            self.first_start_ms = row.start_ms
            self._judged_from_ms = row.start_ms + self._ramp_up_ms
        if self.threads is not None:
            self.threads.add(row.start_ms - self._judged_from_ms, row.elapsed_ms)

    def _turn_to(self, row: JtlRow) -> Iterator[Block]:
        """Close what is open if the row ends in a later second, and have its block open."""
        second = row.end_ms // 1000
        if self._open and second > self._second:
            yield from self._close()
        if not self._open:
            self._second = second
        level = self._level(row.start_ms - self._judged_from_ms)
        if level not in self._open:
            self._open[level] = Block(sequence=0, second=self._second, level=level)
        self._current = self._open[level]

    def _close(self) -> Iterator[Block]:
        """They get their numbers now."""
        closed, self._open = self._open, {}
        for _, block in sorted(closed.items()):
            block.sequence = self.blocks
            self.blocks += 1
            yield block

    def _measure(self, row: JtlRow) -> None:
        failed = not row.success
        judged = row.start_ms >= self._judged_from_ms
        if not row.controller:
            self.errors += failed
            if not judged:
                self._current.warmup_samples += 1
                self._current.warmup_errors += failed
        if judged:
            self.hosts.add(row.host)
            self._count(row, self._stats(row))

    def _count(self, row: JtlRow, stats: LabelStats) -> None:
        failed = not row.success
        stats.samples += 1
        stats.errors += failed
        bucket = bucket_of(row.elapsed_ms)
        stats.histogram[bucket] = stats.histogram.get(bucket, 0) + 1
        if failed:
            stats.failed[bucket] = stats.failed.get(bucket, 0) + 1
        for index, threshold in self._thresholds:
            stats.over[index] += failed or threshold.exceeded_by(row.elapsed_ms)

    def _over_at(self, moment_ms: int, row: JtlRow) -> list[int]:
        """Which thresholds a judged request was over when `moment_ms` found it unanswered."""
        if row.start_ms < self._judged_from_ms:
            return []
        waited = moment_ms - row.start_ms
        return [index for index, threshold in self._thresholds if threshold.exceeded_by(waited)]

    def _censor(self, row: JtlRow, over: Iterable[int]) -> None:
        stats = self._stats(row)
        for index in over:
            stats.censored_over[index] += 1

    def _stats(self, row: JtlRow) -> LabelStats:
        table = self._current.controllers if row.controller else self._current.labels
        name = row.label if row.controller else self._name_of(row.label)
        stats = table.get(name)
        if stats is None:
            zeros = [0] * len(self._thresholds)
            stats = table[name] = LabelStats(0, 0, zeros, list(zeros))
        return stats

    def _name_of(self, label: str) -> str:
        """The label, cut to length; `(other)` once there are too many, unless an objective names it."""
        name = label[:LABEL_LENGTH]
        if name not in self._labels:
            if len(self._labels) >= LABELS:
                return OTHER
            self._labels.add(name)
        return name
