"""Whether what a scenario sends is what the document asks for, told by jsonschema and by none of our code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from jsonschema import Draft4Validator, Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from referencing import Registry
from referencing.jsonschema import DRAFT4, DRAFT202012

_HERE: Final = "urn:document"


class Judge:
    """Of one document, given as it was parsed. `refused` tells what is wrong with a value, or None."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = dict(root)
        modern = str(root.get("openapi", "")).startswith("3.1")
        self._kind = _MODERN if modern else _OLDER
        self._dialect = DRAFT202012 if modern else DRAFT4

    def refused(self, schema: Any, value: Any) -> str | None:
        subject = {**self._root, "x-subject": schema}
        registry: Registry[Any] = Registry().with_resource(_HERE, self._dialect.create_resource(subject))
        validator = self._kind({"$ref": f"{_HERE}#/x-subject"}, registry=registry)
        error = next(validator.iter_errors(value), None)
        return None if error is None else str(error.message)


def _type(
    validator: Validator, types: Any, value: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """`nullable` of OpenAPI 3.0, `x-nullable` of Swagger, and Swagger's files."""
    if value is None and (schema.get("nullable") is True or schema.get("x-nullable") is True):
        return
    yield from Draft4Validator.VALIDATORS["type"](
        validator, "string" if types == "file" else types, value, schema
    )


def _required(
    validator: Validator, required: Any, value: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """In a request nothing is required that only answers have."""
    if not isinstance(value, dict) or not isinstance(required, list):
        return
    for name in required:
        if name not in value and not _read_only(validator, schema.get("properties", {}).get(name)):
            yield ValidationError(f"{name!r} is a required property")


def _read_only(validator: Validator, schema: Any) -> bool:
    """Also through a reference: whether nothing may be sent there."""
    for _ in range(20):
        if not isinstance(schema, Mapping):
            return False
        if schema.get("readOnly") is True:
            return True
        parts = schema.get("allOf", [])
        if any(isinstance(part, Mapping) and part.get("readOnly") is True for part in parts):
            return True
        if "$ref" not in schema:
            return False
        schema = validator._resolver.lookup(schema["$ref"]).contents  # noqa: SLF001  no public way
    return False


def _pattern(validator: Validator, pattern: Any, value: Any, schema: Any) -> Iterator[ValidationError]:  # noqa: ARG001
    """Patterns of other languages than Python's cannot be judged."""
    try:
        found = not isinstance(value, str) or re.search(pattern, value)
    except (re.error, TypeError):
        return
    if not found:
        yield ValidationError(f"{value!r} does not match {pattern!r}")


_OWN: Final = {"required": _required, "pattern": _pattern}
_OLDER: Final = extend(Draft4Validator, {**_OWN, "type": _type})
_MODERN: Final = extend(Draft202012Validator, _OWN)
