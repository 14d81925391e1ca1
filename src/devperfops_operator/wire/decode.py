"""Checks of decoded JSON from elsewhere. Each names the place in its ValueError, and cuts what it quotes."""

from __future__ import annotations

import math
from collections.abc import Collection
from enum import StrEnum
from typing import Any, Final, TypeVar

LARGEST: Final = 2**53
"""Numbers are below it: what JSON carries exactly everywhere."""

_Member = TypeVar("_Member", bound=StrEnum)


def record(raw: Any, place: str, fields: Collection[str]) -> dict[str, Any]:
    """An object with exactly these fields."""
    if not isinstance(raw, dict) or raw.keys() != set(fields):
        raise ValueError(f"{place} must be an object with the fields {', '.join(fields)}{_not(raw)}")
    return raw


def grown(raw: Any, place: str, fields: Collection[str], later: Collection[str]) -> dict[str, Any]:
    """An object with these fields, sent by another version: what only one side knows does not matter.

    Those that came `later` may be missing, and are None then.
    """
    if not isinstance(raw, dict) or not raw.keys() >= set(fields):
        raise ValueError(f"{place} must be an object with the fields {', '.join(fields)}{_not(raw)}")
    return {**dict.fromkeys(later), **raw}


def mapping(raw: Any, place: str, *, at_most: int) -> dict[str, Any]:
    """An object with any keys."""
    if not isinstance(raw, dict) or len(raw) > at_most:
        raise ValueError(f"{place} must be an object with at most {at_most} entries{_not(raw)}")
    return raw


def sequence(raw: Any, place: str, *, at_most: int) -> list[Any]:
    if not isinstance(raw, list) or len(raw) > at_most:
        raise ValueError(f"{place} must be a list of at most {at_most} entries{_not(raw)}")
    return raw


def count(raw: Any, place: str, *, at_most: int = LARGEST - 1) -> int:
    """An integer from 0 on; neither a truth value nor a float."""
    if type(raw) is not int or not 0 <= raw <= at_most:
        raise ValueError(f"{place} must be a whole number from 0 to {at_most}{_not(raw)}")
    return raw


def number(raw: Any, place: str, *, at_least: float) -> float:
    """A finite one; no truth value."""
    if type(raw) not in {int, float} or not at_least <= raw < math.inf:
        raise ValueError(f"{place} must be a number from {at_least} on{_not(raw)}")
    return float(raw)


def optional_count(raw: Any, place: str) -> int | None:
    return None if raw is None else count(raw, place)


def truth(raw: Any, place: str) -> bool:
    if not isinstance(raw, bool):
        raise ValueError(f"{place} must be true or false{_not(raw)}")  # noqa: TRY004  one error for all
    return raw


def text(raw: Any, place: str, *, at_most: int) -> str:
    if not isinstance(raw, str) or len(raw) > at_most:
        raise ValueError(f"{place} must be a text of at most {at_most} characters{_not(raw)}")
    raw.encode()  # half a surrogate pair is a ValueError too
    return raw


def member(raw: Any, place: str, kind: type[_Member]) -> _Member:
    try:
        return kind(raw)
    except ValueError:
        raise ValueError(f"{place} must be one of {', '.join(kind)}{_not(raw)}") from None


def _not(raw: Any) -> str:
    """What was found, briefly: a hostile value may be of any size."""
    match raw:
        case dict() | list():
            return f", not one with {len(raw)} entries"
        case str():
            return f", not {raw[:40]!r}"
        case int() if abs(raw) > LARGEST:
            return ", not a number that large"
        case _:
            return f", not {raw!r}"
