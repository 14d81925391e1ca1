"""A chunk's rows as arrays."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np

from devperfops_operator.analysis.jtl.layout import Layout
from devperfops_operator.analysis.jtl.split import Bytes, Fields, Flags, Ints, Spans, split
from devperfops_operator.analysis.jtl.words import (
    OTHER,
    Vocabulary,
    Words,
    piece,
    text_word,
    whole_numbers,
    words_of,
)
from devperfops_operator.wire.jtl import (
    COLUMNS,
    EMPTY_TRANSACTION,
    LATEST_MS,
    LONGEST_MS,
    NO_URL,
    TRANSACTION,
    records,
    row_of,
)

LABELS: Final = 10_000
"""Different labels told apart; the rest is `OTHER`."""
KINDS: Final = 1_000
"""Different types of errors told apart; the rest is `OTHER`."""
NO_ERROR: Final = -1
_KIND_LENGTH: Final = 1_000
_TRUE, _FALSE = text_word(b"true"), text_word(b"false")
_LARGEST_NUMBER: Final = 16  # digits
_SUCCESSES: Final = re.compile("[23][0-9][0-9]")
_DAMAGED: Final = "a field is over a million characters long"


@dataclass(frozen=True, slots=True)
class Samples:
    """Rows as arrays of one length: Unix time and durations in milliseconds, sizes in bytes.

    `label` and `error` are numbers in the reader's vocabularies, `error` is NO_ERROR for a success.
    """

    start_ms: Ints
    elapsed_ms: Ints
    label: Ints
    controller: Flags
    error: Ints
    received: Ints
    sent: Ints

    @classmethod
    def joined(cls, parts: Sequence[Samples]) -> Self:
        """All rows in order; there must be a part."""
        names = [field.name for field in fields(cls)]
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


@dataclass(frozen=True, slots=True)
class Fault:
    """A record that is no row: `lines` lines below the byte `offset` of the file."""

    offset: int
    lines: int
    what: str


class SampleReader:
    """Reads chunks of one file, each of whole records. Numbers of labels and errors hold for all of them."""

    def __init__(self, layout: Layout) -> None:
        self.labels = Vocabulary(LABELS)
        self.kinds = Vocabulary(KINDS, shorten=lambda text: text[:_KIND_LENGTH])
        self.malformed = 0
        self.fault: Fault | None = None
        """The first of them; its offset is the buffer's."""
        self._layout = layout
        self._parts_of_errors = {
            name: Vocabulary(LABELS) for name in ("responseCode", "responseMessage", "failureMessage")
        }

    def read(self, buffer: Bytes, begin: int, end: int) -> list[Samples]:
        """The rows of `buffer[begin:end]`, which has PAD bytes around it; not in the file's order."""
        found = split(buffer, begin, end, self._layout)
        if found is None:
            return self._parsed(buffer, Spans(np.array([begin]), np.array([end])))
        fast, odd = self._at_once(found, words_of(buffer))
        return [fast, *self._parsed(buffer, found.others), *self._parsed(buffer, odd)]

    def _at_once(self, found: Fields, words: Words) -> tuple[Samples, Spans]:
        """The rows that are plainly right, and where the rest is."""
        start_ms, fine = whole_numbers(words, self._span(found, "timeStamp"))
        elapsed_ms, also_fine = whole_numbers(words, self._span(found, "elapsed"))
        outcome = self._span(found, "success")
        word = piece(words, outcome, 0)
        success = (word == _TRUE) & (outcome.stop - outcome.start == len("true"))
        failed = (word == _FALSE) & (outcome.stop - outcome.start == len("false"))
        fine &= also_fine & (success | failed) & (start_ms < LATEST_MS) & (elapsed_ms < LONGEST_MS)
        controller, empty = self._controllers(found, words)
        kept = np.flatnonzero(fine & ~empty)
        samples = Samples(
            start_ms[kept],
            elapsed_ms[kept],
            self.labels.numbers(found.buffer, words, self._span(found, "label").of(kept)),
            controller[kept],
            self._errors(found, words, failed)[kept],
            self._sizes(found, words, "bytes")[kept],
            self._sizes(found, words, "sentBytes")[kept],
        )
        return samples, found.records.of(~fine)

    def _span(self, found: Fields, name: str) -> Spans:
        return found.column(self._layout.columns[name])

    def _controllers(self, found: Fields, words: Words) -> tuple[Flags, Flags]:
        """Which rows are a Transaction Controller's, and which of them had no request."""
        none = np.zeros(len(found.stops), bool)
        if "responseMessage" not in self._layout.columns:
            return none, none
        message = self._span(found, "responseMessage")
        may_be = np.flatnonzero(_begins(words, message, TRANSACTION[:8]))
        if not len(may_be):
            return none, none
        message = message.of(may_be)
        controller = _begins(words, message, TRANSACTION)
        if "URL" in self._layout.columns:
            url = self._span(found, "URL").of(may_be)
            no_url = [_equal(words, url, text_word(text.encode()), len(text)) for text in NO_URL]
            controller &= np.logical_or.reduce(no_url)
        marked, empty = none.copy(), none.copy()
        marked[may_be] = controller
        empty[may_be] = controller & _begins(words, message, EMPTY_TRANSACTION)
        return marked, empty

    def _errors(self, found: Fields, words: Words, failed: Flags) -> Ints:
        numbers = np.full(len(failed), NO_ERROR, np.int64)
        rows = np.flatnonzero(failed)
        if not len(rows):
            return numbers
        combined = np.zeros(len(rows), np.int64)
        for name, vocabulary in self._parts_of_errors.items():
            part = self._part_of_errors(found, words, name, rows, vocabulary)
            combined = combined * (LABELS + 1) + part
        kinds, which = np.unique(combined, return_inverse=True)
        numbers[rows] = np.array([self._kind(int(kind)) for kind in kinds], np.int64)[which]
        return numbers

    def _part_of_errors(
        self, found: Fields, words: Words, name: str, rows: Ints, vocabulary: Vocabulary
    ) -> Ints:
        if name in self._layout.columns:
            return vocabulary.numbers(found.buffer, words, self._span(found, name).of(rows))
        return np.full(len(rows), vocabulary.number_of(""), np.int64)

    def _kind(self, combined: int) -> int:
        rest, failure = divmod(combined, LABELS + 1)
        code, message = divmod(rest, LABELS + 1)
        numbers = (code, message, failure)
        texts = [
            vocabulary.texts[number]
            for vocabulary, number in zip(self._parts_of_errors.values(), numbers, strict=True)
        ]
        return self.kinds.number_of(kind_of_error(*texts))

    def _sizes(self, found: Fields, words: Words, name: str) -> Ints:
        """What is no number counts as nothing."""
        if name not in self._layout.columns:
            return np.zeros(len(found.stops), np.int64)
        values, fine = whole_numbers(words, self._span(found, name))
        return np.where(fine, values, 0)

    def _parsed(self, buffer: Bytes, spans: Spans) -> list[Samples]:
        """Record by record, by the rules that the agent reads by."""
        rows = [
            row
            for start, stop in zip(spans.start.tolist(), spans.stop.tolist(), strict=True)
            for row in self._rows(buffer, start, stop)
        ]
        if not rows:
            return []
        columns = zip(*rows, strict=True)
        start_ms, elapsed_ms, label, controller, error, received, sent = (np.array(each) for each in columns)
        return [Samples(start_ms, elapsed_ms, label, controller, error, received, sent)]

    def _rows(
        self, buffer: Bytes, start: int, stop: int
    ) -> Iterator[tuple[int, int, int, bool, int, int, int]]:
        lines = 0
        for record in records(buffer[start:stop].tobytes(), self._layout.delimiter):
            fields_of = self._layout.by_name(record or [])
            try:
                row = row_of([fields_of[name] for name in COLUMNS])
            except (ValueError, LookupError):
                self._note(Fault(start, lines, _DAMAGED if record is None else self._layout.fault_of(record)))
                row = None
            if row is not None:
                yield (
                    row.start_ms,
                    row.elapsed_ms,
                    self.labels.number_of(row.label),
                    row.controller,
                    NO_ERROR if row.success else self._kind_of(fields_of),
                    _size(fields_of.get("bytes", "")),
                    _size(fields_of.get("sentBytes", "")),
                )
            lines += 1 + sum(field.count("\n") for field in record or [])

    def _kind_of(self, fields_of: dict[str, str]) -> int:
        texts = (fields_of.get(name, "") for name in self._parts_of_errors)
        return self.kinds.number_of(kind_of_error(*texts))

    def _note(self, fault: Fault) -> None:
        self.malformed += 1
        if self.fault is None or (fault.offset, fault.lines) < (self.fault.offset, self.fault.lines):
            self.fault = fault


def kind_of_error(code: str, message: str, failure: str) -> str:
    """The type of an error as JMeter's report has it: code and message, or what an assertion says."""
    if _SUCCESSES.fullmatch(code) or (not code and failure):
        return failure or "Assertion failed"
    return f"{code}/{message}" if message else code or OTHER


def _equal(words: Words, spans: Spans, word: np.uint64, length: int) -> Flags:
    long_enough: Flags = spans.stop - spans.start == length
    same: Flags = piece(words, spans, 0) == word
    return long_enough & same


def _begins(words: Words, spans: Spans, text: str) -> Flags:
    raw = text.encode()
    begins: Flags = spans.stop - spans.start >= len(raw)
    for at in range(0, len(raw), 8):
        part = raw[at : at + 8]
        same = piece(words, Spans(spans.start, np.minimum(spans.stop, spans.start + len(raw))), at)
        begins &= same == text_word(part)
    return begins


def _size(text: str) -> int:
    plain = text.isascii() and text.isdecimal() and len(text) <= _LARGEST_NUMBER
    return int(text) if plain else 0
