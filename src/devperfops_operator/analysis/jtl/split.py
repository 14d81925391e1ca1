"""The borders of a chunk's fields, all at once."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from devperfops_operator.analysis.jtl.layout import Layout
from devperfops_operator.wire.jtl import LARGEST_FIELD

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_NEWLINE: Final = 0x0A
_RETURN: Final = 0x0D
_QUOTE: Final = 0x22


@dataclass(frozen=True, slots=True)
class Spans:
    """Where texts begin and end in a buffer."""

    start: Ints
    stop: Ints

    def of(self, which: Flags | Ints) -> Spans:
        return Spans(self.start[which], self.stop[which])


@dataclass(frozen=True, slots=True)
class Fields:
    """The records of a chunk: the regular ones field by field, `others` as a whole.

    `stops`: where each field (column) of each regular record (row) ends. `quoted`: columns that may have
    quotes around them.
    """

    buffer: Bytes
    stops: Ints
    records: Spans
    others: Spans
    quoted: Container[int]

    def column(self, index: int) -> Spans:
        """One field of all regular records, without the quotes around it."""
        stop = self.stops[:, index]
        start = self.stops[:, index - 1] + 1 if index else self.records.start
        if index == self.stops.shape[1] - 1:
            stop = stop - ((stop > start) & (self.buffer[stop - 1] == _RETURN))
        if index in self.quoted:
            bare = (stop > start) & (self.buffer[start] == _QUOTE)
            start, stop = start + bare, stop - bare
        return Spans(start, stop)


def split(buffer: Bytes, begin: int, end: int, layout: Layout) -> Fields | None:
    """The fields of `buffer[begin:end]`, which ends with a record and has a byte before it.

    None when its quotes or carriage returns are not as RFC 4180 has them: only a parser knows what they mean.
    """
    piece = buffer[begin:end]
    delimiter = ord(layout.delimiter)
    separators = np.flatnonzero((piece == delimiter) | (piece == _NEWLINE)) + begin
    quotes = np.flatnonzero(piece == _QUOTE) + begin
    if not _returns_end_lines(buffer, np.flatnonzero(piece == _RETURN) + begin, quotes):
        return None
    if len(quotes):
        if not _enclose_fields(buffer, begin, quotes, delimiter):
            return None
        separators = _outside(separators, quotes)
    ends = np.flatnonzero(buffer[separators] == _NEWLINE)
    stops = separators[ends]
    starts = np.concatenate(([begin], stops[:-1] + 1))
    regular = (np.diff(ends, prepend=-1) == layout.width) & (stops - starts < LARGEST_FIELD)
    every, columns = Spans(starts, stops + 1), range(layout.width)
    if regular.all():
        fields = separators.reshape(-1, layout.width)
        opened = np.searchsorted(separators, quotes[::2]) % layout.width
        return Fields(buffer, fields, every, every.of(~regular), frozenset(opened.tolist()))
    fields = separators[ends[regular, None] - columns[::-1]]
    quoted = columns if len(quotes) else ()
    return Fields(buffer, fields, every.of(regular), every.of(~regular), quoted)


def _outside(places: Ints, quotes: Ints) -> Ints:
    """The places that are not between an opening and a closing quote; both ascend."""
    first, behind = np.searchsorted(places, quotes[::2]), np.searchsorted(places, quotes[1::2])
    counts = behind - first
    within = np.arange(counts.sum()) + np.repeat(first - np.cumsum(counts) + counts, counts)
    return np.delete(places, within)


def _enclose_fields(buffer: Bytes, begin: int, quotes: Ints, delimiter: int) -> bool:
    """Whether each quote opens or closes a whole field, or is doubled within one."""
    opening, closing = quotes[::2], quotes[1::2]
    if len(opening) != len(closing):
        return False
    before, after = buffer[opening - 1], buffer[closing + 1]
    opens = (before == delimiter) | (before == _NEWLINE) | (opening == begin)
    opens[1:] |= opening[1:] == closing[:-1] + 1
    closes = (after == delimiter) | (after == _NEWLINE) | (after == _RETURN)
    closes[:-1] |= opening[1:] == closing[:-1] + 1
    return bool(opens.all() and closes.all())


def _returns_end_lines(buffer: Bytes, returns: Ints, quotes: Ints) -> bool:
    if not len(returns):
        return True
    ending = buffer[returns + 1] == _NEWLINE
    return bool((ending | (np.searchsorted(quotes, returns) % 2 == 1)).all())
