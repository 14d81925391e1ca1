"""What a pattern is made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

UNBOUNDED: Final = 1 << 30
"""Stands for no upper limit of a length."""

Ranges = tuple[tuple[int, int], ...]
"""Code points, both ends included, ascending, apart."""

_LAST: Final = 0x10FFFF
_SIGNS: Final = "-_." + "".join(map(chr, [*range(0x20, 0x2D), 0x2F, *range(0x3A, 0x41), *range(0x5B, 0x5F)]))
_LIKED: Final = ("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789", _SIGNS + "`{|}~")


def ranges(given: Iterable[tuple[int, int]]) -> Ranges:
    """Sorted and joined."""
    joined: list[tuple[int, int]] = []
    for low, high in sorted(given):
        if joined and low <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        else:
            joined.append((low, high))
    return tuple(joined)


def inverted(given: Ranges) -> Ranges:
    found, at = [], 0
    for low, high in given:
        if low > at:
            found.append((at, low - 1))
        at = high + 1
    if at <= _LAST:
        found.append((at, _LAST))
    return tuple(found)


@dataclass(frozen=True)
class Chars:
    """One character of a set."""

    ranges: Ranges
    widths = (1, 1)

    def holds(self, letter: str) -> bool:
        code = ord(letter)
        return any(low <= code <= high for low, high in self.ranges)

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Letters, capitals, digits, signs: those it has, in the order in which a person would take them."""
        found = ("".join(filter(self.holds, letters)) for letters in _LIKED)
        return tuple(filter(None, found)) or tuple(chr(low) for low, _ in self.ranges[:1])


@dataclass(frozen=True)
class Mark:
    """A place and no character: `^`, `$`, or `b` and `B` as after a backslash."""

    kind: str
    widths = (0, 0)


@dataclass(frozen=True)
class Ahead:
    """`(?=...)`, or `(?!...)` when not `wanted`."""

    inner: Node
    wanted: bool
    widths = (0, 0)


@dataclass(frozen=True)
class Sequence:
    items: tuple[Node, ...]

    @cached_property
    def widths(self) -> tuple[int, int]:
        """Fewest and most characters."""
        return (
            min(UNBOUNDED, sum(item.widths[0] for item in self.items)),
            min(UNBOUNDED, sum(item.widths[1] for item in self.items)),
        )


@dataclass(frozen=True)
class Either:
    options: tuple[Node, ...]

    @cached_property
    def widths(self) -> tuple[int, int]:
        return min(each.widths[0] for each in self.options), max(each.widths[1] for each in self.options)


@dataclass(frozen=True)
class Repeat:
    """`most` is UNBOUNDED for `*` and `+`."""

    inner: Node
    least: int
    most: int

    @cached_property
    def widths(self) -> tuple[int, int]:
        low, high = self.inner.widths
        return min(UNBOUNDED, low * self.least), min(UNBOUNDED, high * self.most)


Node = Chars | Mark | Ahead | Sequence | Either | Repeat
