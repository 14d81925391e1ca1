"""What JMeter would send for a plan: of its functions, those that the tools' plans have."""

from __future__ import annotations

import csv
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from itertools import cycle, islice, zip_longest
from pathlib import Path
from typing import Final
from urllib.parse import quote
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

from benchmarks.peers.request import FROM_AN_ANSWER, Request

_EXTRACTED: Final = ("RegexExtractor.refname", "JSONPostProcessor.referenceNames")
_SOME_UUID: Final = str(uuid.UUID(int=4711, version=4))
_REPLACED: Final = re.compile(r'"(.*)"\.replace\(.*', re.DOTALL)


def requests(plan: Path) -> list[Request]:
    """Of one user who goes through the plan once; all branches are taken.

    It is read twice: what a function stores may be used above it.
    """
    root = ET.parse(plan).getroot()
    variables = _variables(root, plan.parent)
    top = root.find("hashTree")
    if top is None:
        return []
    list(_samplers(top, {}, variables))
    return list(_samplers(top, {}, variables))


def evaluated(text: str, variables: dict[str, str]) -> str:
    """A property of a plan; a variable nobody sets stays as it is written."""
    return "".join(_pieces(text, variables)) if "${" in text else text


def _pieces(text: str, variables: dict[str, str]) -> Iterator[str]:
    at = 0
    while at < len(text):
        if text[at] == "\\" and text[at + 1 : at + 2] in {"\\", "$", ","}:
            yield text[at + 1]
            at += 2
        elif text.startswith("${", at):
            end = _closing(text, at + 2)
            yield _expression(text[at + 2 : end], variables)
            at = end + 1
        else:
            yield text[at]
            at += 1


def _closing(text: str, at: int) -> int:
    depth = 1
    for place in range(at, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return place
    return len(text)


def _expression(inner: str, variables: dict[str, str]) -> str:
    if not inner.startswith("__"):
        return variables.get(inner, f"${{{inner}}}")
    name, _, rest = inner.partition("(")
    arguments = [evaluated(each, variables) for each in _arguments(rest.removesuffix(")"))]
    function = _FUNCTIONS.get(name)
    return f"${{{inner}}}" if function is None else function(arguments, variables)


def _random_string(arguments: list[str], variables: dict[str, str]) -> str:
    """Length, letters and, perhaps, the variable that keeps it."""
    length, letters, *kept = arguments
    made = "".join(islice(cycle(letters), int(length)))
    variables.update(dict.fromkeys(kept, made))
    return made


def _java_script(arguments: list[str], _: dict[str, str]) -> str:
    """Of all scripts the one that openapi-generator writes: it puts one kind of quotes for another."""
    found = _REPLACED.fullmatch(arguments[0])
    return found[1].replace("'", '"') if found else arguments[0]


_FUNCTIONS: Final[Mapping[str, Callable[[list[str], dict[str, str]], str]]] = {
    "__P": lambda arguments, _: arguments[1] if len(arguments) > 1 else "secret",
    "__RandomString": _random_string,
    "__UUID": lambda *_: _SOME_UUID,
    "__urlencode": lambda arguments, _: quote(arguments[0], safe=""),
    "__char": lambda arguments, _: chr(int(arguments[0])),
    "__javaScript": _java_script,
}


def _arguments(text: str) -> list[str]:
    made, depth, escaped = [""], 0, False
    for letter in text:
        depth += 0 if escaped else {"{": 1, "}": -1}.get(letter, 0)
        if letter == "," and depth == 0 and not escaped:
            made.append("")
        else:
            made[-1] = (made[-1][:-1] if escaped and letter == "," else made[-1]) + letter
        escaped = letter == "\\" and not escaped
    return made


def _variables(root: Element, folder: Path) -> dict[str, str]:
    made: dict[str, str] = {}
    for element in root.iter("elementProp"):
        if element.get("elementType") == "Argument":
            made[_property(element, "Argument.name")] = evaluated(_property(element, "Argument.value"), made)
    for element in root.iter("CSVDataSet"):
        file = folder / evaluated(_property(element, "filename"), made)
        if file.is_file():
            made |= _first_row(file)
    for element in root.iter("stringProp"):
        if element.get("name") in _EXTRACTED and element.text:
            made[element.text] = FROM_AN_ANSWER
    return made


def _first_row(file: Path) -> Mapping[str, str]:
    with file.open(encoding="utf-8") as lines:
        row = next(csv.DictReader(lines), {})
    return {name: value for name, value in row.items() if isinstance(name, str) and isinstance(value, str)}


def _samplers(tree: Element, above: Mapping[str, str], variables: dict[str, str]) -> Iterator[Request]:
    """Elements of a plan and what is below them alternate."""
    children = list(tree)
    headers = {**above, **_headers(children, variables)}
    for element, below in zip_longest(children, children[1:]):
        own = below if below is not None and below.tag == "hashTree" else None
        if element.tag == "HTTPSamplerProxy":
            inner = _headers(list(own), variables) if own is not None else {}
            yield _request(element, {**headers, **inner}, variables)
        elif element.tag != "hashTree" and own is not None:
            yield from _samplers(own, headers, variables)


def _headers(elements: list[Element], variables: dict[str, str]) -> dict[str, str]:
    return {
        _property(each, "Header.name"): evaluated(_property(each, "Header.value"), variables)
        for manager in elements
        if manager.tag == "HeaderManager"
        for each in manager.iter("elementProp")
    }


def _request(sampler: Element, headers: Mapping[str, str], variables: dict[str, str]) -> Request:
    arguments = [
        (_property(each, "Argument.name"), evaluated(_property(each, "Argument.value"), variables))
        for each in sampler.iter("elementProp")
        if each.get("elementType") == "HTTPArgument"
    ]
    raw = _property(sampler, "HTTPSampler.postBodyRaw") == "true"
    named = [(name, value) for name, value in arguments if name]
    return Request.of(
        _property(sampler, "HTTPSampler.method"),
        evaluated(_property(sampler, "HTTPSampler.path"), variables),
        headers,
        named,
        "".join(value for _, value in arguments) if raw else None,
    )


def _property(element: Element, name: str) -> str:
    return next((each.text or "" for each in element if each.get("name") == name), "")
