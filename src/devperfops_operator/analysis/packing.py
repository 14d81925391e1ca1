"""Many small numbers in few bytes.

The numbers' bytes are sorted by significance before they are compressed (the "shuffle" of HDF5), so that the
zeros of small numbers cost next to nothing. What comes back in is checked: it may be anybody's.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Iterable
from typing import Final

LARGEST: Final = 2**53 - 1
_BYTES: Final = 8


def pack(numbers: Iterable[int]) -> bytes:
    """Raises OverflowError on numbers outside of [0, 2^64)."""
    words = array("Q", numbers)
    if sys.byteorder == "big":
        words.byteswap()
    raw = words.tobytes()
    return zlib.compress(b"".join(raw[plane::_BYTES] for plane in range(_BYTES)))


def unpack(packed: bytes, *, at_most: int) -> list[int]:
    """Raises ValueError if that is nothing `pack` gave, or more than `at_most` numbers."""
    reader = zlib.decompressobj()
    try:
        planes = reader.decompress(packed, at_most * _BYTES + 1)
    except zlib.error as error:
        raise ValueError(f"these are no packed numbers: {error}") from None
    if len(planes) > at_most * _BYTES:
        raise ValueError(f"there are more than {at_most} packed numbers")
    if not reader.eof or reader.unused_data or len(planes) % _BYTES:
        raise ValueError("packed numbers are cut or have a tail")
    count = len(planes) // _BYTES
    raw = bytearray(len(planes))
    for plane in range(_BYTES):
        raw[plane::_BYTES] = planes[plane * count : (plane + 1) * count]
    words = array("Q", bytes(raw))
    if sys.byteorder == "big":
        words.byteswap()
    if max(words, default=0) > LARGEST:
        raise ValueError(f"a packed number is above {LARGEST}")
    return words.tolist()


def differences(numbers: Iterable[int]) -> list[int]:
    """Each less the one before, signs folded into the lowest bit: small where the numbers change little."""
    steps, before = [], 0
    for number in numbers:
        step = number - before
        steps.append(2 * step if step >= 0 else -2 * step - 1)
        before = number
    return steps


def sums(steps: Iterable[int]) -> list[int]:
    """What `differences` was made of."""
    numbers, current = [], 0
    for step in steps:
        current += -(step + 1) // 2 if step % 2 else step // 2
        numbers.append(current)
    return numbers
