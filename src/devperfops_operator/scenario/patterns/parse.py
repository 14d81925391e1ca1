"""Reads a pattern."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from devperfops_operator.scenario.errors import Unusable
from devperfops_operator.scenario.patterns.tree import (
    UNBOUNDED,
    Ahead,
    Chars,
    Either,
    Mark,
    Node,
    Ranges,
    Repeat,
    Sequence,
    inverted,
    ranges,
)

_LONGEST: Final = 4_096
_DEEPEST: Final = 40
_DIGITS: Final = ranges([(0x30, 0x39)])
_UPPER, _LOWER = ranges([(0x41, 0x5A)]), ranges([(0x61, 0x7A)])
_WORD: Final = ranges([*_DIGITS, *_UPPER, *_LOWER, (0x5F, 0x5F)])
_SPACE: Final = ranges([(0x09, 0x0D), (0x20, 0x20)])
_LOWER_CLASSES: Final = {"d": _DIGITS, "w": _WORD, "s": _SPACE}
_CLASSES: Final = _LOWER_CLASSES | {name.upper(): inverted(held) for name, held in _LOWER_CLASSES.items()}
_CONTROLS: Final = {"n": 10, "r": 13, "t": 9, "f": 12, "v": 11, "0": 0}
_PROPERTIES: Final = {  # the part of them that everybody can read
    **dict.fromkeys(("L", "Letter", "Alpha", "Alphabetic"), ranges([*_UPPER, *_LOWER])),
    **dict.fromkeys(("Lu", "Upper"), _UPPER),
    **dict.fromkeys(("Ll", "Lower"), _LOWER),
    **dict.fromkeys(("N", "Nd", "Digit"), _DIGITS),
    "Alnum": ranges([*_DIGITS, *_UPPER, *_LOWER]),
    **dict.fromkeys(("Z", "Zs", "Space", "White_Space"), ranges([(0x20, 0x20)])),
    **dict.fromkeys(("P", "Punct"), ranges((ord(each), ord(each)) for each in "!#%&()*,-./:;?@_")),
    **dict.fromkeys(("S", "Symbol"), ranges((ord(each), ord(each)) for each in "$+<=>^`|~")),
    **dict.fromkeys(("M", "Mn", "C", "Cc"), ()),
    **dict.fromkeys(("all", "Any", "ASCII", "Print"), ranges([(0x20, 0x7E)])),
}
_COUNTS: Final = re.compile(r"\{(\d{1,9})(?:(,)(\d{0,9}))?\}")
_GROUP: Final = re.compile(r"\?(?::|P?<[A-Za-z_]\w*>)")
_FLAGS: Final = re.compile(r"\(\?[imsux]+\)")
_CODE: Final = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]{1,6})\}")
_OCTAL: Final = re.compile(r"0[0-7]{2}")
_PROPERTY: Final = re.compile(r"([pP])\{(?:Is|General_Category=|gc=)?(\w+)\}")


@lru_cache(maxsize=4_096)
def parse(pattern: str) -> Node:
    """The pattern as a tree.

    Raises:
        Unusable: it is no pattern, or has what cannot be made: back references, looks behind.
    """
    if len(pattern) > _LONGEST:
        raise Unusable(f"a pattern of {len(pattern)} characters is too long")
    flags = _FLAGS.match(pattern)
    reader = _Reader(pattern, flags.end() if flags else 0)
    tree = reader.either(0)
    if reader.more:
        raise reader.trouble("an unmatched )")
    return tree


def _is_one(held: Ranges) -> bool:
    return len(held) == 1 and held[0][0] == held[0][1]


class _Reader:
    """By recursive descent."""

    def __init__(self, text: str, at: int) -> None:
        self._text = text
        self._at = at

    @property
    def more(self) -> bool:
        return self._at < len(self._text)

    def trouble(self, what: str) -> Unusable:
        return Unusable(f"pattern {self._text[:60]!r} has {what} at {self._at}")

    def either(self, depth: int) -> Node:
        if depth > _DEEPEST:
            raise self.trouble("too many groups in each other")
        options = [self._sequence(depth)]
        while self._take("|"):
            options.append(self._sequence(depth))
        return options[0] if len(options) == 1 else Either(tuple(options))

    def _sequence(self, depth: int) -> Node:
        items: list[Node] = []
        while self.more and self._text[self._at] not in "|)":
            items.append(self._repeated(self._item(depth)))
        return items[0] if len(items) == 1 else Sequence(tuple(items))

    def _take(self, wanted: str) -> bool:
        found = self._text.startswith(wanted, self._at)
        self._at += len(wanted) if found else 0
        return found

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return found

    def _next(self) -> str:
        if not self.more:
            raise self.trouble("no end")
        self._at += 1
        return self._text[self._at - 1]

    def _repeated(self, item: Node) -> Node:
        while True:
            counts = self._counts()
            if counts is None:
                return item
            item = Repeat(item, *counts)
            if not self._take("?"):  # greedy or not: the same texts
                self._take("+")

    def _counts(self) -> tuple[int, int] | None:
        for sign, counts in (("*", (0, UNBOUNDED)), ("+", (1, UNBOUNDED)), ("?", (0, 1))):
            if self._take(sign):
                return counts
        found = self._match(_COUNTS)
        if found is None:
            return None
        least = int(found[1])
        most = int(found[3]) if found[3] else UNBOUNDED if found[2] else least
        if most < least:
            raise self.trouble("a repetition whose most is below its least")
        return least, most

    def _item(self, depth: int) -> Node:
        letter = self._next()
        match letter:
            case "(":
                return self._group(depth)
            case "[":
                return Chars(self._set())
            case ".":
                return Chars(inverted(ranges([(10, 10), (13, 13)])))
            case "^" | "$":
                return Mark(letter)
            case "\\":
                return self._escaped()
            case "*" | "+" | "?":
                raise self.trouble("nothing to repeat")
            case _:
                return Chars(((ord(letter), ord(letter)),))

    def _group(self, depth: int) -> Node:
        ahead = next((sign for sign in ("?=", "?!") if self._take(sign)), None)
        if ahead is None and not self._match(_GROUP) and self._text.startswith("?", self._at):
            raise self.trouble("a kind of group that is not supported")
        inner = self.either(depth + 1)
        if not self._take(")"):
            raise self.trouble("a group without its end")
        return inner if ahead is None else Ahead(inner, ahead == "?=")

    def _escaped(self) -> Node:
        if self._take("b"):
            return Mark("b")
        if self._take("B"):
            return Mark("B")
        if self._take("A"):
            return Mark("^")
        if self._take("Z") or self._take("z"):
            return Mark("$")
        if self.more and self._text[self._at] in "123456789k":
            raise self.trouble("a back reference, which is not supported")
        return Chars(self._escape())

    def _escape(self) -> Ranges:
        """What follows a backslash, in and out of a set."""
        code = self._match(_CODE)
        if code is not None:
            point = int(code[1] or code[2] or code[3], 16)
            return ((point, point),)
        named = self._match(_PROPERTY)
        if named is not None:
            if named[2] not in _PROPERTIES:
                raise self.trouble(f"the property {named[2]}, which is not supported")
            held = _PROPERTIES[named[2]]
            return held if named[1] == "p" else inverted(held)
        octal = self._match(_OCTAL)
        if octal is not None:
            point = int(octal[0], 8)
            return ((point, point),)
        letter = self._next()
        if letter in _CLASSES:
            return _CLASSES[letter]
        point = _CONTROLS.get(letter, ord(letter))
        return ((point, point),)

    def _set(self) -> Ranges:
        negated = self._take("^")
        held: list[tuple[int, int]] = []
        first = True
        while first or not self._take("]"):
            if first and self._take("]"):  # an empty set holds nothing, as in ECMA-262
                break
            first = False
            held += self._member()
        return inverted(ranges(held)) if negated else ranges(held)

    def _member(self) -> Ranges:
        low = self._letter()
        if not _is_one(low) or not self._range_follows():
            return low
        self._at += 1
        high = self._letter()
        if not _is_one(high):
            return (*low, (0x2D, 0x2D), *high)
        if high[0][0] < low[0][0]:
            raise self.trouble("a range that ends before it begins")
        return ((low[0][0], high[0][0]),)

    def _range_follows(self) -> bool:
        return self._text.startswith("-", self._at) and not self._text.startswith("-]", self._at)

    def _letter(self) -> Ranges:
        letter = self._next()
        if letter != "\\":
            return ((ord(letter), ord(letter)),)
        return ((8, 8),) if self._take("b") else self._escape()
