"""An OpenAPI document (3.1, 3.0) or Swagger 2.0 as parsed data, and its references.

All of it is hostile until shown otherwise: references may lead nowhere, in circles or to other machines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final
from urllib.parse import unquote, urldefrag, urljoin

from devperfops_operator.scenario.errors import DocumentError, Unusable

Fetch = Callable[[str], Any]
"""Takes the address of another document; returns it as parsed data, or raises DocumentError."""

_OTHERS: Final = "x-devperfops-documents"
_MOST_OTHERS: Final = 200
_LONGEST_CHAIN: Final = 32
_DEEPEST: Final = 500
_VERSION: Final = re.compile(r"3\.\d+(\.\d+)?")


class Dialect(Enum):
    """What its schemas are written in."""

    SWAGGER_2 = "Swagger 2.0"
    OPENAPI_3_0 = "OpenAPI 3.0"
    OPENAPI_3_1 = "OpenAPI 3.1"


@dataclass(frozen=True)
class Document:
    """All references in `root` are local."""

    root: Mapping[str, Any]
    dialect: Dialect

    def resolved(self, node: Any) -> Any:
        """The node itself, or what its `$ref` leads to in the end.

        Raises:
            Unusable: it leads nowhere, or in a circle.
        """
        first = node
        for _ in range(_LONGEST_CHAIN):
            if not (isinstance(node, Mapping) and isinstance(node.get("$ref"), str)):
                return node
            node = self.at(node["$ref"])
        raise Unusable(f"$ref {first['$ref']} leads in a circle")

    def at(self, reference: str) -> Any:
        """What a local reference (`#/components/...`) points to.

        Raises:
            Unusable: it points nowhere.
        """
        if not reference.startswith("#"):
            raise Unusable(f"$ref {reference} could not be followed")
        node: Any = self.root
        for step in _steps(reference):
            if isinstance(node, Mapping) and step in node:
                node = node[step]
            elif isinstance(node, list) and step.isdecimal() and int(step) < len(node):
                node = node[int(step)]
            else:
                raise Unusable(f"$ref {reference} points nowhere")
        return node

    def mapping(self, node: Any) -> Mapping[str, Any]:
        """As `resolved`, for what must be an object; empty when it is something else."""
        found = self.resolved(node)
        return found if isinstance(found, Mapping) else {}


def read(data: Any, address: str = "", fetch: Fetch | None = None) -> Document:
    """Take parsed JSON or YAML. `fetch` brings other documents it refers to, from `address` on.

    Raises:
        DocumentError: it is none of the three kinds, or nested too deeply.
    """
    if not isinstance(data, Mapping):
        raise DocumentError("is not an OpenAPI document: it is no object with the field openapi or swagger")
    dialect = _dialect(data)
    root = _Bundle(address, fetch).of(data)
    if not isinstance(root.get("paths"), Mapping):
        raise DocumentError("has no paths: there is nothing to ask for")
    return Document(root, dialect)


def _dialect(data: Mapping[str, Any]) -> Dialect:
    openapi, swagger = str(data.get("openapi", "")), str(data.get("swagger", ""))
    if swagger in {"2", "2.0"}:
        return Dialect.SWAGGER_2
    if openapi.startswith("3.0"):
        return Dialect.OPENAPI_3_0
    if _VERSION.fullmatch(openapi):
        return Dialect.OPENAPI_3_1
    told = f"openapi {openapi}" if openapi else f"swagger {swagger}" if swagger else "neither of them"
    raise DocumentError(f"must have openapi 3.0 or 3.1, or swagger 2.0, and has {told}")


def _steps(reference: str) -> list[str]:
    pointer = unquote(reference[1:])
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


class _Bundle:
    """Copies with every key a text, and other documents taken in under a key of their own."""

    def __init__(self, address: str, fetch: Fetch | None) -> None:
        self._fetch = fetch
        self._places: dict[str, str | None] = {address: "#"}
        self._waiting: list[tuple[str, str, Any]] = []
        self._copies: dict[tuple[str, int], Any] = {}

    def of(self, data: Mapping[str, Any]) -> dict[str, Any]:
        root: dict[str, Any] = self._copy(data, next(iter(self._places)), 0)
        others: dict[str, Any] = {}
        while self._waiting:
            name, address, other = self._waiting.pop()
            others[name] = self._copy(other, address, 0)
        if others:
            root[_OTHERS] = others
        return root

    def _copy(self, node: Any, address: str, depth: int) -> Any:
        if not isinstance(node, Mapping | list):
            return node
        if depth > _DEEPEST:
            raise DocumentError(f"is nested more than {_DEEPEST} levels deep")
        known = self._copies.get((address, id(node)))  # YAML's aliases are the same object many times
        if known is not None:
            return known
        if isinstance(node, list):
            made: Any = []
            self._copies[address, id(node)] = made
            made.extend(self._copy(inner, address, depth + 1) for inner in node)
            return made
        made = self._copies[address, id(node)] = {}
        for key, inner in node.items():
            refers = key == "$ref" and isinstance(inner, str)
            made[str(key)] = self._local(inner, address) if refers else self._copy(inner, address, depth + 1)
        return made

    def _local(self, reference: str, address: str) -> str:
        """The same reference as one inside the bundle."""
        target, fragment = urldefrag(urljoin(address, reference) if address else reference)
        if reference.startswith("#"):
            target, fragment = address, reference[1:]
        if target not in self._places:
            self._places[target] = self._taken_in(target)
        place = self._places[target]
        return reference if place is None else place + fragment.rstrip("/")

    def _taken_in(self, address: str) -> str | None:
        """Where in the bundle it will be; None: it cannot be had, so the reference stays as it is."""
        if self._fetch is None or len(self._places) > _MOST_OTHERS:
            return None
        try:
            other = self._fetch(address)
        except DocumentError:
            return None
        name = str(len(self._places))
        self._waiting.append((name, address, other))
        return f"#/{_OTHERS}/{name}"
