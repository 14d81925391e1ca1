"""OpenAPI 3 as Swagger 2.0: as much of it as Taurus reads, so that it can be measured at all.

The corpus has no document of Swagger 2.0. Taurus looks at no schema but the type of a parameter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from benchmarks.peers.pointers import resolved

_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch")
_TYPES: Final = frozenset({"string", "number", "integer", "boolean", "array"})
_PLACES: Final = frozenset({"path", "query", "header"})


def as_swagger(root: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same document where it is Swagger already."""
    if "swagger" in root:
        return root
    address = urlsplit(next((str(each.get("url", "")) for each in root.get("servers", [])), ""))
    return {
        "swagger": "2.0",
        "info": root.get("info", {}),
        "schemes": [address.scheme or "http"],
        "host": address.netloc or "localhost",
        "basePath": address.path.rstrip("/"),
        "paths": {path: _item(root, resolved(root, item)) for path, item in root.get("paths", {}).items()},
    }


def _item(root: Mapping[str, Any], item: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"parameters": list(_parameters(root, item))}
    for method in _METHODS:
        if method in item:
            operation = item[method]
            made[method] = {
                "parameters": [*_parameters(root, operation), *_body(root, operation)],
                "responses": {"default": {"description": "any"}},
            }
            if "operationId" in operation:
                made[method]["operationId"] = operation["operationId"]
    return made


def _parameters(root: Mapping[str, Any], of: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for each in of.get("parameters", []):
        parameter = resolved(root, each)
        if parameter.get("in") in _PLACES:
            yield _typed(root, parameter["name"], parameter["in"], parameter.get("schema"), parameter)


def _typed(
    root: Mapping[str, Any], name: str, place: str, schema: Any, of: Mapping[str, Any]
) -> dict[str, Any]:
    kind = resolved(root, schema).get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    required = of.get("required") is True
    return {"name": name, "in": place, "required": required, "type": kind if kind in _TYPES else "string"}


def _body(root: Mapping[str, Any], operation: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A form's fields where a form is all that is offered."""
    body = resolved(root, operation.get("requestBody"))
    content = body.get("content", {})
    forms = [each for kind, each in content.items() if "form" in kind]
    if not forms or len(forms) < len(content):
        if content:
            yield {"name": "body", "in": "body", "required": body.get("required") is True, "schema": {}}
        return
    schema = resolved(root, forms[0].get("schema"))
    for name, node in schema.get("properties", {}).items():
        yield _typed(root, name, "formData", node, {"required": name in schema.get("required", [])})
