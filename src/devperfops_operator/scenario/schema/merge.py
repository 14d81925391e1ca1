"""Several schemas that hold at once (`allOf`) as one; what is contradictory is said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm
from typing import Any, Final

from devperfops_operator.scenario.errors import Unusable
from devperfops_operator.scenario.schema.check import mapping, names, same, several
from devperfops_operator.scenario.schema.normal import Schema, Schemas
from devperfops_operator.scenario.schema.numbers import is_number

_DEEPEST: Final = 24
_MOST_PARTS: Final = 400


@dataclass(frozen=True)
class Choice:
    """`oneOf` or `anyOf`, with the property that tells which one it is, and its names for the options.

    `only_one`: whether a value that fits two of them is wrong.
    """

    options: tuple[Any, ...]
    only_one: bool
    told_by: str | None = None
    mapped: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Flat:
    """One schema without `allOf`. `choices` hold each for itself; `patterns` all together."""

    keywords: Mapping[str, Any]
    choices: tuple[Choice, ...] = ()
    patterns: tuple[str, ...] = ()


class Merger:
    """Of one document's schemas, each merged once."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._known: dict[int, tuple[Any, Flat]] = {}

    def flat(self, node: Any) -> Flat:
        """The schema with all its `allOf` put together.

        Raises:
            Unusable: it contradicts itself, refers to itself or to nowhere.
        """
        known = self._known.get(id(node))
        if known is None:
            known = node, self._flat(node, 0)
            self._known[id(node)] = known
        return known[1]

    def with_option(self, base: Flat, option: Any) -> Flat:
        """What holds when one option of a choice is taken beside the rest."""
        return _joined(base, self.flat(option))

    def _flat(self, node: Any, depth: int) -> Flat:
        if depth > _DEEPEST:
            raise Unusable("a schema's allOf contains itself")
        schema = self._schemas.normal(node)
        parts = several(schema.get("allOf"))
        if len(parts) > _MOST_PARTS:
            raise Unusable(f"allOf of {len(parts)} schemas is too much")
        made = _single(schema)
        for part in parts:
            made = _joined(made, self._flat(part, depth + 1))
        return made


def _single(schema: Schema) -> Flat:
    told = mapping(schema.get("discriminator"))
    told_by = told.get("propertyName")
    choices = tuple(
        Choice(
            tuple(schema[name]),
            name == "oneOf",
            told_by if isinstance(told_by, str) else None,
            {str(key): str(value) for key, value in mapping(told.get("mapping")).items()},
        )
        for name in ("oneOf", "anyOf")
        if several(schema.get(name))
    )
    pattern = schema.get("pattern")
    apart = {"allOf", "oneOf", "anyOf", "discriminator", "pattern", "type"}
    keywords = {name: value for name, value in schema.items() if name not in apart}
    return Flat(keywords, choices, (pattern,) if isinstance(pattern, str) else ())


def _joined(one: Flat, other: Flat) -> Flat:
    keywords = dict(one.keywords)
    for name, value in other.keywords.items():
        keywords[name] = _JOIN.get(name, _first)(keywords[name], value) if name in keywords else value
    return Flat(keywords, one.choices + other.choices, tuple(dict.fromkeys(one.patterns + other.patterns)))


def _first(one: Any, _: Any) -> Any:
    return one


def _types(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    if not one or not other:
        return one or other
    both = [name for name in one if name in other or (name == "integer" and "number" in other)]
    both += [name for name in other if name == "integer" and "number" in one and name not in both]
    if not both:
        raise Unusable(f"it must be {' or '.join(one)} and {' or '.join(other)} at once")
    return tuple(both)


def _values(one: Any, other: Any) -> list[Any]:
    both = [value for value in several(one) if any(same(value, each) for each in several(other))]
    if not both:
        raise Unusable("no value is in both lists that it must be in")
    return both


def _greater(one: Any, other: Any) -> Any:
    return max((each for each in (one, other) if is_number(each)), default=None)


def _less(one: Any, other: Any) -> Any:
    return min((each for each in (one, other) if is_number(each)), default=None)


def _multiple(one: Any, other: Any) -> Any:
    if not (is_number(one) and is_number(other) and one > 0 and other > 0):
        return one
    first, second = Fraction(str(one)), Fraction(str(other))
    least = Fraction(
        lcm(first.numerator * second.denominator, second.numerator * first.denominator),
        first.denominator * second.denominator,
    )
    return int(least) if least.denominator == 1 else float(least)


def _properties(one: Any, other: Any) -> dict[str, Any]:
    made = dict(mapping(one))
    for name, schema in mapping(other).items():
        made[name] = _both(made[name], schema) if name in made else schema
    return made


def _both(one: Any, other: Any) -> Any:
    if one is other or other is True:
        return one
    return other if one is True else {"allOf": [one, other]}


def _additional(one: Any, other: Any) -> Any:
    return False if one is False or other is False else _both(one, other)


_JOIN: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "types": _types,
    "enum": _values,
    "required": lambda one, other: list(dict.fromkeys([*names(one), *names(other)])),
    "properties": _properties,
    "patternProperties": _properties,
    "additionalProperties": _additional,
    "items": _both,
    "minimum": _greater,
    "exclusiveMinimum": _greater,
    "minLength": _greater,
    "minItems": _greater,
    "minProperties": _greater,
    "maximum": _less,
    "exclusiveMaximum": _less,
    "maxLength": _less,
    "maxItems": _less,
    "maxProperties": _less,
    "multipleOf": _multiple,
    "uniqueItems": lambda one, other: one is True or other is True,
    "readOnly": lambda one, other: one is True or other is True,
    "examples": lambda one, other: [*one, *other],
    "not": lambda one, other: {"anyOf": [one, other]},
}
