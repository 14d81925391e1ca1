"""The three dialects as one: every schema object as JSON Schema 2020-12 has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from devperfops_operator.scenario.document import Dialect, Document
from devperfops_operator.scenario.errors import Unusable

Schema = Mapping[str, Any]

_MEANT: Final = (
    ("object", ("properties", "additionalProperties", "required", "minProperties", "maxProperties")),
    ("array", ("items", "prefixItems", "minItems", "maxItems", "uniqueItems")),
    ("string", ("pattern", "minLength", "maxLength")),
    ("number", ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")),
)
_TYPES: Final = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})
_ANYTHING: Final[Schema] = {"types": (), "examples": []}
_LONGEST_CHAIN: Final = 32


class Schemas:
    """The schemas of one document, read once each."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._known: dict[int, tuple[Any, Schema]] = {}  # with the node, so that its id stays its own

    def normal(self, node: Any) -> Schema:
        """The schema without `$ref`, with `types`, and `examples` for all that are given.

        Raises:
            Unusable: it is no schema, allows nothing, or refers to nowhere.
        """
        known = self._known.get(id(node))
        if known is None:
            known = node, self._read(node)
            self._known[id(node)] = known
        return known[1]

    def _read(self, node: Any) -> Schema:
        if node is True or node is None:
            return _ANYTHING
        if node is False:
            raise Unusable("nothing is allowed here")
        if not isinstance(node, Mapping):
            raise Unusable(f"a schema is an object, not {str(node)[:40]!r}")
        return _normal(self._without_ref(node), self._document.dialect)

    def _without_ref(self, node: Schema) -> Schema:
        beside: dict[str, Any] = {}
        for _ in range(_LONGEST_CHAIN):
            reference = node.get("$ref")
            if not isinstance(reference, str):
                return {"allOf": [node, beside]} if beside else node
            if self._document.dialect is Dialect.OPENAPI_3_1:
                beside |= {key: value for key, value in node.items() if key not in {"$ref", "description"}}
            node = self._document.at(reference)
            if not isinstance(node, Mapping):
                return self._read(node)
        raise Unusable("a schema refers to itself")


def _normal(schema: Schema, dialect: Dialect) -> Schema:
    made = dict(schema)
    _exclusive(made, "minimum", "exclusiveMinimum")
    _exclusive(made, "maximum", "exclusiveMaximum")
    if not isinstance(made.get("format"), str):
        made.pop("format", None)
    if made.get("type") == "file":
        made |= {"type": "string", "format": "binary"}
    if "const" in made:
        made["enum"] = [made.pop("const")]
    made["types"] = _types(made, dialect)
    made["examples"] = _examples(made)
    return made


def _exclusive(made: dict[str, Any], limit: str, exclusive: str) -> None:
    """`exclusiveMinimum: true` of the older dialects says that `minimum` itself is not allowed."""
    if made.get(exclusive) is True and limit in made:
        made[exclusive] = made.pop(limit)
    elif isinstance(made.get(exclusive), bool):
        made.pop(exclusive)


def _types(made: Schema, dialect: Dialect) -> tuple[str, ...]:
    """Which types are allowed; empty: any."""
    given = made.get("type")
    listed = given if isinstance(given, list) else [given] if given is not None else []
    types = [each for each in listed if isinstance(each, str) and each in _TYPES]
    if types and _nullable(made, dialect) and "null" not in types:
        types.append("null")
    return tuple(types)


def _nullable(made: Schema, dialect: Dialect) -> bool:
    if dialect is Dialect.OPENAPI_3_1:
        return False
    return made.get("nullable") is True or made.get("x-nullable") is True


def meant(schema: Schema) -> str | None:
    """The type that a schema without one speaks about."""
    for name, keywords in _MEANT:
        if any(keyword in schema for keyword in keywords):
            return name
    return None


def _examples(made: Schema) -> list[Any]:
    """What its author would send, best first."""
    given = made.get("examples")
    listed = list(given) if isinstance(given, list) else []
    if "example" in made:
        listed.insert(0, made["example"])
    if "default" in made:
        listed.append(made["default"])
    return listed
