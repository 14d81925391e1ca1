"""Whether a value is what a schema asks for, in a request. The first thing wrong is told.

What a request may not have (`readOnly`) need not be there. Formats count when they can be told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from devperfops_operator.scenario.errors import Unusable
from devperfops_operator.scenario.patterns import found_in
from devperfops_operator.scenario.schema import formats
from devperfops_operator.scenario.schema.normal import Schema, Schemas
from devperfops_operator.scenario.schema.numbers import is_multiple, is_number, within

_DEEPEST: Final = 60
_SHOWN: Final = 40
_KINDS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: is_number(value) and value == int(value),
    "number": is_number,
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


class Checker:
    """By the schemas of one document; `formats`: whether they count, which they do not for all validators."""

    def __init__(self, schemas: Schemas, *, formats: bool = True) -> None:
        self._schemas = schemas
        self._formats = formats

    def problem(self, node: Any, value: Any, depth: int = 0) -> str | None:
        """The first thing wrong with the value, or None."""
        return next(self._problems(node, value, depth), None)

    def fits(self, node: Any, value: Any, depth: int = 0) -> bool:
        return self.problem(node, value, depth) is None

    def _problems(self, node: Any, value: Any, depth: int) -> Iterator[str]:
        if depth > _DEEPEST:
            yield "it is nested too deeply to be checked"
            return
        try:
            schema = self._schemas.normal(node)
        except Unusable as trouble:
            yield str(trouble)
            return
        if schema["types"] and not any(is_a(name, value) for name in schema["types"]):
            yield f"{_shown(value)} is not of type {' or '.join(schema['types'])}"
            return
        if "enum" in schema and not any(same(value, each) for each in several(schema["enum"])):
            yield f"{_shown(value)} is none of the values listed"
        yield from self._by_type(schema, value, depth)
        yield from self._combined(schema, value, depth)

    def _by_type(self, schema: Schema, value: Any, depth: int) -> Iterator[str]:
        match value:
            case bool() | None:
                return
            case int() | float():
                yield from _number_problems(schema, value)
            case str():
                yield from _text_problems(schema, value)
                if self._formats:
                    yield from _format_problems(schema, value)
            case list():
                yield from self._list_problems(schema, value, depth)
            case dict():
                yield from self._object_problems(schema, value, depth)

    def _list_problems(self, schema: Schema, value: list[Any], depth: int) -> Iterator[str]:
        yield from _count_problems(schema, len(value), "Items")
        if schema.get("uniqueItems") is True and any(
            same(one, other) for at, one in enumerate(value) for other in value[:at]
        ):
            yield "two items are equal"
        first = schema.get("prefixItems")
        prefix = first if isinstance(first, list) else []
        for inner, item in zip(prefix, value, strict=False):
            yield from self._problems(inner, item, depth + 1)
        if "items" in schema:
            for item in value[len(prefix) :]:
                yield from self._problems(schema["items"], item, depth + 1)
        if "contains" in schema and not any(self.fits(schema["contains"], item, depth + 1) for item in value):
            yield "no item is what the list must contain"

    def _object_problems(self, schema: Schema, value: dict[str, Any], depth: int) -> Iterator[str]:
        yield from _count_problems(schema, len(value), "Properties")
        properties = mapping(schema.get("properties"))
        for name in names(schema.get("required")):
            if name not in value and not self.read_only(properties.get(name)):
                yield f"{name} is missing"
        for name, inner in value.items():
            for each in self._schemas_of(schema, name):
                for problem in self._problems(each, inner, depth + 1):
                    yield f"{name}: {problem}"
        yield from self._name_problems(schema, value, depth)

    def _schemas_of(self, schema: Schema, name: str) -> list[Any]:
        """All that hold for one property."""
        properties = mapping(schema.get("properties"))
        patterns = mapping(schema.get("patternProperties"))
        known = [properties[name]] if name in properties else []
        known += [each for pattern, each in patterns.items() if _found(pattern, name)]
        if not known and "additionalProperties" in schema:
            known = [schema["additionalProperties"]]
        return known

    def _name_problems(self, schema: Schema, value: dict[str, Any], depth: int) -> Iterator[str]:
        if "propertyNames" in schema:
            for name in value:
                yield from self._problems(schema["propertyNames"], name, depth + 1)
        for name, needed in mapping(schema.get("dependentRequired")).items():
            if name in value:
                yield from (f"{each} is missing beside {name}" for each in names(needed) if each not in value)

    def read_only(self, node: Any) -> bool:
        """Whether a property belongs to answers only."""
        try:
            return node is not None and self._schemas.normal(node).get("readOnly") is True
        except Unusable:
            return False

    def _combined(self, schema: Schema, value: Any, depth: int) -> Iterator[str]:
        for inner in several(schema.get("allOf")):
            yield from self._problems(inner, value, depth + 1)
        some = several(schema.get("anyOf"))
        if some and not any(self.fits(inner, value, depth + 1) for inner in some):
            yield "it fits none of anyOf"
        one = several(schema.get("oneOf"))
        if one:
            fitting = sum(self.fits(inner, value, depth + 1) for inner in one)
            if fitting != 1:
                yield f"it fits {fitting} of oneOf, not one"
        if "not" in schema and self.fits(schema["not"], value, depth + 1):
            yield "it is what it must not be"
        if "if" in schema:
            chosen = "then" if self.fits(schema["if"], value, depth + 1) else "else"
            if chosen in schema:
                yield from self._problems(schema[chosen], value, depth + 1)


def is_a(name: str, value: Any) -> bool:
    """Whether a JSON value is of a type of JSON Schema."""
    return _KINDS[name](value)


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    return bool(one == other)


def mapping(node: Any) -> Mapping[str, Any]:
    return node if isinstance(node, Mapping) else {}


def several(node: Any) -> list[Any]:
    return node if isinstance(node, list) else []


def names(node: Any) -> list[str]:
    """Of `required`, in any document's form; `required: true` at a property is a relic and says nothing."""
    return [each for each in several(node) if isinstance(each, str)]


def _number_problems(schema: Schema, value: float) -> Iterator[str]:
    whole = "integer" in schema["types"]
    if not (is_number(value) and within(value, schema, whole=whole)):
        yield f"{value} is outside the limits"
    elif not is_multiple(value, schema):
        yield f"{value} is no multiple of {schema['multipleOf']}"


def _text_problems(schema: Schema, value: str) -> Iterator[str]:
    yield from _count_problems(schema, len(value), "Length")
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and not _found(pattern, value):
        yield f"{_shown(value)} does not match the pattern"


def _format_problems(schema: Schema, value: str) -> Iterator[str]:
    name = schema.get("format")
    if isinstance(name, str) and not formats.holds(name, value):
        yield f"{_shown(value)} is no {name}"


def _count_problems(schema: Schema, count: int, of: str) -> Iterator[str]:
    least, most = schema.get(f"min{of}"), schema.get(f"max{of}")
    if is_number(least) and count < least:
        yield f"it has {count} of at least {least} {of.lower()}"
    if is_number(most) and count > most:
        yield f"it has {count} of at most {most} {of.lower()}"


def _found(pattern: str, text: str) -> bool:
    try:
        return found_in(pattern, text)
    except Unusable:
        return False


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
