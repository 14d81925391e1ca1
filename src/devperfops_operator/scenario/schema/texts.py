"""Texts a schema allows."""

from __future__ import annotations

import re
from typing import Any, Final

from devperfops_operator.scenario.dice import Dice
from devperfops_operator.scenario.errors import Unusable
from devperfops_operator.scenario.patterns import found_in, text_of
from devperfops_operator.scenario.schema import formats
from devperfops_operator.scenario.schema.merge import Flat
from devperfops_operator.scenario.schema.numbers import is_number

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_USUAL: Final = 8
_LONGEST: Final = 20_000
_TRIES: Final = 6
_QUOTED: Final = r"(?P<q{0}>['\"`])[^\s'\"`,]{{1,40}}(?P=q{0})"
_LISTED: Final = re.compile(
    rf"{_QUOTED.format(1)}(?:(?:\s*[,|/]\s*|\s+)(?:(?:or|and)\s+)?{_QUOTED.format(2)})+"
)
_WORD: Final = re.compile(r"['\"`]([^\s'\"`,]+)['\"`]")
_DENIED: Final = re.compile(r"\b(?:not|cannot|never|except|reserved|deprecated)\b|n't\b", re.IGNORECASE)
_BY_NAME: Final = (("email", "email"), ("url", "uri"), ("uri", "uri"))


def text(flat: Flat, name: str, dice: Dice) -> str:
    """By pattern, by format, of the words its description lists, by the property's name, or a word.

    Raises:
        Unusable: none was found.
    """
    least, most = _lengths(flat)
    if flat.patterns:
        return _by_patterns(flat, dice, least, most)
    form = flat.keywords.get("format")
    found = formats.made(form, dice) if form else _described(flat, dice) or _by_name(name, dice)
    if found is not None and least <= len(found) <= most:
        return found
    return "".join(dice.choice(_LETTERS) for _ in range(min(max(least, _USUAL), most)))


def _lengths(flat: Flat) -> tuple[int, int]:
    given_least, given_most = flat.keywords.get("minLength"), flat.keywords.get("maxLength")
    least = max(0, int(given_least)) if is_number(given_least) else 0
    most = min(_LONGEST, int(given_most)) if is_number(given_most) else _LONGEST
    if least > most:
        raise Unusable(f"no text has at least {least} and at most {most} characters")
    return least, most


def _by_patterns(flat: Flat, dice: Dice, least: int, most: int) -> str:
    form = flat.keywords.get("format")
    if form:  # dates and the like have patterns that say less than their format
        made = formats.made(form, dice)
        if made is not None and least <= len(made) <= most and _has_all(flat, made):
            return made
    for _ in range(_TRIES):
        made = text_of(flat.patterns[0], dice, least, most)
        if _has_all(flat, made) and formats.holds(str(form), made):
            return made
    raise Unusable(
        f"no text was found that has the pattern {flat.patterns[0][:80]!r} and all else asked of it"
    )


def _has_all(flat: Flat, made: str) -> bool:
    return all(found_in(pattern, made) for pattern in flat.patterns)


def _described(flat: Flat, dice: Dice) -> str | None:
    """`File type ('file', 'directory')`: many authors list values in words alone."""
    description: Any = flat.keywords.get("description")
    if not isinstance(description, str) or _DENIED.search(description):
        return None
    listed = _LISTED.search(description)
    return dice.choice(_WORD.findall(listed[0])) if listed else None


def _by_name(name: str, dice: Dice) -> str | None:
    for ending, form in _BY_NAME:
        if name.lower().endswith(ending):
            return formats.made(form, dice)
    return None
