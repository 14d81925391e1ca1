"""Which of the targets that Prometheus could not scrape belong to an objective's counters.

A target whose scrapes all fail has no series, so its counters are missing without a trace; Prometheus' own
`up` knows it. A selector is about a target if its matchers agree with the target's labels; matchers of labels
that no target has, such as `code`, are about the series alone.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from devperfops_operator.analysis.series import Series

_MATCHER: Final = re.compile(
    r"""([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)"""
)
_POD: Final = ("pod", "pod_name", "kubernetes_pod_name")
_MISSED: Final = 0.2  # of the scrapes that were due, at most


@dataclass(frozen=True, slots=True)
class FailedScrapes:
    """Of one target: its labels, and how many scrapes of it failed in a window."""

    labels: Mapping[str, str]
    count: float


@dataclass(frozen=True, slots=True)
class JudgedPods:
    """Whose pods are judged. `replica_sets`: names of those of the judged revision; empty: not known yet."""

    deployment: str
    replica_sets: frozenset[str] = frozenset()

    def has(self, pod: str) -> bool:
        """`cart-7c9d6f-x2x4k` is of `cart`, and of its ReplicaSet `cart-7c9d6f`."""
        replica_set, _, _ = pod.rpartition("-")
        ours = re.fullmatch(f"{re.escape(self.deployment)}-[a-z0-9]+-[a-z0-9]+", pod) is not None
        return ours and (not self.replica_sets or replica_set in self.replica_sets)


def jobs(counters: Sequence[Series]) -> Sequence[str]:
    """The jobs that scrape these."""
    return sorted({series.labels["job"] for series in counters if series.labels.get("job")})


def unscraped(
    failed: Sequence[FailedScrapes], selector: str, judged: JudgedPods, due: float
) -> Sequence[str]:
    """Names of the targets that are of the selector and missed too many of the `due` scrapes.

    Where targets have the pod's name, only the judged pods count: those of the revision before go meanwhile.
    """
    return sorted(
        _name(target.labels)
        for target in failed
        if target.count > _MISSED * due
        and selects(selector, target.labels)
        and ((pod := pod_of(target.labels)) is None or judged.has(pod))
    )


def selects(selector: str, labels: Mapping[str, str]) -> bool:
    """Whether a target with these labels may have series of the selector."""
    _, _, matchers = selector.partition("{")
    return all(
        _agrees(labels[name], operator, _text(quoted))
        for name, operator, quoted in _MATCHER.findall(matchers)
        if name in labels
    )


def _agrees(value: str, operator: str, wanted: str) -> bool:
    match operator:
        case "=":
            return value == wanted
        case "!=":
            return value != wanted
        case _:
            return _fits(wanted, value) is not (operator == "!~")


def _fits(pattern: str, value: str) -> bool:
    """The whole value, as Prometheus does it."""
    return re.fullmatch(pattern, value) is not None


def _text(quoted: str) -> str:
    return quoted[1:-1] if quoted[0] == "`" else str(ast.literal_eval(quoted))


def pod_of(labels: Mapping[str, str]) -> str | None:
    """Whose series or target it is, if it says so."""
    return next((labels[name] for name in _POD if name in labels), None)


def _name(labels: Mapping[str, str]) -> str:
    return pod_of(labels) or labels.get("instance", "a target")
