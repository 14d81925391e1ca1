"""Values for schemas, from a seed.

An author's own examples, defaults and lists come first, where they fit the schema. Of an object's optional
properties only those with a value by the author are made, unless nothing at all is said to be required.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from devperfops_operator.scenario.dice import Dice
from devperfops_operator.scenario.document import Document
from devperfops_operator.scenario.errors import Unusable
from devperfops_operator.scenario.schema.check import Checker, is_a, mapping, names, same, several
from devperfops_operator.scenario.schema.merge import Choice, Flat, Merger
from devperfops_operator.scenario.schema.normal import Schemas, meant
from devperfops_operator.scenario.schema.numbers import is_number, number
from devperfops_operator.scenario.schema.texts import text

_DEEPEST: Final = 20
_OPTIONAL_TO: Final = 3
"""Objects in each other, beyond which only what is required is made."""
_MOST_VALUES: Final = 3_000
_OPTIONAL_VALUES: Final = 300
_MOST_ITEMS: Final = 500
_TRIES: Final = 6
_MOST_OPTIONS: Final = 40
_LATE: Final = ("not", "if", "contains", "dependentRequired", "dependentSchemas", "propertyNames")
"""Keywords that are not aimed at: another try is made when the value does not fit them."""


class Maker:
    """Makes values for the schemas of one document."""

    def __init__(self, document: Document) -> None:
        schemas = Schemas(document)
        self.merger = Merger(schemas)
        self.checker = Checker(schemas)
        self._without_formats = Checker(schemas, formats=False)
        self._made = 0

    def value(self, node: Any, dice: Dice, given: Sequence[Any] = (), name: str = "") -> Any:
        """One of `given` that fits, else a value made for the schema; `name` is what it is the value of.

        Raises:
            Unusable: why there is none.
        """
        self._made = 0
        for example in given:
            written = self._writable(node, example)
            if self.checker.fits(node, written):
                return written
        made = self._value(node, name, dice, 0)
        problem = self.checker.problem(node, made)
        if problem is not None:
            raise Unusable(problem)
        return made

    def _writable(self, node: Any, example: Any) -> Any:
        """An author's object without what only answers have."""
        if not isinstance(example, dict):
            return example
        try:
            properties = mapping(self.merger.flat(node).keywords.get("properties"))
        except Unusable:
            return example
        return {
            key: value for key, value in example.items() if not self.checker.read_only(properties.get(key))
        }

    def _value(self, node: Any, name: str, dice: Dice, depth: int) -> Any:
        self._made += 1
        if depth > _DEEPEST:
            raise Unusable("it contains itself without end")
        if self._made > _MOST_VALUES:
            raise Unusable(f"it is made of more than {_MOST_VALUES} values")
        flat = self.merger.flat(node)
        for example in _authors(flat, dice):
            written = self._writable(node, example)
            if self.checker.fits(node, written):
                return written
        if "enum" in flat.keywords and not flat.choices:
            raise Unusable("none of the values listed fits the rest of the schema")
        if not any(keyword in flat.keywords for keyword in _LATE):
            return self._chosen(node, flat, name, dice, depth)
        for attempt in range(_TRIES):
            made = self._chosen(node, flat, name, dice.child(attempt) if attempt else dice, depth)
            problem = self.checker.problem(node, made)
            if problem is None:
                return made
        raise Unusable(problem or "")

    def _chosen(self, node: Any, flat: Flat, name: str, dice: Dice, depth: int) -> Any:
        """With one option of each choice (`oneOf`, `anyOf`)."""
        if not flat.choices:
            return self._typed(flat, name, dice, depth)
        choice, rest = flat.choices[0], replace(flat, choices=flat.choices[1:])
        reason = "it has no option"
        doubtful: list[Any] = []
        for option in self._by_liking(choice):
            try:
                with_option = self.merger.with_option(rest, option)
                made = self._chosen(node, _told(with_option, choice, option), name, dice, depth)
            except Unusable as trouble:
                reason = str(trouble)
                continue
            problem = None if rest.choices else self.checker.problem(node, made)
            if problem is not None:
                reason = problem
            elif choice.only_one and self._told_by_format(choice, made):
                doubtful.append(made)
            else:
                return made
        if doubtful:
            return doubtful[0]
        raise Unusable(reason)

    def _told_by_format(self, choice: Choice, made: Any) -> bool:
        """Whether a server that does not look at formats sees more than one option in it."""
        return sum(self._without_formats.fits(option, made) for option in choice.options) > 1

    def _by_liking(self, choice: Choice) -> list[Any]:
        """Nothing (`null`) last."""
        options = choice.options[:_MOST_OPTIONS]
        return sorted(options, key=lambda option: mapping(option).get("type") == "null")

    def _typed(self, flat: Flat, name: str, dice: Dice, depth: int) -> Any:
        if "enum" in flat.keywords:
            return self._listed(flat, dice)
        types = flat.keywords.get("types") or (
            meant(flat.keywords) or ("string" if flat.patterns else "any"),
        )
        reason: Unusable | None = None
        for kind in sorted(types, key=lambda each: each == "null"):
            try:
                return self._of_type(kind, flat, name, dice, depth)
            except Unusable as trouble:
                reason = reason or trouble
        raise reason or Unusable("it has no type")

    def _listed(self, flat: Flat, dice: Dice) -> Any:
        types = flat.keywords.get("types", ())
        listed = several(flat.keywords["enum"])
        fitting = [each for each in listed if not types or any(is_a(kind, each) for kind in types)]
        if not fitting:
            raise Unusable("none of the values listed is of the type")
        return dice.choice(fitting)

    def _of_type(self, kind: str, flat: Flat, name: str, dice: Dice, depth: int) -> Any:
        match kind:
            case "object":
                return self._object(flat, dice, depth)
            case "array":
                return self._list(flat, name, dice, depth)
            case "integer" | "number":
                return number(flat.keywords, dice, whole=kind == "integer")
            case "boolean":
                return bool(dice.integer(0, 1))
            case "null":
                return None
            case _:
                return text(flat, name, dice)

    def _list(self, flat: Flat, name: str, dice: Dice, depth: int) -> list[Any]:
        least, most = _counts(flat, "Items")
        if least > _MOST_ITEMS:
            raise Unusable(f"a list of at least {least} items is too much")
        prefix = several(flat.keywords.get("prefixItems"))[:most]
        made = [self._value(inner, name, dice.child(at), depth + 1) for at, inner in enumerate(prefix)]
        items = flat.keywords.get("items", flat.keywords.get("contains", True))
        wanted = max(least, min(1, most) if depth < _OPTIONAL_TO else 0)
        attempt = len(made)
        unique = flat.keywords.get("uniqueItems") is True
        while len(made) < wanted:
            try:
                item = self._value(items, name, dice.child(attempt), depth + 1)
            except Unusable:
                if len(made) >= least:
                    break
                raise
            attempt += 1
            if not (unique and any(same(item, each) for each in made)):
                made.append(item)
            elif attempt > _TRIES * (wanted + 2):
                return self._distinct(items, made, least)
        return made

    def _distinct(self, items: Any, made: list[Any], least: int) -> list[Any]:
        """What is listed, one after the other, when chance does not bring enough different items."""
        listed = several(self.merger.flat(items).keywords.get("enum"))
        for value in [*listed, False, True]:
            if len(made) < least and self.checker.fits(items, value):
                made += [] if any(same(value, each) for each in made) else [value]
        if len(made) < least:
            raise Unusable(f"{least} different items were not found")
        return made

    def _object(self, flat: Flat, dice: Dice, depth: int) -> dict[str, Any]:
        properties = mapping(flat.keywords.get("properties"))
        required = names(flat.keywords.get("required"))
        least, most = _counts(flat, "Properties")
        made: dict[str, Any] = {}
        for name in required:
            if not self.checker.read_only(properties.get(name)):
                inner = properties[name] if name in properties else self._additional(flat, name)
                made[name] = self._named(inner, name, dice, depth)
        for name in self._optional(properties, required, depth):
            if len(made) < most and self._made < _OPTIONAL_VALUES:
                self._try(made, properties[name], name, dice, depth)
        for name in properties:
            if len(made) < least and name not in made and not self.checker.read_only(properties[name]):
                self._try(made, properties[name], name, dice, depth)
        for count in range(1, least - len(made) + 1):
            name = f"property{count}"
            made[name] = self._named(self._additional(flat, name), name, dice, depth)
        return {name: made[name] for name in [*properties, *made] if name in made}

    def _named(self, node: Any, name: str, dice: Dice, depth: int) -> Any:
        try:
            return self._value(node, name, dice.child(name), depth + 1)
        except Unusable as trouble:
            raise Unusable(f"{name}: {trouble}") from None

    def _try(self, made: dict[str, Any], node: Any, name: str, dice: Dice, depth: int) -> None:
        """It is optional: what cannot be made, or may be refused, is left out."""
        try:
            value = self._value(node, name, dice.child(name), depth + 1)
        except Unusable:
            return
        if self._without_formats.fits(node, value):
            made[name] = value

    def _optional(self, properties: Any, required: list[str], depth: int) -> Iterator[str]:
        if depth >= _OPTIONAL_TO:
            return
        for name, node in properties.items():
            if name in required or self.checker.read_only(node):
                continue
            try:
                flat = self.merger.flat(node)
            except Unusable:
                continue
            if self._is_sent(flat, required):
                yield name

    def _is_sent(self, flat: Flat, required: list[str]) -> bool:
        return not required or _has_example(flat)

    def _additional(self, flat: Flat, name: str) -> Any:
        patterns = mapping(flat.keywords.get("patternProperties"))
        fitting = [
            node for pattern, node in patterns.items() if self.checker.fits({"pattern": pattern}, name)
        ]
        found = fitting[0] if fitting else flat.keywords.get("additionalProperties", True)
        if found is False:
            raise Unusable(f"{name} is needed, and not among the properties allowed")
        return found


