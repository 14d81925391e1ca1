"""Result files on disk, read in pieces by all processors."""

from __future__ import annotations

import os
import signal
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import BinaryIO, Final

from devperfops_operator.analysis.jtl.layout import Layout
from devperfops_operator.analysis.jtl.piece import Piece, read_piece
from devperfops_operator.analysis.jtl.summary import Summary
from devperfops_operator.analysis.jtl.words import PAD
from devperfops_operator.cli.errors import Trouble
from devperfops_operator.wire.jtl import LARGEST_TAIL, JtlError, end_of_last_record

_BLOCK: Final = 4 << 20  # bytes
_PIECE: Final = 16 << 20  # a process takes a seventh of a second for it, and about 100 MiB
_LARGEST_HEADER: Final = 1 << 16
_UNMERGED: Final = 16  # pieces
_NO_ROWS: Final = (
    "the file has a header and no rows: JMeter's log says why",
    "the file has a header and no whole row: JMeter was killed at once",
)
_ALONE: Final = 4 * _PIECE  # below it, further processes would take longer to start than to work

Advance = Callable[[int], None]
Ask = Callable[[Path, int, int, Layout], "Future[Piece]"]


@dataclass(frozen=True, slots=True)
class FileNote:
    """What became of a file. `tail`: bytes of a last record without its end; `missing`: useful columns."""

    path: Path
    rows: int
    malformed: int
    fault: str | None
    tail: int
    missing: tuple[str, ...]


def read_files(paths: Sequence[Path], advance: Advance) -> tuple[Summary, list[FileNote]]:
    """All files together, and a note on each. `advance` hears how many bytes have been read.

    Raises:
        Trouble: a file cannot be read, is no CSV result file, or holds no rows.
    """
    size = sum(_size(path) for path in paths)
    with ExitStack() as stack:
        ask = _here if size < _ALONE or _processors() == 1 else _elsewhere(stack)
        summaries, notes = zip(*(_read_file(path, ask, advance) for path in paths), strict=True)
    return Summary.merged(summaries), list(notes)


def _size(path: Path) -> int:
    try:
        found = path.stat()
    except OSError as error:
        raise Trouble(f"cannot read {path}: {error.strerror}.") from error
    if not stat.S_ISREG(found.st_mode):
        raise Trouble(f"{path} is not a regular file; write the results to one first.")
    return found.st_size


def _read_file(path: Path, ask: Ask, advance: Advance) -> tuple[Summary, FileNote]:
    try:
        with path.open("rb") as file:
            return _read(path, file, ask, advance)
    except OSError as error:
        raise Trouble(f"cannot read {path}: {error.strerror}.") from error
    except JtlError as error:
        raise Trouble(f"{path}: {error}.") from error
    except BrokenProcessPool as error:
        raise Trouble(
            f"{path}: a process that read it was killed; each needs about 200 MiB of memory."
        ) from error


def _read(path: Path, file: BinaryIO, ask: Ask, advance: Advance) -> tuple[Summary, FileNote]:
    header = file.readline(_LARGEST_HEADER)
    if not header:
        raise JtlError("the file is empty: JMeter wrote nothing; its log says why")
    layout = Layout.of(header)
    merging = _Merging()
    borders = _Borders(file, len(header))
    for offset, length, piece in _answers(borders, lambda at, size: ask(path, at, size, layout)):
        merging.add(offset, piece)
        advance(length)
    fault = merging.fault(file)
    tail = borders.tail
    if merging.summary is None:
        raise JtlError(fault or _NO_ROWS[tail > 0])
    rows = int(merging.summary.times.sums.sum())
    return merging.summary, FileNote(path, rows, merging.malformed, fault, tail, layout.missing)


class _Borders:
    """Cuts a file into pieces of whole records."""

    def __init__(self, file: BinaryIO, begin: int) -> None:
        self.tail = 0
        self._file = file
        self._begin = begin

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Offset and length of each piece."""
        begin = self._begin  # of the piece
        end = begin  # of the last record known
        at, quotes = begin, 0  # quotes since `end`
        while block := self._file.read(_BLOCK):
            found = end_of_last_record(block, quotes)
            quotes = block.count(b'"', found) + (0 if found else quotes)
            end = at + found if found else end
            at += len(block)
            if at - end > LARGEST_TAIL + _BLOCK:
                line = _line(self._file, end)
                raise JtlError(f"line {line}: the record does not end; it lacks a closing quote")
            if end - begin >= _PIECE:
                yield begin, end - begin
                begin = end
        if end > begin:
            yield begin, end - begin
        self.tail = at - end


class _Merging:
    """The pieces of a file so far."""

    def __init__(self) -> None:
        self.malformed = 0
        self._summaries: list[Summary] = []
        self._first: tuple[int, int, str] | None = None

    def add(self, offset: int, piece: Piece) -> None:
        self.malformed += piece.malformed
        if piece.fault is not None and self._first is None:
            self._first = (offset + piece.fault.offset, piece.fault.lines, piece.fault.what)
        if piece.summary is not None:
            self._summaries.append(piece.summary)
        if len(self._summaries) > _UNMERGED:
            self._summaries = [Summary.merged(self._summaries)]

    @property
    def summary(self) -> Summary | None:
        if len(self._summaries) > 1:
            self._summaries = [Summary.merged(self._summaries)]
        return self._summaries[0] if self._summaries else None

    def fault(self, file: BinaryIO) -> str | None:
        """The first record that is no row."""
        if self._first is None:
            return None
        offset, lines, what = self._first
        return f"line {_line(file, offset) + lines}: {what}"


def _line(file: BinaryIO, offset: int) -> int:
    """The number of the line that begins at an offset."""
    file.seek(0)
    line = 1
    while offset > 0 and (block := file.read(min(_BLOCK, offset))):
        line += block.count(b"\n")
        offset -= len(block)
    return line


def _answers(
    borders: Iterable[tuple[int, int]], ask: Callable[[int, int], Future[Piece]]
) -> Iterator[tuple[int, int, Piece]]:
    """Offset, length and content of each piece, in order; not too many are under way."""
    waiting: deque[tuple[int, int, Future[Piece]]] = deque()
    for offset, length in borders:
        waiting.append((offset, length, ask(offset, length)))
        while waiting and (len(waiting) > 2 * _processors() or waiting[0][2].done()):
            first = waiting.popleft()
            yield first[0], first[1], first[2].result()
    for offset, length, future in waiting:
        yield offset, length, future.result()


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _here(path: Path, offset: int, length: int, layout: Layout) -> Future[Piece]:
    done: Future[Piece] = Future()
    done.set_result(_piece(path, offset, length, layout))
    return done


def _elsewhere(stack: ExitStack) -> Ask:
    pool = ProcessPoolExecutor(_processors(), get_context("spawn"), initializer=_leave_signals)
    stack.callback(pool.shutdown, cancel_futures=True)
    return lambda path, offset, length, layout: pool.submit(_piece, path, offset, length, layout)


def _leave_signals() -> None:
    """Ctrl-C ends the command, and the command ends its processes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _piece(path: Path, offset: int, length: int, layout: Layout) -> Piece:
    padded = bytearray(length + 2 * PAD)
    with path.open("rb") as file:
        file.seek(offset)
        file.readinto(memoryview(padded)[PAD:-PAD])
    return read_piece(padded, layout)
