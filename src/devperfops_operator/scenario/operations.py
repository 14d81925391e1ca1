"""Reads the operations of a document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

from devperfops_operator.scenario import bodies, security
from devperfops_operator.scenario.document import Dialect, Document
from devperfops_operator.scenario.errors import Unusable
from devperfops_operator.scenario.model import Link, Offer, Operation, Parameter, Response, Skipped, Where

_METHODS: Final = ("get", "post", "put", "patch", "delete", "head", "options")
_EXTENSION: Final = "x-devperfops"
_GAP: Final = re.compile(r"\{([^{}]+)\}")
_STYLES: Final = {Where.PATH: "simple", Where.QUERY: "form", Where.HEADER: "simple", Where.COOKIE: "form"}
_COLLECTIONS: Final = {"ssv": "spaceDelimited", "pipes": "pipeDelimited", "tsv": "tabDelimited"}
_IGNORED_HEADERS: Final = frozenset({"accept", "content-type", "authorization"})
"""OpenAPI says that parameters of these names mean nothing."""


def read_offer(document: Document) -> Offer:
    """Every operation of the document; what cannot be read is there with its reason."""
    operations: list[Operation] = []
    unreadable: list[Skipped] = []
    for path, node in document.root["paths"].items():
        if path.startswith("/"):
            for method, item, inner in _methods(document, path, node, unreadable):
                try:
                    operations.append(_operation(document, method, path, item, inner))
                except Unusable as trouble:
                    unreadable.append(Skipped(f"{method.upper()} {path}", str(trouble)))
    usable, others = security.schemes(document)
    info = document.mapping(document.root.get("info"))
    return Offer(str(info.get("title") or "API"), base_path(document), operations, unreadable, usable, others)


def base_path(document: Document) -> str:
    """What stands before every path, without a slash at its end."""
    if document.dialect is Dialect.SWAGGER_2:
        address = str(document.root.get("basePath") or "")
    else:
        servers = document.root.get("servers")
        first = servers[0] if isinstance(servers, list) and servers else {}
        server = first if isinstance(first, Mapping) else {}
        address = _GAP.sub(lambda gap: _default(server, gap[1]), str(server.get("url") or ""))
    try:
        path = urlsplit(address).path
    except ValueError:
        return ""
    path = quote(path, safe="/%:@!$&'()*+,;=~-._")
    return f"/{path.strip('/')}" if path.strip("/") else ""


def _default(server: Mapping[str, Any], name: str) -> str:
    variables = server.get("variables")
    variable = variables.get(name) if isinstance(variables, Mapping) else None
    return str(variable.get("default", "")) if isinstance(variable, Mapping) else ""


def _methods(
    document: Document, path: str, node: Any, unreadable: list[Skipped]
) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    try:
        item = document.mapping(node)
    except Unusable as trouble:
        unreadable.append(Skipped(path, str(trouble)))
        return
    for method in _METHODS:
        inner = item.get(method)
        if isinstance(inner, Mapping):
            yield method, item, inner


def _operation(
    document: Document, method: str, path: str, item: Mapping[str, Any], node: Mapping[str, Any]
) -> Operation:
    nodes = _parameter_nodes(document, item, node)
    parameters = [_parameter(document, each) for each in nodes if str(each.get("in")) in set(Where)]
    declared = {each.name for each in parameters if each.where is Where.PATH}
    gaps = _GAP.findall(path)
    parameters = [each for each in parameters if each.where is not Where.PATH or each.name in gaps]
    parameters += [
        Parameter(name, Where.PATH, required=True, schema={"type": "string"})
        for name in dict.fromkeys(gaps)
        if name not in declared
    ]
    return Operation(
        method=method.upper(),
        path=path,
        parameters=parameters,
        body=bodies.read(document, node, nodes),
        responses=list(_responses(document, node)),
        security=security.alternatives(document, node),
        operation_id=str(node.get("operationId") or ""),
        left_out=_left_out(item, node),
    )


def _left_out(item: Mapping[str, Any], node: Mapping[str, Any]) -> str | None:
    for each in (node, item):
        said = each.get(_EXTENSION)
        if isinstance(said, Mapping) and said.get("exclude") is True:
            return f"the document says {_EXTENSION}: {{exclude: true}}"
    return "it is deprecated" if node.get("deprecated") is True else None


def _parameter_nodes(
    document: Document, item: Mapping[str, Any], node: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """Those of the path, unless the operation has one of the same name and place."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for listed in (item.get("parameters"), node.get("parameters")):
        for each in listed if isinstance(listed, list) else []:
            parameter = document.mapping(each)
            found[str(parameter.get("name")), str(parameter.get("in"))] = parameter
    return [
        each
        for (name, where), each in found.items()
        if where != Where.HEADER or name.lower() not in _IGNORED_HEADERS
    ]


def _parameter(document: Document, node: Mapping[str, Any]) -> Parameter:
    where = Where(node["in"])
    content, schema, inner = None, node.get("schema"), node
    if document.dialect is Dialect.SWAGGER_2:
        schema = {key: value for key, value in node.items() if key not in {"name", "in", "required"}}
    elif isinstance(node.get("content"), Mapping) and node["content"]:
        content, inner = next(iter(node["content"].items()))
        inner = document.mapping(inner)
        schema = inner.get("schema")
    style = str(node.get("style", _STYLES[where]))
    explode = node.get("explode", style == "form")
    if document.dialect is Dialect.SWAGGER_2:
        collection = str(node.get("collectionFormat", "csv"))
        style, explode = _COLLECTIONS.get(collection, style), collection == "multi"
    return Parameter(
        name=str(node.get("name")),
        where=where,
        required=node.get("required") is True or where is Where.PATH,
        schema=True if schema is None else schema,
        examples=bodies.examples(document, inner),
        style=style,
        explode=explode is True,
        content=content,
    )


def _responses(document: Document, node: Mapping[str, Any]) -> Iterator[Response]:
    for code, each in document.mapping(node.get("responses")).items():
        try:
            response = document.mapping(each)
            yield Response(
                code=str(code),
                schema=_response_schema(document, response),
                headers=[str(name) for name in document.mapping(response.get("headers"))],
                links=list(_links(document, response)),
            )
        except Unusable:
            yield Response(code=str(code))


def _response_schema(document: Document, response: Mapping[str, Any]) -> Any:
    if document.dialect is Dialect.SWAGGER_2:
        return response.get("schema")
    for media_type, inner in document.mapping(response.get("content")).items():
        if bodies.is_json(media_type) or media_type == "*/*":
            return document.mapping(inner).get("schema")
    return None


def _links(document: Document, response: Mapping[str, Any]) -> Iterator[Link]:
    for each in document.mapping(response.get("links")).values():
        link = document.mapping(each)
        to = link.get("operationId") or link.get("operationRef")
        parameters = document.mapping(link.get("parameters"))
        if isinstance(to, str) and parameters:
            yield Link(to, {str(name): str(value) for name, value in parameters.items()})
