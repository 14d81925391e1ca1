"""Which body an operation takes, of those that it offers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from devperfops_operator.scenario.document import Dialect, Document
from devperfops_operator.scenario.errors import Unusable
from devperfops_operator.scenario.model import Body

FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"
_JSON: Final = "application/json"


def is_json(media_type: str) -> bool:
    base = _base(media_type)
    return base == _JSON or base.endswith("+json") or base == "text/json"


def is_form(media_type: str) -> bool:
    return _base(media_type) == FORM


def is_multipart(media_type: str) -> bool:
    return _base(media_type).startswith("multipart/")


def is_xml(media_type: str) -> bool:
    base = _base(media_type)
    return base.endswith(("/xml", "+xml"))


def is_text(media_type: str) -> bool:
    base = _base(media_type)
    return base.startswith("text/") or base == "application/octet-stream"


def read(document: Document, node: Mapping[str, Any], parameters: Sequence[Mapping[str, Any]]) -> Body | None:
    """The body of an operation. `parameters`: all of them; in Swagger 2.0 the body is among them."""
    if document.dialect is Dialect.SWAGGER_2:
        return _of_swagger(document, node, parameters)
    return _of_openapi(document, document.mapping(node.get("requestBody")))


def examples(document: Document, node: Mapping[str, Any]) -> list[Any]:
    """Those beside a schema: `example`, and the values of named `examples`."""
    found = [node["example"]] if "example" in node else []
    named = node.get("examples")
    for each in named.values() if isinstance(named, Mapping) else []:
        try:
            example = document.mapping(each)
        except Unusable:
            continue
        found += [example["value"]] if "value" in example else []
    return found


def _base(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()


def _of_openapi(document: Document, body: Mapping[str, Any]) -> Body | None:
    content = document.mapping(body.get("content"))
    if not content:
        return None
    media_type = _preferred(list(content))
    inner = document.mapping(content[media_type])
    return Body(
        media_type=_JSON if media_type == "*/*" else media_type,
        schema=inner.get("schema", True),
        examples=examples(document, inner),
    )


def _preferred(offered: Sequence[str]) -> str:
    for takes in (is_json, lambda each: each == "*/*", is_form, is_multipart, is_xml, is_text):
        found = next(filter(takes, offered), None)
        if found is not None:
            return found
    return offered[0]


def _of_swagger(
    document: Document, node: Mapping[str, Any], parameters: Sequence[Mapping[str, Any]]
) -> Body | None:
    consumes = node.get("consumes", document.root.get("consumes"))
    offered = [str(each) for each in consumes] if isinstance(consumes, list) else []
    fields = [each for each in parameters if each.get("in") == "formData"]
    if fields:
        files = any(each.get("type") == "file" for each in fields)
        forms = [each for each in offered if is_multipart(each) or (is_form(each) and not files)]
        return Body(forms[0] if forms else MULTIPART if files else FORM, dict(_form(fields)))
    whole = next((each for each in parameters if each.get("in") == "body"), None)
    if whole is None:
        return None
    media_type = _preferred(offered) if offered else _JSON
    return Body(
        media_type=_JSON if media_type == "*/*" else media_type,
        schema=whole.get("schema", True),
    )


def _form(fields: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    """A form's fields as the object schema they are."""
    yield "type", "object"
    yield (
        "properties",
        {
            str(each.get("name")): {
                key: value for key, value in each.items() if key not in {"name", "in", "required"}
            }
            for each in fields
        },
    )
    yield "required", [str(each.get("name")) for each in fields if each.get("required") is True]
