"""Checks manifests without a cluster: what the API server would refuse, and what it cannot see.

The CRDs' own schema and rules are the reference, so `lint` and the API server judge alike. Kinds that are not
ours are skipped, except the ConfigMaps that hold test plans.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final

from devperfops_operator.api import crd
from devperfops_operator.api.base import API_VERSION, GROUP
from devperfops_operator.api.crd import Kind
from devperfops_operator.api.documents import Document, Path, UnreadableError, read
from devperfops_operator.api.expect import (
    BaselineExpectation,
    ErrorsExpectation,
    Expectation,
    LatencyExpectation,
    parse_expect,
)
from devperfops_operator.api.graph_rules import graph_problems
from devperfops_operator.api.load import Load, properties_read
from devperfops_operator.api.load_profile import LoadProfile
from devperfops_operator.api.quantity import format_duration, format_percent, parse_duration, parse_rate
from devperfops_operator.api.quota import DOCUMENTS as QUOTA_DOCUMENTS
from devperfops_operator.api.rules import VALIDATIONS
from devperfops_operator.api.strict import Strict, validated

PASS_CONFIDENCE: Final = Fraction(99, 100)
_TWICE: Final = Fraction(
    995, 1000
)  # of each look where there are two: at the planned end and at the last one
"""Of the bound that a Pass must keep; without any exceedance it decides how many samples are needed."""

COMPARED_FOR: Final = timedelta(seconds=300)
"""For at least so long a baseline is compared with before anything passes."""

_FILES: Final[Mapping[str, type[Strict]]] = {**QUOTA_DOCUMENTS, "LoadProfile": LoadProfile}
"""Kinds that are read from files and have no CRD."""

PlanProblems = Callable[[bytes, frozenset[str]], list[str]]
"""Takes a JMX and the properties it must read; returns what is wrong with it, as sentences."""

RecordedNames = Callable[[bytes], Mapping[str, int] | None]
"""Takes a sound JMX; returns the names of its results and how many kinds of element have each (see `jmx`)."""


class Severity(StrEnum):
    """An error is refused by the API server or the operator; a warning is accepted but will disappoint."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """`line` counts from 1; `path` as in `spec.objectives[0].expect`, empty for the whole document."""

    file: str
    line: int
    path: str
    message: str
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True)
class _Problem:
    path: Path
    message: str
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True)
class PlanReader:
    """What there is to know of a test plan."""

    problems: PlanProblems
    names: RecordedNames


def lint(files: Sequence[tuple[str, str]], reader: PlanReader) -> list[Finding]:
    """Check all files together: `(name, text)` each, of any number of YAML documents.

    A gate's test plan is checked when its ConfigMap is among them.
    """
    documents: list[Document] = []
    findings: list[Finding] = []
    for file, text in files:
        try:
            documents.extend(read(file, text))
        except UnreadableError as error:
            findings.append(Finding(file, error.line, "", f"is not YAML: {error}"))
    plans = _config_maps(documents)
    for document in documents:
        problems = [*_duplicates(document), *_problems(document)]
        if not problems and document.content.get("kind") == crd.GATE.kind:
            gate = with_defaults(document.content, crd.GATE)
            problems = list(_disappointments(gate))
            findings.extend(_plan_findings(document, gate, plans, reader))
        if not problems and document.content.get("kind") == crd.GRAPH.kind:
            problems = [
                _Problem(*each) for each in graph_problems(with_defaults(document.content, crd.GRAPH))
            ]
        findings.extend(_located(document, problem) for problem in problems)
    return sorted(set(findings))


def _located(document: Document, problem: _Problem) -> Finding:
    return Finding(
        document.file, document.line(problem.path), dotted(problem.path), problem.message, problem.severity
    )


def dotted(path: Path) -> str:
    """As people write a path: `spec.objectives[0].expect`."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")


# What the API server says


def _kind(document: Document) -> Kind | None:
    kind = document.content.get("kind")
    return next((each for each in crd.KINDS if each.kind == kind), None)


def _duplicates(document: Document) -> Iterator[_Problem]:
    if _kind(document) is not None:
        for path in document.duplicates:
            yield _Problem(path, f"{path[-1]} is written twice: leave one of them out")


