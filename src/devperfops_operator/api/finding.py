"""What is found, and where."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from devperfops_operator.api.documents import Document, Path


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
class Problem:
    path: Path
    message: str
    severity: Severity = Severity.ERROR


def located(document: Document, problem: Problem) -> Finding:
    return Finding(
        document.file, document.line(problem.path), dotted(problem.path), problem.message, problem.severity
    )


def dotted(path: Path) -> str:
    """As people write a path: `spec.objectives[0].expect`."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")
