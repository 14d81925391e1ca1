"""From a file's text to the documents of `devperfops quota`, or to sentences about what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from devperfops_operator.api.documents import Document, Path, UnreadableError, read
from devperfops_operator.api.quota import DOCUMENTS, QuotaDocument

_MOMENT: Final = "2026-02-01T00:00:00Z"


class QuotaDocumentError(ValueError):
    """What is wrong, one line each: `file:line: field: what to do`."""


@dataclass(frozen=True, slots=True)
class Located:
    """A sound document and where it stands; `where(path)` of a field in it."""

    document: Document
    content: QuotaDocument

    def where(self, field: str = "") -> str:
        """`field` as in `spec.needs[0].unit`."""
        path = tuple(
            int(part) if part.isdecimal() else part
            for part in field.replace("[", ".").replace("]", "").split(".")
            if part
        )
        return f"{self.document.file}:{self.document.line(path)}"


def read_quota_documents(file: str, text: str) -> list[Located]:
    """Those of our kinds; documents of others are skipped.

    Raises:
        QuotaDocumentError: it is not YAML, or a document of ours cannot be used.
    """
    try:
        documents = [each for each in read(file, text) if each.content.get("kind") in DOCUMENTS]
    except UnreadableError as error:
        raise QuotaDocumentError(f"{file}:{error.line}: is not YAML: {error}") from error
    wrong = [
        f"{file}:{document.line(path)}: {dotted(path)}: {message}"
        for document in documents
        for path, message in problems(document)
    ]
    if wrong:
        raise QuotaDocumentError("\n".join(wrong))
    return [Located(each, DOCUMENTS[each.content["kind"]].model_validate(each.content)) for each in documents]


def problems(document: Document) -> Iterator[tuple[Path, str]]:
    """Of a document of one of our kinds: where, and what to do."""
    for path in document.duplicates:
        yield path, f"{path[-1]} is written twice: leave one of them out"
    try:
        DOCUMENTS[document.content["kind"]].model_validate(document.content)
    except ValidationError as error:
        for detail in error.errors():
            yield tuple(part for part in detail["loc"] if part != "[key]"), _sentence(detail)


def dotted(path: Sequence[str | int]) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")


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