class SparingMaker(Maker):
    """For documents that say what is required: what is not is left out, wherever that is possible."""

    def _is_sent(self, flat: Flat, required: list[str]) -> bool:  # noqa: ARG002  as in Maker
        return _has_example(flat)


def _has_example(flat: Flat) -> bool:
    return any(each is not None for each in flat.keywords["examples"])


def _authors(flat: Flat, dice: Dice) -> Iterator[Any]:
    """Examples, then what is listed, from anywhere in the list on."""
    yield from (each for each in flat.keywords["examples"] if each is not None)
    listed = [each for each in several(flat.keywords.get("enum")) if each is not None]
    if listed:
        begin = dice.integer(0, len(listed) - 1)
        yield from listed[begin:] + listed[:begin]
    yield from several(flat.keywords.get("enum"))


def _counts(flat: Flat, of: str) -> tuple[int, int]:
    least, most = flat.keywords.get(f"min{of}"), flat.keywords.get(f"max{of}")
    return int(least) if is_number(least) else 0, int(most) if is_number(most) else 1 << 30


def _told(flat: Flat, choice: Choice, option: Any) -> Flat:
    """With the property that says which option it is."""
    reference = mapping(option).get("$ref")
    if choice.told_by is None or not isinstance(reference, str):
        return flat
    own = reference.rsplit("/", 1)[-1]
    value = next((name for name, to in choice.mapped.items() if to in {reference, own}), own)
    properties = dict(mapping(flat.keywords.get("properties")))
    node = {"enum": [value]}
    properties[choice.told_by] = (
        {"allOf": [properties[choice.told_by], node]} if choice.told_by in properties else node
    )
    required = [*names(flat.keywords.get("required")), choice.told_by]
    keywords = {**flat.keywords, "properties": properties, "required": list(dict.fromkeys(required))}
    return replace(flat, keywords=keywords)
