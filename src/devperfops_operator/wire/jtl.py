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

from devperfops_operator.wire.hosts import host_of

COLUMNS: Final = ("timeStamp", "elapsed", "label", "success", "URL", "responseMessage")
NO_URL: Final = frozenset({"", "null"})
TRANSACTION: Final = "Number of samples in transaction"
"""How the message of a Transaction Controller's row begins."""
EMPTY_TRANSACTION: Final = f"{TRANSACTION} : 0"
_TRUTH: Final = {"true": True, "false": False}
LATEST_MS: Final = 2**43
"""Above every time a row may start at: the year 2248."""
LONGEST_MS: Final = 2**35
"""Above every time a row may take: a year."""
LARGEST_FIELD: Final = 1 << 20  # characters
LARGEST_TAIL: Final = 8 << 20  # bytes of a record that does not end

csv.field_size_limit(LARGEST_FIELD)


class JtlError(ValueError):
    """The file is not one the agent can read; the message says why."""


class JtlRow(NamedTuple):
    """A request as JMeter saw it, or the sum a Transaction Controller made of its own. Unix time, ms.

    `host`: where it went; empty: the sampler knows no URL.
    """

    start_ms: int
    elapsed_ms: int
    label: str
    success: bool
    controller: bool = False
    host: str = ""

    @property
    def end_ms(self) -> int:
        return self.start_ms + self.elapsed_ms


def row_of(texts: Sequence[str]) -> JtlRow | None:
    """The row of the texts of `COLUMNS`; None of a transaction in which no request was made.

    Raises:
        ValueError: a number or the truth value is none, or out of range.
    """
    start, elapsed, label, success, url, message = texts
    controller = url in NO_URL and message.startswith(TRANSACTION)
    if success not in _TRUTH:
        raise ValueError("neither true nor false")
    row = JtlRow(int(start), int(elapsed), label, _TRUTH[success], controller, host_of(url))
    if not (0 <= row.start_ms < LATEST_MS and 0 <= row.elapsed_ms < LONGEST_MS):
        raise ValueError("out of range")
    return None if controller and message.startswith(EMPTY_TRANSACTION) else row


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
        end = end_of_last_record(chunk, self._quotes)
        if not end:
            self._keep(chunk)
            return []
        whole = bytes(self._tail) + chunk[:end]
        self._tail.clear()
        self._quotes = 0
        self._keep(chunk[end:])
        return list(self._rows(records(whole)))

    def _keep(self, piece: bytes) -> None:
        self._tail += piece
        self._quotes += piece.count(b'"')
        if len(self._tail) > LARGEST_TAIL:
            raise JtlError(
                f"a record of the JTL is over {LARGEST_TAIL} bytes long; it cannot be JMeter's CSV"
            )

    def _rows(self, found: Iterator[list[str] | None]) -> Iterator[JtlRow]:
        for record in found:
            if self._pick is None:
                self._pick = _columns_of(record or [])
                continue
            try:
                row = row_of(self._pick(record or []))
            except (ValueError, LookupError):
                self.malformed += 1
                continue
            if row is not None:
                yield row


def end_of_last_record(chunk: bytes | bytearray, quotes: int) -> int:
    """Where the last record that ends in this chunk ends, 0 if none does; `quotes` came before in its record.

    A record ends at a newline with an even number of quotes before it.
    """
    end = chunk.rfind(b"\n") + 1
    quotes += chunk.count(b'"', 0, end)
    while end and quotes % 2:
        last_quote = max(0, chunk.rfind(b'"', 0, end))  # behind it the number of quotes stays odd
        previous = chunk.rfind(b"\n", 0, last_quote) + 1
        quotes -= chunk.count(b'"', previous, end)
        end = previous
    return end


def records(data: bytes, delimiter: str = ",") -> Iterator[list[str] | None]:
    """The records of some whole lines, blank lines left out; None for a field beyond all measure."""
    reader = csv.reader(StringIO(data.decode(errors="replace"), newline="\n"), delimiter=delimiter)
    while True:
        try:
            yield from filter(None, reader)
        except csv.Error:
            yield None
        else:
            return


def _columns_of(header: Sequence[str]) -> Callable[[Sequence[str]], tuple[str, ...]]:
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise JtlError(
            f"the JTL's first line lacks the column {missing[0]}: have JMeter write CSV with all default"
            " columns and their names (jmeter.save.saveservice.print_field_names=true)"
        )
    return itemgetter(*(header.index(name) for name in COLUMNS))
