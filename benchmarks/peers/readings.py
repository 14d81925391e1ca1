"""What a server may read in what was sent for a parameter: a text may mean a number or several items."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from benchmarks.peers.request import FROM_AN_ANSWER, Request
from benchmarks.peers.routes import Asked
from devperfops_operator.scenario.model import Parameter, Where

ANSWERS: Final = ("1", "00000000-0000-4000-8000-000000004711", "word")
"""A value of an earlier answer is what the server itself called so: it is taken as one of these."""
_SEPARATORS: Final = (",", "|", " ")
_TRUTH: Final[Mapping[str, Any]] = {"true": True, "false": False, "null": None}


def values(parameter: Parameter, one: Asked) -> Iterator[Any]:
    """All that a server may read in what was sent for it."""
    match parameter.where:
        case Where.PATH:
            texts = [one.gaps[parameter.name]] if parameter.name in one.gaps else []
        case Where.QUERY:
            texts = [value for name, value in one.request.query if name in _spellings(parameter.name)]
            yield from _objects(parameter, one.request.query)
        case Where.HEADER:
            texts = [value for name, value in one.request.headers.items() if name == parameter.name.lower()]
        case Where.COOKIE:
            texts = re.findall(rf"(?:^|; ?){re.escape(parameter.name)}=([^;]*)", _cookies(one.request))
    for answer in ANSWERS:
        yield from readings(parameter, [text.replace(FROM_AN_ANSWER, answer) for text in texts])


def _spellings(name: str) -> set[str]:
    return {name, f"{name}[]"}


def _cookies(request: Request) -> str:
    return request.headers.get("cookie", "")


def _objects(parameter: Parameter, query: Sequence[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    """`filter[from]=1`; what must be there may also be the whole query, each property under its own name."""
    deep = {
        name.removeprefix(f"{parameter.name}[").removesuffix("]"): value
        for name, value in query
        if name.startswith(f"{parameter.name}[") and name != f"{parameter.name}[]"
    }
    for pairs in (deep, dict(query) if parameter.required else {}):
        if pairs:
            yield pairs
            yield {key: _scalars(value)[-1] for key, value in pairs.items()}


def readings(parameter: Parameter, texts: list[str]) -> Iterator[Any]:
    if not texts:
        return
    if len(texts) == 1:
        yield from _scalars(texts[0])
        if parameter.content is not None:
            yield json.loads(texts[0])
    lists = [texts, *([texts[0].split(each) for each in _SEPARATORS] if len(texts) == 1 else [])]
    for items in lists:
        yield items
        yield [_scalars(item)[-1] for item in items]
        if len(items) % 2 == 0:
            yield dict(zip(items[::2], (_scalars(item)[-1] for item in items[1::2]), strict=True))


def _scalars(text: str) -> list[Any]:
    """The text, and the number or truth value that it may mean."""
    if text.lower() in _TRUTH:
        return [text, _TRUTH[text.lower()]]
    try:
        number = json.loads(text)
    except ValueError:
        return [text]
    return [text, number] if isinstance(number, int | float) else [text]