def _problems(document: Document) -> Iterator[_Problem]:
    version = str(document.content.get("apiVersion", ""))
    kind = _kind(document)
    file = _FILES.get(str(document.content.get("kind")))
    if file is not None:
        yield from (_Problem(path, message) for path, message in validated(document, file)[1])
        return
    if kind is None:
        if version.startswith(f"{GROUP}/"):
            kinds = " or ".join([*(each.kind for each in crd.KINDS), *_FILES])
            yield _Problem(
                ("kind",), f"{document.content.get('kind')} is not a kind of {GROUP}: write {kinds}"
            )
        return
    if version != API_VERSION:
        yield _Problem(("apiVersion",), f'"{version}" does not have {kind.kind}: write {API_VERSION}')
        return
    yield from _fields(document.content, crd.schema(kind))


def _metadata(metadata: Any) -> Iterator[_Problem]:
    if not isinstance(metadata, dict):
        yield _Problem(("metadata",), "is missing: write metadata: {name: ...}")
    elif not isinstance(metadata.get("name", metadata.get("generateName")), str):
        yield _Problem(("metadata", "name"), "is missing or not a text: write a name")


def _fields(content: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[_Problem]:
    """Types first; a rule is asked only where they are right, at its value and below."""
    problems = [*_metadata(content.get("metadata")), *_type_problems(content, schema, ())]
    yield from problems
    wrong = frozenset(problem.path[:end] for problem in problems for end in range(len(problem.path) + 1))
    yield from _rule_problems(_with_defaults(content, schema), schema, (), wrong)


def _type_problems(value: Any, schema: Mapping[str, Any], path: Path) -> Iterator[_Problem]:
    if schema.get("x-kubernetes-int-or-string"):
        wanted = "string" if isinstance(value, str) else "integer"
    else:
        wanted = schema["type"]
    if path in {("metadata",), ("status",)}:
        return
    if not _TYPES[wanted](value):
        yield _Problem(path, f"{_shown(value)} is of the wrong type: write {_WANTED[wanted]}")
    elif isinstance(value, dict):
        yield from _object_problems(value, schema, path)
    elif isinstance(value, list):
        yield from _list_problems(value, schema, path)
    elif isinstance(value, str):
        yield from _text_problems(value, schema, path)


def _object_problems(value: Mapping[str, Any], schema: Mapping[str, Any], path: Path) -> Iterator[_Problem]:
    if "additionalProperties" in schema:
        yield from _map_problems(value, schema, path)
        return
    known = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield _Problem(path, f"{name} is missing: write {_field_hint(name, known[name])}")
    for name, inner in value.items():
        if name not in known:
            similar = get_close_matches(str(name), known, n=1)
            remedy = f"write {similar[0]}" if similar else f"the fields here are {', '.join(known)}"
            yield _Problem((*path, str(name)), f"there is no field {name}: {remedy}")
        elif inner is not None or "default" not in known[name]:
            yield from _type_problems(inner, known[name], (*path, name))


def _map_problems(value: Mapping[str, Any], schema: Mapping[str, Any], path: Path) -> Iterator[_Problem]:
    if len(value) > schema["maxProperties"]:
        yield _Problem(path, f"has {len(value)} entries: write at most {schema['maxProperties']}")
    for name, inner in value.items():
        yield from _type_problems(inner, schema["additionalProperties"], (*path, str(name)))


def _list_problems(value: Sequence[Any], schema: Mapping[str, Any], path: Path) -> Iterator[_Problem]:
    if len(value) > schema["maxItems"]:
        yield _Problem(path, f"has {len(value)} entries: write at most {schema['maxItems']}")
    for index, inner in enumerate(value):
        yield from _type_problems(inner, schema["items"], (*path, index))


def _text_problems(value: str, schema: Mapping[str, Any], path: Path) -> Iterator[_Problem]:
    if "enum" in schema and value not in schema["enum"]:
        yield _Problem(path, f'"{value}" is not possible: write {" or ".join(schema["enum"])}')
    if len(value) > schema.get("maxLength", len(value)):
        yield _Problem(path, f"has {len(value)} characters: write at most {schema['maxLength']}")


def _rule_problems(
    value: Any, schema: Mapping[str, Any], path: Path, wrong: frozenset[Path]
) -> Iterator[_Problem]:
    if path not in wrong:
        for rule in schema.get(VALIDATIONS, ()):
            message = rule.check(value)
            if message is not None:
                yield _Problem((*path, rule.field) if rule.field else path, message)
    for key, inner, inner_schema in _inside(value, schema):
        yield from _rule_problems(inner, inner_schema, (*path, key), wrong)


def _inside(value: Any, schema: Mapping[str, Any]) -> Iterator[tuple[str | int, Any, Mapping[str, Any]]]:
    """The fields, entries or elements of a value, each with its schema; without the status."""
    if isinstance(value, dict):
        fields, others = schema.get("properties", {}), schema.get("additionalProperties")
        for name, inner in value.items():
            inner_schema = fields.get(name, others)
            if inner_schema is not None and name != "status":
                yield str(name), inner, inner_schema
    elif isinstance(value, list) and "items" in schema:
        for index, inner in enumerate(value):
            yield index, inner, schema["items"]


def with_defaults(content: Mapping[str, Any], kind: Kind) -> Any:
    """What the API server would store."""
    return _with_defaults(content, crd.schema(kind))


def _with_defaults(value: Any, schema: Mapping[str, Any]) -> Any:
    if isinstance(value, dict) and "properties" in schema:
        filled = dict(value)
        for name, inner in schema["properties"].items():
            if filled.get(name) is None and "default" in inner:
                filled[name] = inner["default"]
            if name in filled:
                filled[name] = _with_defaults(filled[name], inner)
        return filled
    if isinstance(value, list) and "items" in schema:
        return [_with_defaults(element, schema["items"]) for element in value]
    return value


_TYPES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
}
_WANTED: Final = {
    "object": "fields (NAME: VALUE)",
    "array": "a list (- ...)",
    "string": 'a text (in "quotes" if it looks like something else)',
    "boolean": "true or false",
    "integer": "a whole number",
}


