"""Where ids come from: which operation of the document brings the thing that a path speaks of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from devperfops_operator.scenario.model import Operation, Response
from devperfops_operator.scenario.naming import (
    GENERIC,
    collection_of,
    id_names,
    is_reference,
    item_key,
    items,
    kind,
    noun,
    own_names,
    place,
    squeezed,
    stem,
    template_key,
)
from devperfops_operator.scenario.plan import LOCATION
from devperfops_operator.scenario.schema.check import mapping
from devperfops_operator.scenario.shapes import Found, Shapes, Wanted

_MAKING: Final = ("", "/create", "/add", "/new", "/register")
_RESPONSE: Final = "$response.body#"
_MOST_NAMESAKES: Final = 12


class How(StrEnum):
    """How a step knows an id."""

    LINK = "a link of the document"
    CREATED = "created"
    SENT = "created under a name of ours"
    PUT = "put under a name of ours"
    LISTED = "listed"
    NAMED = "shown"

    @property
    def is_ours(self) -> bool:
        """Whether the plan made the thing itself, so that it may change and remove it."""
        return self in {How.CREATED, How.SENT, How.PUT}


@dataclass(frozen=True)
class Source:
    """`at`: a JSON path or LOCATION in the answer of `by`; for SENT the property of its body.

    `name`: what the path that speaks of the thing calls its id.
    """

    key: str
    name: str
    by: Operation
    how: How
    at: str = ""

    @property
    def ours(self) -> bool:
        return self.how.is_ours or (self.how is How.LINK and self.by.method == "POST")


class Dependencies:
    """Among the operations that can be played at all."""

    def __init__(self, operations: Sequence[Operation], shapes: Shapes, bodies: Mapping[str, Any]) -> None:
        """`bodies`: what each operation sends, by its key."""
        self._shapes = shapes
        self._bodies = bodies
        self._at = {(each.method, template_key(each.path)): each for each in operations}
        self._by_id = {each.operation_id: each for each in operations if each.operation_id}
        self._collections = _collections(operations)
        self._called = {key for each in operations for _, key in items(each.path)}
        self._links = self._linked(operations)
        self._shown = self._by_names(operations)

    def candidates(self, name: str, key: str, types: Sequence[str]) -> Iterator[Source]:
        """Who may bring the thing `key` whose id a path calls `name`, best first."""
        yield from self._links.get((key, name), [])
        collection = collection_of(key)
        yield from self._made(name, key, collection, types)
        put = self._at.get(("PUT", place(key)))
        if put is not None and "integer" not in types and _creates(put):
            *_, (_, own) = items(put.path)
            yield Source(own, name, put, How.PUT)
        yield from self._in_list(name, key, collection, types)
        for thing in dict.fromkeys((stem(name), noun(collection))):
            for other in self._collections.get(thing, [])[:_MOST_NAMESAKES]:
                if other != collection:
                    yield from self._made(name, key, other, types)
                    yield from self._in_list(name, key, other, types)
        yield from (
            Source(key, name, by, How.NAMED, found.path) for by, found in self._shown.get(squeezed(name), [])
        )

    def thing_of(self, name: str) -> Iterator[str]:
        """The keys of things that a property such as `customerId` may speak of.

        One such as `projectName` speaks of a project where that is what paths call it.
        """
        for collection in self._collections.get(stem(name), [])[:_MOST_NAMESAKES]:
            key = item_key(collection, name)
            if is_reference(name) or (kind(name) and key in self._called):
                yield key

    def is_collection(self, operation: Operation) -> bool:
        """Whether things can be looked at below it: `/orders`, with `/orders/{orderId}`."""
        key = f"{template_key(operation.path)}/{{}}"
        return any((method, key) in self._at for method in ("GET", "PUT", "PATCH", "DELETE"))

    def _made(self, name: str, key: str, collection: str, types: Sequence[str]) -> Iterator[Source]:
        wanted = Wanted(id_names(name, noun(collection)), noun(collection), types)
        for ending in _MAKING:
            by = self._at.get(("POST", collection + ending))
            if by is not None:
                for response in by.successes:
                    yield from self._answered(name, key, by, response, wanted)
                yield from self._sent(name, key, by, types)

    def _answered(
        self, name: str, key: str, by: Operation, response: Response, wanted: Wanted
    ) -> Iterator[Source]:
        found = self._shapes.of_made(response.schema, wanted)
        if found is not None:
            yield Source(key, name, by, How.CREATED, found.path)
        if any(header.lower() == "location" for header in response.headers):
            yield Source(key, name, by, How.CREATED, LOCATION)

    def _sent(self, name: str, key: str, by: Operation, types: Sequence[str]) -> Iterator[Source]:
        """A property of the body that the thing will be called by."""
        wanted = Wanted(own_names(name, noun(collection_of(key))), "", types)
        found = self._shapes.of_thing(by.body.schema, wanted) if by.body is not None else None
        body = self._bodies.get(by.key)
        if found is not None and isinstance(body, dict) and found.path[2:] in body:
            yield Source(key, name, by, How.SENT, found.path[2:])

    def _in_list(self, name: str, key: str, collection: str, types: Sequence[str]) -> Iterator[Source]:
        wanted = Wanted(id_names(name, noun(collection)), noun(collection), types)
        by = self._at.get(("GET", collection))
        if by is not None:
            for response in by.successes:
                found = self._shapes.in_list(response.schema, wanted)
                if found is not None:
                    yield Source(key, name, by, How.LISTED, found.path)

    def _linked(self, operations: Sequence[Operation]) -> dict[tuple[str, str], list[Source]]:
        found: dict[tuple[str, str], list[Source]] = defaultdict(list)
        for by in operations:
            for response in by.successes:
                for to, name, at in self._of_links(response):
                    key = dict(items(to.path)).get(name)
                    if key is not None:
                        found[key, name].append(Source(key, name, by, How.LINK, at))
        return found

    def _of_links(self, response: Response) -> Iterator[tuple[Operation, str, str]]:
        for link in response.links:
            to = self._by_id.get(link.to) or self._by_reference(link.to)
            for name, expression in link.parameters.items():
                if to is not None and expression.startswith(f"{_RESPONSE}/"):
                    yield to, name.removeprefix("path."), _json_path(expression[len(_RESPONSE) :])

    def _by_reference(self, reference: str) -> Operation | None:
        """`#/paths/~1orders~1{orderId}/get`."""
        path, _, method = reference.removeprefix("#/paths/").rpartition("/")
        return self._at.get((method.upper(), template_key(path.replace("~1", "/").replace("~0", "~"))))

    def _by_names(self, operations: Sequence[Operation]) -> dict[str, list[tuple[Operation, Found]]]:
        """Names that say what they are of (`orderId`), where lists and things show them."""
        wanted = {squeezed(name) for each in operations for name, _ in items(each.path)} - GENERIC
        shown: dict[str, list[tuple[Operation, Found]]] = defaultdict(list)
        for by in operations:
            if by.method != "GET" or "{" in by.path:
                continue
            for response in by.successes:
                for name, found in self._shapes.shown(response.schema):
                    if name in wanted:
                        shown[name].append((by, found))
        return shown


def _collections(operations: Sequence[Operation]) -> dict[str, list[str]]:
    """Paths at which things are made or listed, by what they hold."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for each in operations:
        if each.method in {"GET", "POST"} and not each.path.endswith("}"):
            collection = template_key(each.path)
            if noun(collection):
                found[noun(collection)][collection] = None
    return {thing: list(paths) for thing, paths in found.items()}


def _creates(put: Operation) -> bool:
    said = put.operation_id.lower()
    return any(each.code == "201" for each in put.successes) or "create" in said


def _json_path(pointer: str) -> str:
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    return "$" + "".join(f"[{step}]" if step.isdecimal() else f"['{step}']" for step in steps)


def types_of(schema: Any) -> Sequence[str]:
    """What a parameter's value may be, as far as its own schema says."""
    given = mapping(schema).get("type")
    return [given] if isinstance(given, str) else []
