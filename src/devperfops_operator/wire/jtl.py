"""JMeter's result file (JTL, CSV form), read as it grows.

Columns are found by the header's names. Fields may hold quoted commas, quotes and newlines (RFC 4180, as
JMeter writes them), so a record ends at the first newline outside quotes. Whatever way the bytes are cut into
chunks, the rows are the same.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from io import StringIO
from operator import itemgetter
from typing import Final, NamedTuple

_COLUMNS: Final = ("timeStamp", "elapsed", "label", "success", "URL", "responseMessage")
_NO_URL: Final = frozenset({"", "null"})
_TRANSACTION: Final = "Number of samples in transaction"
_TRUTH: Final = {"true": True, "false": False}
LARGEST: Final = 2**53
"""Above every number a row may hold: what JSON carries exactly everywhere."""
_LARGEST_FIELD: Final = 1 << 20  # characters
_LARGEST_TAIL: Final = 8 << 20  # bytes of a record that does not end

csv.field_size_limit(_LARGEST_FIELD)


class JtlError(ValueError):
    """The file is not one the agent can read; the message says why."""


class JtlRow(NamedTuple):
    """A request as JMeter saw it, or the sum a Transaction Controller made of its own. Unix time, ms."""

    start_ms: int
    elapsed_ms: int
    label: str
    success: bool
    controller: bool = False

    @property
    def end_ms(self) -> int:
        return self.start_ms + self.elapsed_ms


class JtlReader:
    """Turns chunks of a JTL into its rows; keeps an incomplete record for the next chunk."""

    def __init__(self) -> None:
        self._tail = bytearray()
        self._quotes = 0  # in the tail
        self._pick: Callable[[Sequence[str]], tuple[str, ...]] | None = None
        self.malformed = 0
        """Complete records that are no row: the file is damaged."""

    @property
    def truncated(self) -> bool:
        """Whether the last record read so far lacks its end."""
        return bool(self._tail)

    def feed(self, chunk: bytes) -> list[JtlRow]:
        """The rows completed by this chunk, in file order.

        Raises:
            JtlError: the first record is not a header with the columns needed, or a record never ends.
        """
        end = _end_of_last_record(chunk, self._quotes)
        if not end:
            self._keep(chunk)
            return []
        whole = bytes(self._tail) + chunk[:end]
        self._tail.clear()
        self._quotes = 0
        self._keep(chunk[end:])
        return list(self._rows(_records(whole)))

    def _keep(self, piece: bytes) -> None:
        self._tail += piece
        self._quotes += piece.count(b'"')
        if len(self._tail) > _LARGEST_TAIL:
            raise JtlError(
                f"a record of the JTL is over {_LARGEST_TAIL} bytes long; it cannot be JMeter's CSV"
            )

    def _rows(self, records: Iterator[list[str] | None]) -> Iterator[JtlRow]:
        for record in records:
            if self._pick is None:
                self._pick = _columns_of(record or [])
                continue
            try:
                start, elapsed, label, success, url, message = self._pick(record or [])
                controller = url in _NO_URL and message.startswith(_TRANSACTION)
                row = JtlRow(int(start), int(elapsed), label, _TRUTH[success], controller)
            except (ValueError, LookupError):
                self.malformed += 1
                continue
            if 0 <= row.start_ms < LARGEST and 0 <= row.elapsed_ms < LARGEST:
                yield row
            else:
                self.malformed += 1


def _end_of_last_record(chunk: bytes, quotes: int) -> int:
    """Where the last record that ends in this chunk ends, 0 if none does; `quotes` came before in its record.

    A record ends at a newline with an even number of quotes before it.
    """
    end = chunk.rfind(b"\n") + 1
    quotes += chunk.count(b'"', 0, end)
    while end and quotes % 2:
        previous = chunk.rfind(b"\n", 0, end - 1) + 1
        quotes -= chunk.count(b'"', previous, end)
        end = previous
    return end


def _records(data: bytes) -> Iterator[list[str] | None]:
    """The records of some whole lines, blank lines left out; None for a field beyond all measure."""
    reader = csv.reader(StringIO(data.decode(errors="replace"), newline="\n"))
    while True:
        try:
            yield from filter(None, reader)
        except csv.Error:
            yield None
        else:
            return


def _columns_of(header: Sequence[str]) -> Callable[[Sequence[str]], tuple[str, ...]]:
    missing = [name for name in _COLUMNS if name not in header]
    if missing:
        raise JtlError(
            f"the JTL's first line lacks the column {missing[0]}: have JMeter write CSV with all default"
            " columns and their names (jmeter.save.saveservice.print_field_names=true)"
        )
    return itemgetter(*(header.index(name) for name in _COLUMNS))
