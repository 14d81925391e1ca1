"""What the API server says: fields, types and rules of the CRDs, and of our kinds that are only files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

from devperfops_operator.api import crd
from devperfops_operator.api.base import API_VERSION, GROUP
from devperfops_operator.api.crd import Kind
from devperfops_operator.api.documents import Document, Path
from devperfops_operator.api.finding import Problem
from devperfops_operator.api.load_profile import LoadProfile
from devperfops_operator.api.quota import DOCUMENTS as QUOTA_DOCUMENTS
from devperfops_operator.api.rules import VALIDATIONS
from devperfops_operator.api.strict import Strict, validated

_FILES: Final[Mapping[str, type[Strict]]] = {**QUOTA_DOCUMENTS, "LoadProfile": LoadProfile}
"""Kinds that are read from files; some are resources, too."""


def _kind(document: Document) -> Kind | None:
    kind = document.content.get("kind")
    return next((each for each in crd.KINDS if each.kind == kind), None)


def duplicates(document: Document) -> Iterator[Problem]:
    if _kind(document) is not None:
        for path in document.duplicates:
            yield Problem(path, f"{path[-1]} is written twice: leave one of them out")


def schema_problems(document: Document) -> Iterator[Problem]:
    version = str(document.content.get("apiVersion", ""))
    kind = _kind(document)
    file = _FILES.get(str(document.content.get("kind")))
    if kind is None and file is not None:
        yield from _file_problems(document, file)
        return
    if kind is None:
        if version.startswith(f"{GROUP}/"):
            kinds = " or ".join(dict.fromkeys([*(each.kind for each in crd.KINDS), *_FILES]))
            yield Problem(
                ("kind",), f"{document.content.get('kind')} is not a kind of {GROUP}: write {kinds}"
            )
        return
    if version != API_VERSION:
        yield Problem(("apiVersion",), f'"{version}" does not have {kind.kind}: write {API_VERSION}')
        return
    wrong = list(_fields(document.content, crd.schema(kind)))
    yield from wrong
    if file is not None and not wrong:
        yield from _file_problems(document, file)


def _file_problems(document: Document, file: type[Strict]) -> Iterator[Problem]:
    return (Problem(path, message) for path, message in validated(document, file)[1])


def _metadata(metadata: Any) -> Iterator[Problem]:
    if not isinstance(metadata, dict):
        yield Problem(("metadata",), "is missing: write metadata: {name: ...}")
    elif not isinstance(metadata.get("name", metadata.get("generateName")), str):
        yield Problem(("metadata", "name"), "is missing or not a text: write a name")


def _fields(content: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Problem]:
    """Types first; a rule is asked only where they are right, at its value and below."""
    problems = [*_metadata(content.get("metadata")), *_type_problems(content, schema, ())]
    yield from problems
    wrong = frozenset(problem.path[:end] for problem in problems for end in range(len(problem.path) + 1))
    yield from _rule_problems(_with_defaults(content, schema), schema, (), wrong)


def _type_problems(value: Any, schema: Mapping[str, Any], path: Path) -> Iterator[Problem]:
    if schema.get("x-kubernetes-int-or-string"):
        wanted = "string" if isinstance(value, str) else "integer"
    else:
        wanted = schema["type"]
    if path in {("metadata",), ("status",)}:
        return
    if not _TYPES[wanted](value):
        hint = _WANTED["int-or-string" if "x-kubernetes-int-or-string" in schema else wanted]
        yield Problem(path, f"{_shown(value)} is of the wrong type: write {hint}")
    elif isinstance(value, dict):
        yield from _object_problems(value, schema, path)
    elif isinstance(value, list):
        yield from _list_problems(value, schema, path)
    elif isinstance(value, str):
        yield from _text_problems(value, schema, path)


def _object_problems(value: Mapping[str, Any], schema: Mapping[str, Any], path: Path) -> Iterator[Problem]:
    if "additionalProperties" in schema:
        yield from _map_problems(value, schema, path)
        return
    known = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield Problem(path, f"{name} is missing: write {_field_hint(name, known[name])}")
    for name, inner in value.items():
        if name not in known:
            similar = get_close_matches(str(name), known, n=1)
            remedy = f"write {similar[0]}" if similar else f"the fields here are {', '.join(known)}"
            yield Problem((*path, str(name)), f"there is no field {name}: {remedy}")
        elif inner is not None or "default" not in known[name]:
            yield from _type_problems(inner, known[name], (*path, name))


def _map_problems(value: Mapping[str, Any], schema: Mapping[str, Any], path: Path) -> Iterator[Problem]:
    if len(value) > schema["maxProperties"]:
        yield Problem(path, f"has {len(value)} entries: write at most {schema['maxProperties']}")
    for name, inner in value.items():
        yield from _type_problems(inner, schema["additionalProperties"], (*path, str(name)))


def _list_problems(value: Sequence[Any], schema: Mapping[str, Any], path: Path) -> Iterator[Problem]:
    if len(value) > schema["maxItems"]:
        yield Problem(path, f"has {len(value)} entries: write at most {schema['maxItems']}")
    for index, inner in enumerate(value):
        yield from _type_problems(inner, schema["items"], (*path, index))


def _text_problems(value: str, schema: Mapping[str, Any], path: Path) -> Iterator[Problem]:
    if "enum" in schema and value not in schema["enum"]:
        yield Problem(path, f'"{value}" is not possible: write {" or ".join(schema["enum"])}')
    if len(value) > schema.get("maxLength", len(value)):
        yield Problem(path, f"has {len(value)} characters: write at most {schema['maxLength']}")


def _rule_problems(
    value: Any, schema: Mapping[str, Any], path: Path, wrong: frozenset[Path]
) -> Iterator[Problem]:
    if path not in wrong:
        for rule in schema.get(VALIDATIONS, ()):
            message = rule.check(value)
            if message is not None:
                yield Problem((*path, *rule.field.split(".")) if rule.field else path, message)
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
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
}
_WANTED: Final = {
    "object": "fields (NAME: VALUE)",
    "array": "a list (- ...)",
    "string": 'a text (in "quotes" if it looks like something else)',
    "boolean": "true or false",
    "integer": "a whole number",
    "int-or-string": 'a whole number, or a text (in "quotes")',
    "number": "a number",
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
