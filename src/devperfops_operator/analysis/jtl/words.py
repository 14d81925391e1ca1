"""Numbers and texts from a buffer, eight bytes at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from devperfops_operator.analysis.jtl.split import Bytes, Flags, Ints, Spans

Words = NDArray[np.uint64]

PAD: Final = 16
"""Bytes a buffer must have before its first and behind its last record."""
OTHER: Final = "(other)"
_WORD: Final = 8
_LONGEST: Final = 256  # bytes of a text that is looked up by words
_ALL: Final = np.uint64(2**64 - 1)
_FIRST: Final[Words] = np.array([(1 << 8 * count) - 1 for count in range(_WORD + 1)], np.uint64)
"""The first so many bytes of a word."""
_ZEROS: Final = np.uint64(0x3030303030303030)
_HIGH: Final = np.uint64(0x8080808080808080)
_OVER_NINE: Final = np.uint64(0x7676767676767676)
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)
_PIECES: Final = 1 + _LONGEST // _WORD  # the length first
_FACTORS: Final = np.random.default_rng(0).integers(0, 2**64, _PIECES, np.uint64) | np.uint64(1)
_TEN_TO_THE_EIGHTH: Final = 100_000_000


def words_of(buffer: Bytes) -> Words:
    """The eight bytes from each place on, little endian: a view, to be indexed by arrays only."""
    return cast("Words", np.ndarray((len(buffer) - _WORD + 1,), "<u8", buffer.data, strides=(1,)))


def text_word(text: bytes) -> np.uint64:
    return np.uint64(int.from_bytes(text, "little"))


def piece(words: Words, spans: Spans, at: int) -> Words:
    """Eight bytes of each text from its byte `at` on; zeros behind its end."""
    left = np.minimum(np.maximum(spans.stop - spans.start - at, 0), _WORD)
    found: Words = words[np.minimum(spans.start + at, len(words) - 1)]
    found &= _FIRST[left]
    return found


def whole_numbers(words: Words, spans: Spans) -> tuple[Ints, Flags]:
    """The values of texts of 1 to 16 ASCII digits, and which of them are such."""
    length = spans.stop - spans.start
    values, fine = _digits(words, spans.stop, np.minimum(length, _WORD))
    fine &= (length > 0) & (length <= 2 * _WORD)
    if (length > _WORD).any():
        upper, upper_fine = _digits(words, spans.stop - _WORD, np.clip(length - _WORD, 0, _WORD))
        values = values + upper * _TEN_TO_THE_EIGHTH
        fine &= upper_fine
    return values, fine


def _digits(words: Words, stop: Ints, length: Ints) -> tuple[Ints, Flags]:
    """The value of the `length` (0 to 8) digits before `stop`: pairs, then fours, then all eight."""
    digits = (words[stop - _WORD] ^ _ZEROS) & ~_FIRST[_WORD - np.maximum(length, 0)]
    fine = (digits | (digits + _OVER_NINE)) & _HIGH == 0
    pairs = digits * np.uint64(10) + (digits >> np.uint64(8))
    low = (pairs & np.uint64(0x000000FF000000FF)) * np.uint64(100 + (1_000_000 << 32))
    high = ((pairs >> np.uint64(16)) & np.uint64(0x000000FF000000FF)) * np.uint64(1 + (10_000 << 32))
    return ((low + high) >> np.uint64(32)).astype(np.int64), fine


class Vocabulary:
    """Numbers texts in the order they are met; `OTHER` stands for all beyond the first `limit`.

    A hash proposes which known text a span holds, the comparison of all its words decides.
    """

    def __init__(self, limit: int, shorten: Callable[[str], str] = lambda text: text) -> None:
        self.texts: list[str] = []
        self._limit = limit
        self._shorten = shorten
        self._number_of: dict[str, int] = {}
        self._hashes = np.empty(0, np.uint64)
        self._numbers = np.empty(0, np.int64)
        self._known = np.empty((0, _PIECES), np.uint64)

    def number_of(self, text: str) -> int:
        """The number of one text."""
        text = self._shorten(text)
        if text not in self._number_of and len(self.texts) >= self._limit:
            text = OTHER
        if text not in self._number_of:
            self._number_of[text] = len(self.texts)
            self.texts.append(text)
        return self._number_of[text]

    def numbers(self, buffer: Bytes, words: Words, spans: Spans) -> Ints:
        """The number of each text. A doubled quote is one."""
        length = spans.stop - spans.start
        longest = min(int(length.max(initial=0)), _LONGEST)
        pieces = [length.astype(np.uint64)]
        pieces += [piece(words, spans, at) for at in range(0, longest, _WORD)]
        short = length <= _LONGEST
        hashes = _hashes(pieces)
        numbers = self._look_up(pieces, hashes)
        unknown = np.flatnonzero((numbers < 0) & short)
        if len(unknown):
            _, first = np.unique(hashes[unknown], return_index=True)
            self._learn(buffer, spans, pieces, hashes, np.sort(unknown[first]))
            numbers = self._look_up(pieces, hashes)
        for at in np.flatnonzero((numbers < 0) | ~short).tolist():
            numbers[at] = self.number_of(_text(buffer, spans, at))
        return numbers

    def _look_up(self, pieces: list[Words], hashes: Words) -> Ints:
        """-1 for the unknown."""
        if not len(self._hashes):
            return np.full(len(hashes), -1, np.int64)
        place = np.minimum(np.searchsorted(self._hashes, hashes), len(self._hashes) - 1)
        same = self._hashes[place] == hashes
        for at, each in enumerate(pieces):
            same &= self._known[place, at] == each
        return np.where(same, self._numbers[place], -1)

    def _learn(self, buffer: Bytes, spans: Spans, pieces: list[Words], hashes: Words, rows: Ints) -> None:
        rows = rows[: max(0, self._limit - len(self._hashes))]
        known = np.zeros((len(rows), _PIECES), np.uint64)
        for at, each in enumerate(pieces):
            known[:, at] = each[rows]
        numbers = np.array([self.number_of(_text(buffer, spans, row)) for row in rows], np.int64)
        everything = np.concatenate((self._hashes, hashes[rows]))
        order = np.argsort(everything)
        self._hashes = everything[order]
        self._numbers = np.concatenate((self._numbers, numbers))[order]
        self._known = np.concatenate((self._known, known))[order]


def _hashes(pieces: list[Words]) -> Words:
    """Zeros add nothing: the hash of a text does not depend on how long its neighbours are."""
    found = np.zeros(len(pieces[0]), np.uint64)
    for factor, each in zip(_FACTORS, pieces, strict=False):
        mixed = (each ^ (each >> np.uint64(29))) * _MIX
        found += (mixed ^ (mixed >> np.uint64(32))) * factor
    return found


def _text(buffer: Bytes, spans: Spans, at: int) -> str:
    raw = buffer[spans.start[at] : spans.stop[at]].tobytes()
    return raw.replace(b'""', b'"').decode(errors="replace")
