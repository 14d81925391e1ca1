"""A piece of a file, from bytes to what is kept of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from devperfops_operator.analysis.jtl.layout import Layout
from devperfops_operator.analysis.jtl.samples import Fault, SampleReader, Samples
from devperfops_operator.analysis.jtl.summary import Summary
from devperfops_operator.analysis.jtl.words import PAD
from devperfops_operator.wire.jtl import end_of_last_record

_CHUNK: Final = 1 << 20  # bytes; what is made of it fits into a processor's cache


@dataclass(frozen=True, slots=True)
class Piece:
    """`summary`: None without rows. `malformed`: records that are no rows, `fault` the first of them."""

    summary: Summary | None
    malformed: int
    fault: Fault | None


def read_piece(padded: bytearray, layout: Layout) -> Piece:
    """Whole records, with PAD bytes before and behind them. A fault's offset is from the first record."""
    reader = SampleReader(layout)
    buffer = np.frombuffer(padded, np.uint8)
    parts: list[Samples] = []
    for begin, end in _chunks(padded):
        parts += reader.read(buffer, begin, end)
    samples = Samples.joined(parts) if parts else None
    rows = samples is not None and len(samples.start_ms) > 0
    fault = reader.fault
    return Piece(
        Summary.of(samples, reader.labels.texts, reader.kinds.texts)
        if samples is not None and rows
        else None,
        reader.malformed,
        Fault(fault.offset - PAD, fault.lines, fault.what) if fault else None,
    )


def _chunks(padded: bytearray) -> Iterator[tuple[int, int]]:
    """Where chunks of whole records begin and end; a record longer than a chunk has a larger one."""
    begin, stop, size = PAD, len(padded) - PAD, _CHUNK
    while begin < stop:
        end = begin + end_of_last_record(padded[begin : min(begin + size, stop)], 0)
        if end > begin:
            yield begin, end
            begin, size = end, _CHUNK
        elif begin + size >= stop:  # an odd quote: a parser must say what it means
            yield begin, stop
            return
        else:
            size *= 2