def _shown(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case dict():
            return "a group of fields"
        case list():
            return "a list"
        case _:
            return str(value)


def _field_hint(name: str, schema: Mapping[str, Any]) -> str:
    description = str(schema.get("description", "")).rstrip(".")
    return f"{name}: ... ({description})" if description else f"{name}: ..."


# What the API server cannot see


def samples_to_pass(allowed: Fraction, confidence: Fraction = PASS_CONFIDENCE) -> int:
    """How many samples without one exceedance prove a share of at most `allowed`.

    The smallest n with (1 - allowed)^n <= 1 - confidence.
    """
    return math.ceil(math.log(1 - confidence) / math.log(1 - allowed))


def _disappointments(gate: Mapping[str, Any]) -> Iterator[_Problem]:
    if "load" not in gate["spec"]:
        return
    jmeter = gate["spec"]["load"]["jmeter"]
    if "rate" not in jmeter:
        return
    rate = parse_rate(jmeter["rate"])
    field, confidence = ("maxDuration", _TWICE) if "maxDuration" in jmeter else ("duration", PASS_CONFIDENCE)
    judged = parse_duration(jmeter[field]) - parse_duration(jmeter["rampUp"])
    samples = math.floor(rate * Fraction(judged.total_seconds()) / 60)
    for index, objective in enumerate(gate["spec"]["objectives"]):
        expectation = parse_expect(objective["expect"])
        path: Path = ("spec", "objectives", index, "expect")
        yield from _too_few_samples(path, expectation, samples, confidence, field)
        yield from _too_short_to_compare(path, expectation, judged, field)
        yield from _too_few_threads(path, expectation, jmeter["threads"], rate)


def _too_few_samples(
    path: Path, expectation: Expectation, samples: int, confidence: Fraction, field: str
) -> Iterator[_Problem]:
    if not isinstance(expectation, LatencyExpectation | ErrorsExpectation):
        return
    needed = samples_to_pass(expectation.allowed, confidence)
    if samples < needed:
        yield _Problem(
            path,
            f"can never pass: rate x ({field} - rampUp) gives {samples} samples, and a share of at most "
            f"{format_percent(expectation.allowed)} needs {needed} even if all are good; "
            f"write a longer {field} or a higher rate",
            Severity.WARNING,
        )


def _too_short_to_compare(
    path: Path, expectation: Expectation, judged: timedelta, field: str
) -> Iterator[_Problem]:
    if isinstance(expectation, BaselineExpectation) and judged < COMPARED_FOR:
        yield _Problem(
            path,
            f"can never pass: a baseline is compared with for at least {format_duration(COMPARED_FOR)}, and "
            f"{field} - rampUp is {format_duration(judged)}; write a longer {field}",
            Severity.WARNING,
        )


def _too_few_threads(
    path: Path, expectation: Expectation, threads: int, rate: Fraction
) -> Iterator[_Problem]:
    if not isinstance(expectation, LatencyExpectation):
        return
    needed = math.ceil(rate / 60 * Fraction(expectation.limit_ms, 1000))
    if threads < needed:
        yield _Problem(
            path,
            f"{threads} threads cannot keep the rate when every answer takes as long as the limit: "
            f"a stall would hide itself by slowing the load; write threads: {needed} or more",
            Severity.WARNING,
        )


# Test plans


def _config_maps(documents: Sequence[Document]) -> dict[tuple[str, str], Document]:
    return {_key(document.content): document for document in documents if _is_config_map(document.content)}


def _is_config_map(content: Mapping[str, Any]) -> bool:
    return (
        content.get("apiVersion") == "v1"
        and content.get("kind") == "ConfigMap"
        and isinstance(content.get("metadata"), dict)
    )


def _key(content: Mapping[str, Any], name: str | None = None) -> tuple[str, str]:
    metadata = content["metadata"]
    return str(metadata.get("namespace", "")), name or str(metadata.get("name", ""))


def _plan_findings(
    document: Document,
    gate: Mapping[str, Any],
    config_maps: Mapping[tuple[str, str], Document],
    reader: PlanReader,
) -> Iterator[Finding]:
    if "load" not in gate["spec"]:
        return
    source = gate["spec"]["load"]["jmeter"]["plan"]
    config_map = config_maps.get(_key(gate, source["configMap"])) if "configMap" in source else None
    if config_map is None or "openAPI" in source:
        return
    plan = (config_map.content.get("data") or {}).get(source["key"])
    if not isinstance(plan, str):
        keys = ", ".join(map(str, config_map.content.get("data") or {})) or "none"
        path: Path = ("spec", "load", "jmeter", "plan", "key")
        message = f"ConfigMap {source['configMap']} has no key {source['key']}: its keys are {keys}"
        yield _located(document, _Problem(path, message))
        return
    problems = reader.problems(plan.encode(), properties_read(Load.from_json(gate["spec"]["load"])))
    for message in problems:
        yield _located(config_map, _Problem(("data", source["key"]), message))
    if not problems:
        for problem in _transaction_problems(gate, reader.names(plan.encode())):
            yield _located(document, problem)


def _transaction_problems(gate: Mapping[str, Any], names: Mapping[str, int] | None) -> Iterator[_Problem]:
    """Transactions the plan does not have, or has twice."""
    for index, objective in enumerate(gate["spec"]["objectives"]):
        transaction = objective.get("transaction")
        if transaction is None or names is None:
            continue
        path: Path = ("spec", "objectives", index, "transaction")
        found = names.get(transaction, 0)
        if not found:
            similar = get_close_matches(transaction, names, n=3) or sorted(names)[:10]
            message = (
                f'the plan has no enabled sampler or Transaction Controller called "{transaction}", so there '
                f"will be nothing to judge: write one of its names, such as {', '.join(similar) or 'none'}"
            )
            yield _Problem(path, message, Severity.WARNING)
        elif found > 1:
            message = (
                f'the plan has a sampler and a Transaction Controller called "{transaction}", so its '
                "requests count twice: give one of them another name"
            )
            yield _Problem(path, message, Severity.WARNING)
