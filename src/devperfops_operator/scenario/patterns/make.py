"""A text that a pattern matches, of a wanted length."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence as Several
from typing import Final

from devperfops_operator.scenario.dice import Dice
from devperfops_operator.scenario.errors import Unusable
from devperfops_operator.scenario.patterns.match import found_in
from devperfops_operator.scenario.patterns.parse import parse
from devperfops_operator.scenario.patterns.tree import (
    Ahead,
    Chars,
    Either,
    Mark,
    Node,
    Repeat,
    Sequence,
)

_LONGEST: Final = 5_000
_TRIES: Final = 8
_STEPS: Final = 50_000
_PLEASANT: Final = 8
"""Characters of a text that may have any length."""


def text_of(pattern: str, dice: Dice, least: int, most: int) -> str:
    """A text of `least` to `most` characters in which the pattern is found.

    Raises:
        Unusable: the pattern is not supported, or no such text was found in a few tries.
    """
    tree = parse(pattern)
    shortest, longest = tree.widths
    for length in _lengths(max(least, shortest), min(most, longest, _LONGEST)):
        for attempt in range(_TRIES):
            text = _Maker(dice, mixed=attempt > 0).text(tree, length)
            if least <= len(text) <= most and found_in(pattern, text):
                return text
    limits = f" of {least} to {most} characters" if most < _LONGEST or least else ""
    raise Unusable(f"no text{limits} was found for the pattern {pattern[:80]!r}")


def _lengths(low: int, high: int) -> Iterator[int]:
    if low <= high:
        tried = (min(max(low, _PLEASANT), high), low, min(high, low + 4), min(high, low + 24), high)
        yield from dict.fromkeys(tried)


class _Maker:
    def __init__(self, dice: Dice, *, mixed: bool) -> None:
        self._dice = dice
        self._groups = slice(None) if mixed else slice(1)
        """Kinds of characters: looks ahead, as passwords have, ask for several."""
        self._steps = 0

    def text(self, node: Node, length: int) -> str:
        """As near to the length as the tree lets it come."""
        self._steps += 1
        if self._steps > _STEPS:
            raise Unusable("a pattern takes too many steps")
        match node:
            case Chars():
                if not node.groups:
                    raise Unusable("a pattern asks for a character of an empty set")
                return self._dice.choice(self._dice.choice(node.groups[self._groups]))
            case Mark() | Ahead():
                return ""
            case Sequence():
                return self._shared(node.items, length)
            case Either():
                fitting = [each for each in node.options if each.widths[0] <= length <= each.widths[1]]
                return self.text(self._dice.choice(fitting or node.options), length)
            case Repeat():
                count = self._count(node, length)
                return self._shared((node.inner,) * count, length)

    def _count(self, node: Repeat, length: int) -> int:
        low, high = node.inner.widths
        if high == 0:
            return min(node.least, 1)
        fewest = max(node.least, -(-length // high))
        most = min(node.most, length // low if low else max(length, node.least))
        return min(self._dice.integer(fewest, most) if fewest < most else fewest, node.most, _LONGEST)

    def _shared(self, items: Several[Node], length: int) -> str:
        """Each gets its least; what is left goes to the first that can take it."""
        left = length - sum(item.widths[0] for item in items)
        parts = []
        for item in items:
            low, high = item.widths
            extra = max(0, min(left, high - low))
            left -= extra
            parts.append(self.text(item, low + extra))
        return "".join(parts)
