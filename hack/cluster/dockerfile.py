"""What a Dockerfile depends on: read from its text, so that an unchanged image is not built again."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

_IGNORED: Final = frozenset({".git", "__pycache__", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache"})


def copied(text: str) -> list[str]:
    """The paths and patterns of the build context that COPY and ADD take, in order.

    Not those taken from another stage, nor addresses.
    """
    return [source for line in _instructions(text) for source in _sources(line)]


def normalized(name: str) -> str:
    """An image name in full, as containerd and the kubelet store it.

    >>> normalized("devperfops/operator")
    'docker.io/devperfops/operator:latest'
    """
    registry, slash, rest = name.partition("/")
    has_registry = bool(slash) and ("." in registry or ":" in registry or registry == "localhost")
    if not has_registry:
        rest = name if slash else f"library/{name}"
        registry = "docker.io"
    tag = "" if ":" in rest.rpartition("/")[2] else ":latest"
    return f"{registry}/{rest}{tag}"


def context_key(dockerfile: Path, context: Path, arguments: Iterable[str]) -> str:
    """A hash of all an image is built from: Dockerfile, build arguments, files copied (with x bits)."""
    text = dockerfile.read_text()
    digest = hashlib.sha256(json.dumps([text, sorted(arguments)]).encode())
    for path in sorted(_files(context, copied(text))):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        executable = bool(path.stat().st_mode & 0o100)
        digest.update(json.dumps([str(path.relative_to(context)), executable, content]).encode())
    return digest.hexdigest()[:12]


def _instructions(text: str) -> Iterator[str]:
    """The instructions of a Dockerfile, continued lines joined, comments dropped."""
    joined = ""
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            continue
        joined += line.rstrip().removesuffix("\\")
        if not line.rstrip().endswith("\\"):
            yield joined.strip()
            joined = ""
    if joined.strip():
        yield joined.strip()


def _sources(instruction: str) -> list[str]:
    word, _, rest = instruction.partition(" ")
    if word.upper() not in {"COPY", "ADD"}:
        return []
    words = shlex.split(rest)
    flags = [each for each in words if each.startswith("--")]
    if any(flag.startswith("--from=") for flag in flags):
        return []
    plain = [each for each in words if not each.startswith("--")]
    if plain and plain[0].startswith("["):
        plain = json.loads(rest[rest.index("[") :])
    return [source for source in plain[:-1] if "://" not in source]


def _files(context: Path, patterns: Iterable[str]) -> set[Path]:
    found: set[Path] = set()
    for pattern in patterns:
        relative = pattern.strip("/").removeprefix("./")
        matches = context.glob(relative) if relative not in {"", "."} else [context]
        for match in matches:
            found.update(match.rglob("*") if match.is_dir() else [match])
    return {path for path in found if path.is_file() and not _IGNORED & set(path.relative_to(context).parts)}
