"""YAML documents whose every field knows its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

Path = tuple[str | int, ...]
"""Where a value is: field names and list indices from the document's root."""


class UnreadableError(ValueError):
    """Not YAML; `line` counts from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file. `lines` counts from 1; `duplicates`: fields written more than once."""

    file: str
    content: dict[str, Any]
    lines: dict[Path, int]
    duplicates: tuple[Path, ...]

    def line(self, path: Path) -> int:
        """The line of the field, or of the nearest one around it that is there."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines[path]


def read(file: str, text: str) -> Iterator[Document]:
    """Every document that is a mapping; `kind: List` is opened.

    Raises:
        UnreadableError: the text is not YAML.
    """
    loader = _Loader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is not None:
                yield from _documents(file, loader, node)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        raise UnreadableError(problem, mark.line + 1 if mark else 1) from error
    except ValueError as error:  # a number that is none, such as !!int x
        raise UnreadableError(str(error), 1) from error
    except RecursionError as error:
        raise UnreadableError("it contains itself, or is nested too deeply", 1) from error
    finally:
        loader.dispose()


def resolvers_without_dates() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    """How a loader finds the types of scalars, for one to which dates stay texts."""
    return {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


class _Loader(yaml.SafeLoader):
    """As Kubernetes reads YAML: dates stay texts, and `1e-06` is a number without a point, too."""

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:
        """JSON writes a letter beyond 16 bits as two escapes; half of such a pair is no letter."""
        text = super().construct_scalar(node)
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


_Loader.yaml_implicit_resolvers = resolvers_without_dates()
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile("^[-+]?[0-9]+[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def _documents(file: str, loader: _Loader, node: yaml.Node) -> Iterator[Document]:
    lines: dict[Path, int] = {(): node.start_mark.line + 1}
    duplicates: list[Path] = []
    _locate(node, (), lines, duplicates)  # before construction, which merges `<<` into the node
    content = loader.construct_document(node)
    if not isinstance(content, dict):
        return
    document = Document(file, content, lines, tuple(duplicates))
    if content.get("kind") == "List" and isinstance(content.get("items"), list):
        yield from _items(document)
    else:
        yield document


def _items(document: Document) -> Iterator[Document]:
    for index, content in enumerate(document.content["items"]):
        if isinstance(content, dict):
            root = ("items", index)
            yield Document(
                file=document.file,
                content=content,
                lines={path[2:]: line for path, line in document.lines.items() if path[:2] == root},
                duplicates=tuple(path[2:] for path in document.duplicates if path[:2] == root),
            )


def _locate(node: yaml.Node, path: Path, lines: dict[Path, int], duplicates: list[Path]) -> None:
    match node:
        case yaml.MappingNode():
            seen: set[str] = set()
            for key, value in node.value:
                name = str(key.value)
                inner = (*path, name)
                if name in seen:
                    duplicates.append(inner)
                seen.add(name)
                lines[inner] = key.start_mark.line + 1
                _locate(value, inner, lines, duplicates)
        case yaml.SequenceNode():
            for index, value in enumerate(node.value):
                lines[*path, index] = value.start_mark.line + 1
                _locate(value, (*path, index), lines, duplicates)
