"""Whether a request is what its operation wants, by the same judge as the values that we make."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from email import message_from_string
from typing import Any, Final
from urllib.parse import parse_qsl
from xml.etree import ElementTree as ET

from benchmarks.judge import Judge
from benchmarks.peers.ids import Ids
from benchmarks.peers.pointers import resolved
from benchmarks.peers.readings import ANSWERS, readings, values
from benchmarks.peers.request import FROM_AN_ANSWER
from benchmarks.peers.routes import Asked
from devperfops_operator.scenario.model import Operation, Parameter, Where

_NOT_SENT: Final = frozenset({"accept", "authorization", "content-type"})
"""Headers whose parameters OpenAPI has ignored."""


def verdict(root: Mapping[str, Any], judge: Judge, one: Asked) -> str:
    """`valid`, or what is wrong with the first thing that is."""
    try:
        wrong = next(_wrong(root, judge, one), None)
    except Exception as error:  # noqa: BLE001  the document's own fault, mostly
        return f"not judged: {type(error).__name__}"
    return "valid" if wrong is None else f"invalid: {wrong}"


def _wrong(root: Mapping[str, Any], judge: Judge, one: Asked) -> Iterator[str]:
    for parameter in one.operation.parameters:
        if parameter.where is Where.HEADER and parameter.name.lower() in _NOT_SENT:
            continue
        sent = list(values(parameter, one))
        if not sent and parameter.required:
            yield f"{parameter.where} parameter {parameter.name} is missing"
        elif sent and not any(judge.refused(parameter.schema, each) is None for each in sent):
            yield f"{parameter.where} parameter {parameter.name}"
    if one.operation.body is not None:
        if not one.request.body:
            yield from ["the body is missing"] if _needs_body(root, one.operation) else []
        elif not any(_body_fits(root, judge, one, answer) for answer in ANSWERS):
            yield "body"


def _needs_body(root: Mapping[str, Any], operation: Operation) -> bool:
    """By the document itself; of Swagger's forms, when one of the fields must be there."""
    path = root["paths"].get(operation.path, {})
    raw = path.get(operation.method.lower(), {})
    if "swagger" not in root:
        return resolved(root, raw.get("requestBody", {})).get("required") is True
    return any(
        each.get("in") in {"body", "formData"} and each.get("required") is True
        for each in (resolved(root, one) for one in [*path.get("parameters", []), *raw.get("parameters", [])])
    )


def _body_fits(root: Mapping[str, Any], judge: Judge, one: Asked, answer: str) -> bool:
    """JSON, forms and texts by the schema; XML is only asked to be XML."""
    body = one.operation.body
    text = (one.request.body or "").replace(FROM_AN_ANSWER, answer)
    header = one.request.headers.get("content-type", "application/json")
    kind = header.lower()
    if body is None:
        return False
    try:
        if "json" in kind:
            return judge.refused(body.schema, json.loads(text)) is None
        if "xml" in kind:
            return ET.fromstring(text) is not None
    except (ValueError, ET.ParseError):
        return False
    if "form" in kind:
        pairs = parse_qsl(text, keep_blank_values=True) if "urlencoded" in kind else _parts(header, text)
        return judge.refused(body.schema, _form(root, judge, body.schema, pairs)) is None
    return judge.refused(body.schema, text) is None


def _parts(header: str, text: str) -> list[tuple[str, str]]:
    message = message_from_string(f"Content-Type: {header}\n\n{text}")
    parts = message.get_payload()
    return [
        (str(part.get_param("name", "", "content-disposition")), str(part.get_payload()))
        for part in (parts if isinstance(parts, list) else [])
        if not isinstance(part, str)
    ]


def _form(
    root: Mapping[str, Any], judge: Judge, schema: Any, pairs: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """Each field as what its own schema takes, if it takes anything of it."""
    properties = resolved(root, schema).get("properties", {})
    texts: dict[str, list[str]] = {}
    for name, value in pairs:
        texts.setdefault(name.removesuffix("[]"), []).append(value)
    made: dict[str, Any] = {}
    for name, several in texts.items():
        own = properties.get(name, {})
        read = [
            *readings(Parameter(name, Where.QUERY, required=True, schema=own), several),
            *_parsed(several),
        ]
        made[name] = next((each for each in read if judge.refused(own, each) is None), several[0])
    return made


def _parsed(values: Sequence[str]) -> Iterator[Any]:
    """Objects in forms are sent as JSON."""
    try:
        made = [json.loads(each) for each in values]
    except ValueError:
        return
    yield from (made[0], made)


def count(root: Mapping[str, Any], found: Sequence[Asked]) -> Counter[str]:
    """`asked`, `valid`, of them `sound`: without a made-up id; `ids` in paths, of them `answered` earlier."""
    judge, ids = Judge(root), Ids(root, found)
    counted: Counter[str] = Counter(asked=len(found))
    for one in found:
        told = verdict(root, judge, one).partition(":")[0]
        counted[told] += 1
        counted["sound"] += told == "valid" and ids.are_known(one)
        counted["ids"] += len(one.gaps)
        counted["answered"] += sum(FROM_AN_ANSWER in value for value in one.gaps.values())
    return counted
