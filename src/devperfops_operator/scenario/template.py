"""Texts with gaps, which JMeter or the check fills at each request."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote

ALNUM: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
DIGITS: Final = "0123456789"


@dataclass(frozen=True)
class Unique:
    """So many random characters of `letters`, kept as the variable `store` where it has a name."""

    length: int
    letters: str = ALNUM
    store: str = ""


@dataclass(frozen=True)
class Uuid:
    """A new UUID each time."""


@dataclass(frozen=True)
class Stored:
    """What an earlier step kept, or a column of the data file."""

    name: str
    in_url: bool = False


@dataclass(frozen=True)
class Secret:
    """A property that JMeter is started with."""

    name: str
    in_url: bool = False


Part = str | Unique | Uuid | Stored | Secret


@dataclass(frozen=True)
class Template:
    """`bare`: as a leaf of JSON it is a number and stands without quotes."""

    parts: tuple[Part, ...]
    bare: bool = False

    def __add__(self, other: Template) -> Template:
        return Template(self.parts + other.parts)

    def filled(self, fill: Callable[[Part], str]) -> str:
        return "".join(map(fill, self.parts))

    @property
    def needs(self) -> frozenset[str]:
        """The variables it reads."""
        return frozenset(part.name for part in self.parts if isinstance(part, Stored))

    @property
    def kept(self) -> Template:
        """The same text again: what was unique is read where it was kept."""
        return replace(
            self,
            parts=tuple(
                Stored(part.store) if isinstance(part, Unique) and part.store else part for part in self.parts
            ),
        )

    @property
    def in_url(self) -> Template:
        """Escaped as one piece of a path or a query."""
        return Template(tuple(map(_in_url, self.parts)))


def plain(text: str) -> Template:
    return Template((text,))


def written(value: Any) -> Template:
    """A scalar as it stands in a path, a query, a header or a form."""
    if isinstance(value, Template):
        return value
    if isinstance(value, str):
        return plain(value)
    return plain("" if value is None else json.dumps(value))


def as_json(value: Any) -> Template:
    """Readable JSON, with the gaps of its leaves."""
    parts: list[Part] = []
    _write(value, "\n", parts)
    return Template(tuple(parts))


def _in_url(part: Part) -> Part:
    if isinstance(part, str):
        return quote(part, safe="", errors="replace")
    return replace(part, in_url=True) if isinstance(part, Stored | Secret) else part


def _write(value: Any, line: str, parts: list[Part]) -> None:
    inner = f"{line}  "
    match value:
        case Template():
            parts += _leaf(value)
        case dict() if value:
            for at, (name, each) in enumerate(value.items()):
                parts.append(f"{',' if at else '{'}{inner}{json.dumps(name)}: ")
                _write(each, inner, parts)
            parts.append(f"{line}}}")
        case list() if value:
            for at, each in enumerate(value):
                parts.append(f"{',' if at else '['}{inner}")
                _write(each, inner, parts)
            parts.append(f"{line}]")
        case _:
            parts.append(json.dumps(value))


def _leaf(leaf: Template) -> list[Part]:
    if leaf.bare:
        return list(leaf.parts)
    return ['"', *(json.dumps(part)[1:-1] if isinstance(part, str) else part for part in leaf.parts), '"']
