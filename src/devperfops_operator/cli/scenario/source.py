"""Reads documents from files and addresses, within bounds: what they refer to is not trusted."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import httpx
import yaml

from devperfops_operator.api.documents import resolvers_without_dates
from devperfops_operator.cli.errors import Trouble
from devperfops_operator.scenario.document import Document, read
from devperfops_operator.scenario.errors import DocumentError
from devperfops_operator.scenario.overlay import Overlay, read_overlay

_LARGEST: Final = 64 << 20
_TIMEOUT_S: Final = 20.0
_WEB: Final = frozenset({"http", "https"})
_COLUMN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Dates stay texts, as in JSON."""


_Loader.yaml_implicit_resolvers = resolvers_without_dates()


def parse(content: bytes) -> Any:
    """JSON or YAML.

    Raises:
        DocumentError: it is neither.
    """
    try:
        if content.lstrip()[:1] in {b"{", b"["}:
            return json.loads(content)
    except ValueError:
        pass  # YAML may begin like that, too
    except RecursionError as error:
        raise DocumentError("is nested too deeply") from error
    try:
        return yaml.load(content, _Loader)  # noqa: S506  a SafeLoader
    except (yaml.YAMLError, ValueError) as error:
        told = " ".join(str(error).split())
        raise DocumentError(f"is neither JSON nor YAML: {told[:200]}") from error
    except RecursionError as error:
        raise DocumentError("is nested too deeply, or contains itself") from error


def open_document(source: str, follow: Collection[str] = ()) -> Document:
    """From a file or an http(s) address. `follow`: servers it may refer to (https://schemas.example.com).

    Raises:
        Trouble: it cannot be read, or is no OpenAPI document.
    """
    servers = [_server(each) for each in follow]
    on_web = urlsplit(source).scheme in _WEB
    address = source if on_web else Path(source).resolve().as_uri()
    bring = _from_web if on_web else _from_file
    try:
        return read(parse(bring(address)), address, _neighbours(address, servers))
    except DocumentError as error:
        raise Trouble(f"{source}: {error}.") from error


def open_overlay(file: Path | None) -> Overlay:
    """Nothing where there is no file.

    Raises:
        Trouble: it cannot be read, or says what an overlay cannot say.
    """
    if file is None:
        return Overlay()
    try:
        return read_overlay(parse(_content(file)))
    except DocumentError as error:
        raise Trouble(f"{file}: {error}.") from error


def columns_of(file: Path | None) -> list[str]:
    """Of a CSV file with a header and at least one row.

    Raises:
        Trouble: it cannot be read, or is not like that.
    """
    if file is None:
        return []
    try:
        rows = list(csv.reader(_content(file).decode("utf-8-sig").splitlines()))[:2]
    except (DocumentError, UnicodeDecodeError, csv.Error) as error:
        raise Trouble(f"{file}: {error}.") from error
    wrong = next((name for name in rows[0] if not _COLUMN.fullmatch(name)), None) if rows else "none"
    if wrong is not None or len(rows) < 2:  # noqa: PLR2004
        raise Trouble(
            f"{file} must have a header of names (letters, digits and _) and at least one row; it has "
            f"{'no rows' if wrong is None else f'the name {wrong!r}'}."
        )
    return rows[0]


def _server(url: str) -> tuple[str, str]:
    """Scheme, and host with port."""
    told = urlsplit(url)
    if told.scheme not in _WEB or not told.netloc or told.path.strip("/") or told.query or told.fragment:
        raise Trouble(f"--follow {url} is not a server: write one such as https://schemas.example.com.")
    return told.scheme, told.netloc


def _neighbours(address: str, servers: Collection[tuple[str, str]]) -> Callable[[str], Any]:
    """Brings what a document refers to: files in its folder and below, pages of its own and those servers."""
    own = urlsplit(address)
    folder = address.rpartition("/")[0] + "/"

    def fetch(other: str) -> Any:
        there = urlsplit(other)
        if there.scheme in _WEB and (there.scheme, there.netloc) in {*servers, (own.scheme, own.netloc)}:
            return parse(_from_web(other))
        inside = other.startswith(folder) and ".." not in unquote(there.path).split("/")
        if own.scheme == there.scheme == "file" and inside:
            return parse(_from_file(other))
        raise DocumentError(f"{other} is not beside the document")

    return fetch


def _from_file(address: str) -> bytes:
    return _content(Path(unquote(urlsplit(address).path)))


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            content = opened.read(_LARGEST + 1)
    except OSError as error:
        raise DocumentError(f"cannot be read: {error.strerror}") from error
    return _bounded(content)


def _from_web(address: str) -> bytes:
    content = b""
    try:
        with httpx.stream("GET", address, timeout=_TIMEOUT_S) as answer:
            answer.raise_for_status()
            for piece in answer.iter_bytes():
                content += piece
                _bounded(content)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise DocumentError(f"cannot be fetched: {error}") from error
    return content


def _bounded(content: bytes) -> bytes:
    if len(content) > _LARGEST:
        raise DocumentError(f"is larger than {_LARGEST >> 20} MiB")
    return content
