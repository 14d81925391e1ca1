"""Documents that are read from files only: what they share, and what is wrong with one, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, TypeVar

from pydantic import ConfigDict, StringConstraints, ValidationError
from pydantic_core import ErrorDetails

from devperfops_operator.api.documents import Document, Path, UnreadableError, read
from devperfops_operator.api.ruled import Ruled

Text = Annotated[str, StringConstraints(min_length=1, max_length=253, strip_whitespace=True)]
Sentence = Annotated[str, StringConstraints(min_length=1, max_length=1024, strip_whitespace=True)]
Problem = tuple[Path, str]
"""Where, and what to do."""

_MOMENT: Final = "2026-02-01T00:00:00Z"


class Strict(Ruled):
    """What is not known is refused: a word misspelt would be a rule not checked."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


class Metadata(Strict):
    """Of a document; all but the name is for others, and an API server adds much of it."""

    model_config = ConfigDict(extra="ignore")

    name: Text


Content = TypeVar("Content", bound=Strict)


def validated(document: Document, model: type[Content]) -> tuple[Content | None, list[Problem]]:
    """The content, None if it cannot be used; and everything that is wrong with it."""
    found = [(path, f"{path[-1]} is written twice: leave one of them out") for path in document.duplicates]
    try:
        return model.model_validate(document.content), found
    except ValidationError as error:
        return None, [*found, *map(_problem, error.errors())]


class ContentError(Exception):
    """A file does not hold the one document it should; the message says where, and what to do."""


def only(file: str, text: str, model: type[Content]) -> Content:
    """The one document of a file. Raises ContentError."""
    try:
        documents = list(read(file, text))
    except UnreadableError as error:
        raise ContentError(f"{file}:{error.line}: is not YAML: {error}.") from error
    if len(documents) != 1:
        raise ContentError(f"{file} has {len(documents)} documents; write one {model.__name__}.")
    content, problems = validated(documents[0], model)
    if content is None or problems:
        told = (f"{file}:{documents[0].line(path)}: {dotted(path)}: {message}" for path, message in problems)
        raise ContentError("\n       ".join(told))
    return content


def dotted(path: Sequence[str | int]) -> str:
    """As people write a path: `spec.needs[0].unit`."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")


def _problem(detail: ErrorDetails) -> Problem:
    return tuple(part for part in detail["loc"] if part != "[key]"), _sentence(detail)


_SENTENCES: Final = {
    "extra_forbidden": "there is no such field: remove it, or correct its spelling",
    "missing": "is missing: write it, it has no default",
    "too_short": "is empty: write at least one",
    "string_too_short": "is empty: write something",
}


def _sentence(detail: ErrorDetails) -> str:
    kind, shown = detail["type"], _shown(detail["input"])
    if kind in _SENTENCES:
        return _SENTENCES[kind]
    if kind == "value_error":
        return str(detail["ctx"]["error"])
    if kind in {"literal_error", "enum"}:
        return f"{shown} is none of {detail['ctx']['expected']}: write one of them"
    if kind.startswith(("datetime", "timezone")):
        return f"{shown} is not a moment: write date, time and zone, as in {_MOMENT}"
    return f"{shown} cannot be used: {detail['msg'][0].lower()}{detail['msg'][1:]}"


def _shown(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str | int | float) else f"this {type(value).__name__}"
