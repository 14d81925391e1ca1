"""Where an answer shows the id of a thing, or a list of things: as JSON paths."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from devperfops_operator.scenario.errors import Unusable
from devperfops_operator.scenario.naming import singular, squeezed
from devperfops_operator.scenario.schema.check import mapping
from devperfops_operator.scenario.schema.merge import Flat, Merger

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HELD: Final = re.compile(r"([^$.\[\]']+)(?:'\])?\[\*\]$")
"""Of a path to a list of texts its name."""
_WRAPPERS: Final = frozenset(
    {
        "data",
        "result",
        "results",
        "response",
        "payload",
        "body",
        "item",
        "entity",
        "resource",
        "object",
        "attributes",
    }
    | {"metadata", "embedded", "properties"}
)
_LISTS: Final = (
    *("items", "data", "results", "result", "value", "values", "list", "content", "contents", "records"),
    *(
        "entries",
        "elements",
        "rows",
        "objects",
        "resources",
        "hits",
        "edges",
        "nodes",
        "entities",
        "collection",
    ),
)
_BESIDE: Final = frozenset({"errors", "warnings", "messages", "links", "facets", "pagination", "notices"})
"""Lists that are not what was asked for."""
_DEEPEST: Final = 3
_SCALARS: Final = frozenset({"string", "integer", "number"})


@dataclass(frozen=True)
class Found:
    """`path`: a JSON path; `types`: what the value may be (empty: anything)."""

    path: str
    types: Sequence[str]


@dataclass(frozen=True)
class Wanted:
    """An id: what it may be called, best first, the thing it is of, and what it may be (empty: anything)."""

    names: Sequence[str]
    thing: str
    types: Sequence[str] = ()


class Shapes:
    """Of one document's answers."""

    def __init__(self, merger: Merger) -> None:
        self._merger = merger

    def of_thing(self, node: Any, wanted: Wanted) -> Found | None:
        """The id in an answer that shows one thing."""
        flat = self._flat(node)
        return None if flat is None else self._in_object(flat, wanted, "$", 0)

    def of_made(self, node: Any, wanted: Wanted) -> Found | None:
        """The id in an answer that shows what was made, one or many; texts that it holds are not its id."""
        found = self.of_thing(node, wanted) or self.in_list(node, wanted)
        held = _HELD.search(found.path) if found is not None else None
        return None if held is not None and not _are_ids(squeezed(held[1]), wanted) else found

    def in_list(self, node: Any, wanted: Wanted) -> Found | None:
        """The ids in an answer that shows many."""
        flat = self._flat(node)
        return None if flat is None else self._in_lists(flat, wanted, "$", 0)

    def shown(self, node: Any) -> Iterator[tuple[str, Found]]:
        """Every scalar that an answer shows of one thing or of many, by its squeezed name."""
        flat = self._flat(node)
        for at, thing in self._things(flat) if flat is not None else ():
            for name, inner in mapping(thing.keywords.get("properties")).items():
                types = self._scalar(inner)
                if types is not None:
                    yield squeezed(name), Found(at + _step(name), types)

    def _things(self, flat: Flat) -> Iterator[tuple[str, Flat]]:
        """What an answer is about: itself, its items, the items of its lists."""
        yield "$", flat
        lists = [("$", flat)]
        for name, node in mapping(flat.keywords.get("properties")).items():
            inner = self._flat(node)
            lists += [(f"${_step(name)}", inner)] if inner is not None else []
        for at, each in lists:
            items = self._flat(each.keywords.get("items"))
            if items is not None:
                yield f"{at}[*]", items

    def _flat(self, node: Any) -> Flat | None:
        """Of a choice the first option that is something."""
        if node is None:
            return None
        try:
            flat = self._merger.flat(node)
            for choice in flat.choices:
                option = next((each for each in choice.options if mapping(each).get("type") != "null"), None)
                if option is not None:
                    flat = self._merger.with_option(Flat(flat.keywords, (), flat.patterns), option)
        except Unusable:
            return None
        return flat

    def _in_object(self, flat: Flat, wanted: Wanted, at: str, depth: int) -> Found | None:
        properties = mapping(flat.keywords.get("properties"))
        by_name = {squeezed(name): name for name in reversed(list(properties))}
        for name in wanted.names:
            if name in by_name:
                types = self._scalar(properties[by_name[name]])
                if types is not None and _agree(types, wanted.types):
                    return Found(at + _step(by_name[name]), types)
        if depth >= _DEEPEST:
            return None
        for name, node in _wrapped(properties, wanted.thing):
            inner = self._flat(node)
            if inner is not None:
                found = self._in_object(inner, wanted, at + _step(name), depth + 1)
                if found is not None:
                    return found
        return None

    def _scalar(self, node: Any) -> Sequence[str] | None:
        flat = self._flat(node)
        if flat is None or "properties" in flat.keywords or "items" in flat.keywords:
            return None
        types: Sequence[str] = flat.keywords.get("types") or ()
        return types if not types or _SCALARS & set(types) else None

    def _in_lists(self, flat: Flat, wanted: Wanted, at: str, depth: int) -> Found | None:
        if "items" in flat.keywords:
            return self._in_items(flat.keywords["items"], wanted, f"{at}[*]")
        for name, node, opens in _listed(mapping(flat.keywords.get("properties")), wanted.thing):
            inner = self._flat(node)
            if inner is not None and ("items" in inner.keywords or (opens and depth < _DEEPEST)):
                found = self._in_lists(inner, wanted, at + _step(name), depth + 1)
                if found is not None:
                    return found
        return None

    def _in_items(self, node: Any, wanted: Wanted, at: str) -> Found | None:
        flat = self._flat(node)
        if flat is None:
            return None
        types = flat.keywords.get("types") or ()
        if _SCALARS & set(types):
            return Found(at, types) if _agree(types, wanted.types) else None
        return self._in_object(flat, wanted, at, 1)


def _are_ids(name: str, wanted: Wanted) -> bool:
    """Whether a list of that name holds ids of the thing."""
    one = singular(name)
    return one == wanted.thing or one in wanted.names or name in _WRAPPERS or name in _LISTS


def _wrapped(properties: Mapping[str, Any], thing: str) -> Iterator[tuple[str, Any]]:
    """What may hold the thing itself: something with its name, a wrapper, or the only thing there is."""
    for name, node in properties.items():
        own = squeezed(name)
        if own in _WRAPPERS or singular(own) == thing or len(properties) == 1:
            yield name, node


def _listed(properties: Mapping[str, Any], thing: str) -> Iterator[tuple[str, Any, bool]]:
    """What may hold the things, most likely first; and whether they may be deeper inside."""
    own = [name for name in properties if singular(squeezed(name)) == thing]
    usual = [name for wrapper in (*_LISTS, *_WRAPPERS) for name in properties if squeezed(name) == wrapper]
    likely = dict.fromkeys([*own, *usual])
    for name in likely:
        yield name, properties[name], True
    for name in properties:
        if name not in likely and squeezed(name) not in _BESIDE:
            yield name, properties[name], False


def _agree(types: Sequence[str], wanted: Sequence[str]) -> bool:
    """A text may not stand for a number; a number may be written as a text."""
    if not types or not wanted or "string" in wanted:
        return True
    return bool({"integer", "number"} & set(types))


def _step(name: str) -> str:
    if _PLAIN.fullmatch(name):
        return f".{name}"
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{escaped}']"
