"""From a file's text to the documents of `devperfops quota`, or to sentences about what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from devperfops_operator.api.base import API_VERSION
from devperfops_operator.api.documents import Document, UnreadableError, read
from devperfops_operator.api.quota import DOCUMENTS, QuotaDocument
from devperfops_operator.api.strict import dotted, validated


class QuotaDocumentError(ValueError):
    """What is wrong, one line each: `file:line: field: what to do`."""


@dataclass(frozen=True, slots=True)
class Located:
    """A sound document and where it stands; `where(path)` of a field in it."""

    document: Document
    content: QuotaDocument

    def where(self, field: str = "") -> str:
        """`field` as in `spec.needs[0].unit`; an object of the cluster has no lines."""
        if not self.document.lines:
            return self.document.file
        path = tuple(
            int(part) if part.isdecimal() else part
            for part in field.replace("[", ".").replace("]", "").split(".")
            if part
        )
        return f"{self.document.file}:{self.document.line(path)}"


def read_quota_object(kind: str, name: str, spec: Mapping[str, Any]) -> Located:
    """An object of the cluster, read as if it stood in a file.

    Raises:
        QuotaDocumentError: it cannot be used.
    """
    title = f"{kind} {name}"
    content = {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": dict(spec)}
    document = Document(title, content, {}, ())
    sound, wrong = validated(document, DOCUMENTS[kind])
    if sound is None:
        raise QuotaDocumentError("\n".join(f"{title}: {dotted(path)}: {message}" for path, message in wrong))
    return Located(document, sound)


def read_quota_documents(file: str, text: str) -> list[Located]:
    """Those of our kinds; documents of others are skipped.

    Raises:
        QuotaDocumentError: it is not YAML, or a document of ours cannot be used.
    """
    try:
        found = _read_json(file, text) if file.endswith(".json") else read(file, text)
        documents = [each for each in found if is_quota_document(each)]
    except UnreadableError as error:
        raise QuotaDocumentError(f"{file}:{error.line}: cannot be read: {error}") from error
    wrong: list[str] = []
    sound: list[Located] = []
    for document in documents:
        content, problems_found = validated(document, DOCUMENTS[document.content["kind"]])
        wrong += [
            f"{file}:{document.line(path)}: {dotted(path)}: {message}" for path, message in problems_found
        ]
        if content is not None:
            sound.append(Located(document, content))
    if wrong:
        raise QuotaDocumentError("\n".join(wrong))
    return sound


def is_quota_document(document: Document) -> bool:
    kind = document.content.get("kind")
    return isinstance(kind, str) and kind in DOCUMENTS


def _read_json(file: str, text: str) -> Iterator[Document]:
    """Programs write large files, and YAML takes a hundred times as long; only the field tells where."""
    try:
        content = json.loads(text, object_pairs_hook=_unique, parse_float=str)
    except json.JSONDecodeError as error:
        raise UnreadableError(error.msg, error.lineno) from error
    except (ValueError, RecursionError) as error:
        raise UnreadableError(str(error), 1) from error
    if isinstance(content, dict):
        yield Document(file, content, {(): 1}, ())


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) < len(pairs):
        twice = next(key for at, (key, _) in enumerate(pairs) if key in dict(pairs[:at]))
        raise ValueError(f"{twice} is written twice: leave one of them out")
    return unique
