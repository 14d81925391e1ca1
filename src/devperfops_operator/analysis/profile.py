"""A run's elapsed times by transaction and time, in bounded memory however long it is.

Histograms of blocks of at first 10 seconds. All but the newest are packed; whenever they outgrow the limit,
two neighbours become one, throughout.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Final

from devperfops_operator.analysis.packing import pack, unpack
from devperfops_operator.wire.histogram import BUCKETS, merge
from devperfops_operator.wire.measurement import Block

LIMIT: Final = 360 * 1024
"""Bytes of all packed blocks."""
TRANSACTIONS: Final = 100
"""Names told apart, beside those that objectives name; the others' samples count only among all."""
_SECONDS: Final = 10
_OPEN: Final = 4
_MOST_NUMBERS: Final = 2_000_000  # in a block that claims to be one of ours


@dataclass(slots=True)
class Cell:
    """One transaction in one block. `histogram`: 1 % buckets of `wire.histogram`, failed samples included."""

    errors: int = 0
    histogram: dict[int, int] = field(default_factory=dict)

    @property
    def samples(self) -> int:
        return sum(self.histogram.values())

    def add(self, errors: int, histogram: Mapping[int, int]) -> None:
        self.errors += errors
        for bucket, count in histogram.items():
            self.histogram[bucket] = self.histogram.get(bucket, 0) + count


Table = dict[int, Cell]
"""By the transaction's number: its place in `names`."""


class Profile:
    """`names[0]` is None: all samplers together. `seconds`: of a block, which begins at its index x seconds.

    `crowded`: there were more transactions than are told apart.
    """

    def __init__(self, named: Collection[str] = ()) -> None:
        self.names: list[str | None] = [None, *named]
        self.seconds = _SECONDS
        self.crowded = False
        self._numbers = {name: number for number, name in enumerate(self.names)}
        self._totals = {number: Cell() for number in range(len(self.names))}
        self._open: dict[int, Table] = {}  # oldest use first
        self._packed: dict[int, bytes] = {}

    @classmethod
    def restored(cls, names: Sequence[str | None], seconds: int, packed: Mapping[int, bytes]) -> Profile:
        """As it was packed by another."""
        profile = cls()
        profile.names, profile.seconds, profile._packed = list(names), seconds, dict(packed)
        profile._numbers = {name: number for number, name in enumerate(names)}
        return profile

    def add(self, block: Block) -> None:
        table = self._table(block.second // self.seconds)
        for part in (block.labels, block.controllers):
            self._name(part)
            for name in part.keys() & self._numbers.keys():
                self._count(table, self._numbers[name], part[name].errors, part[name].histogram)
        whole = merge([stats.histogram for stats in block.labels.values()])
        self._count(table, 0, sum(stats.errors for stats in block.labels.values()), whole)
        if sum(map(len, self._packed.values())) > LIMIT:
            self.coarsen()

    def packed(self) -> dict[int, bytes]:
        """Every block by its index, packed."""
        while self._open:
            self._close()
        return dict(sorted(self._packed.items()))

    def tables(self) -> Iterator[tuple[int, Table]]:
        """Every block in order, with the second (Unix time) it begins at.

        Raises ValueError if one is damaged.
        """
        for index, packed in self.packed().items():
            yield index * self.seconds, _unpacked(packed, len(self.names))

    def histogram(self, transaction: str | None) -> dict[int, int]:
        """Of the whole run; empty if the transaction is not told apart."""
        number = self._numbers.get(transaction)
        return merge(table[number].histogram for _, table in self.tables() if number in table)

    def total(self, transaction: str | None) -> Mapping[int, int]:
        """Likewise, of one that was named at the beginning, or of all: it need not be unpacked."""
        return self._totals[self._numbers[transaction]].histogram

    def coarsen(self) -> None:
        """Two neighbours become one."""
        before = self.packed()
        self.seconds *= 2
        self._packed = {}
        for index, packed in before.items():
            half = self._table(index // 2)
            for number, cell in _unpacked(packed, len(self.names)).items():
                half.setdefault(number, Cell()).add(cell.errors, cell.histogram)

    def _count(self, table: Table, number: int, errors: int, histogram: Mapping[int, int]) -> None:
        if number not in table:
            table[number] = Cell()
        table[number].add(errors, histogram)
        if number in self._totals:
            self._totals[number].add(errors, histogram)

    def _name(self, labels: Iterable[str]) -> None:
        """Those that are new, while there is room."""
        if self.crowded:
            return
        for name in labels:
            if name not in self._numbers:
                if len(self.names) > TRANSACTIONS:
                    self.crowded = True
                    return
                self._numbers[name] = len(self.names)
                self.names.append(name)

    def _table(self, index: int) -> Table:
        """Of this block, open. Workers may be at different ones for a while."""
        table = self._open.pop(index, None)
        if table is None:
            packed = self._packed.pop(index, None)
            table = {} if packed is None else _unpacked(packed, len(self.names))
        self._open[index] = table
        while len(self._open) > _OPEN:
            self._close()
        return table

    def _close(self) -> None:
        index = next(iter(self._open))
        self._packed[index] = pack(_numbers(self._open.pop(index)))


def _numbers(table: Table) -> Iterator[int]:
    for number, cell in sorted(table.items()):
        buckets = sorted(cell.histogram)
        yield from (number, cell.errors, len(buckets))
        yield from (later - earlier for earlier, later in pairwise([0, *buckets]))
        yield from (cell.histogram[bucket] for bucket in buckets)


def _unpacked(packed: bytes, names: int) -> Table:
    numbers = unpack(packed, at_most=_MOST_NUMBERS)
    table: Table = {}
    at = 0
    while at < len(numbers):
        if at + 3 > len(numbers):
            raise ValueError("a packed block is cut")
        number, errors, length = numbers[at : at + 3]
        end = at + 3 + 2 * length
        if not (number < names and number not in table and length <= BUCKETS and end <= len(numbers)):
            raise ValueError("a packed block holds what does not fit together")
        buckets = list(accumulate(numbers[at + 3 : at + 3 + length]))
        if buckets and buckets[-1] >= BUCKETS:
            raise ValueError("a packed block has a bucket that does not exist")
        table[number] = Cell(errors, dict(zip(buckets, numbers[at + 3 + length : end], strict=True)))
        at = end
    return table
