"""Chance that depends on a seed and a place, never on what was thrown before.

So a value of one operation stays what it is when another operation is added to the document.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Self, TypeVar

T = TypeVar("T")


class Dice:
    """Throws by blake2b over key and count."""

    __slots__ = ("_key", "_thrown")

    def __init__(self, key: str) -> None:
        self._key = key
        self._thrown = 0

    def child(self, place: str | int) -> Self:
        """Dice of their own for a place inside."""
        return type(self)(f"{self._key}/{place}")

    def integer(self, low: int, high: int) -> int:
        """Evenly from `low` to `high`, both included."""
        self._thrown += 1
        text = f"{self._key}#{self._thrown}".encode("utf-8", "surrogatepass")
        return low + int.from_bytes(blake2b(text, digest_size=16).digest()) % (high - low + 1)

    def choice(self, options: Sequence[T]) -> T:
        """One of at least one."""
        return options[self.integer(0, len(options) - 1)]
