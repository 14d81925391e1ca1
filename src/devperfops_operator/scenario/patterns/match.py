"""Whether a text has what a pattern describes: all ways at once, so the cost is bounded."""

from __future__ import annotations

from typing import Final

from devperfops_operator.scenario.errors import Unusable
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

_STEPS: Final = 200_000
_LONGEST: Final = 20_000
Places = frozenset[int]


def found_in(pattern: str, text: str) -> bool:
    """Whether the pattern matches somewhere in the text, as JSON Schema asks.

    Raises:
        Unusable: the pattern cannot be read, or to tell would take too long.
    """
    if len(text) > _LONGEST:
        raise Unusable(f"a text of {len(text)} characters is too long to be checked by a pattern")
    return bool(_Matcher(text).ends(parse(pattern), frozenset(range(len(text) + 1))))


class _Matcher:
    def __init__(self, text: str) -> None:
        self._text = text
        self._steps = 0

    def ends(self, node: Node, starts: Places) -> Places:
        """Where it can end, when it begins at one of `starts`."""
        self._steps += 1 + len(starts)
        if self._steps > _STEPS:
            raise Unusable("a pattern takes too many steps")
        match node:
            case Chars():
                text = self._text
                return frozenset(at + 1 for at in starts if at < len(text) and node.holds(text[at]))
            case Sequence():
                for item in node.items:
                    starts = self.ends(item, starts)
                return starts
            case Either():
                return frozenset().union(*(self.ends(option, starts) for option in node.options))
            case Repeat():
                return self._repeated(node, starts)
            case Mark():
                return frozenset(at for at in starts if self._marked(node.kind, at))
            case Ahead():
                return frozenset(
                    at for at in starts if bool(self.ends(node.inner, frozenset({at}))) == node.wanted
                )

    def _repeated(self, node: Repeat, starts: Places) -> Places:
        current = starts
        for _ in range(node.least):
            after = self.ends(node.inner, current)
            if after == current:  # nothing moves any more, however often
                break
            current = after
        found = current
        for _ in range(node.most - node.least):
            current = self.ends(node.inner, current) - found
            if not current:
                break
            found |= current
        return found

    def _marked(self, kind: str, at: int) -> bool:
        text = self._text
        if kind == "^":
            return at == 0
        if kind == "$":
            return at == len(text)
        border = self._is_word(at - 1) != self._is_word(at)
        return border == (kind == "b")

    def _is_word(self, at: int) -> bool:
        if not 0 <= at < len(self._text):
            return False
        letter = self._text[at]
        return letter == "_" or (letter.isascii() and letter.isalnum())
