"""OpenSLO v1: which objectives of a service are promises about its time or its availability.

An objective with `op` and `value` is about a time (thresholdMetric), one without about a share of good events
(ratioMetric). OpenSLO has neither units nor endpoints: a value is in seconds, unless the document has the
annotation devperfops.io/unit: ms, and about the whole service, unless it has devperfops.io/endpoint: NAME.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import yaml

from devperfops_operator.api.documents import Document, Path
from devperfops_operator.api.finding import Finding, Severity, dotted

API_VERSION: Final = "openslo/v1"
UNIT: Final = "devperfops.io/unit"
ENDPOINT: Final = "devperfops.io/endpoint"
_US_PER: Final = {"s": 1_000_000, "ms": 1_000}
_AT_MOST: Final = frozenset({"lte", "lt"})


@dataclass(frozen=True, slots=True)
class Promise:
    """Of the requests to `service`, at least the share `target` is good; and takes at most `us`, if given."""

    service: str
    document: str
    target: Fraction
    us: int | None = None
    endpoint: str | None = None


class _Unreadable(Exception):
    def __init__(self, path: Path, message: str, severity: Severity = Severity.ERROR) -> None:
        super().__init__(message)
        self.path = path
        self.severity = severity


def promises(documents: Sequence[Document]) -> tuple[list[Promise], list[Finding]]:
    """Of all SLO documents, and what cannot be read of them. Other kinds are passed over."""
    indicators = {_name(each.content): each.content for each in documents if _is(each, "SLI")}
    found: list[Promise] = []
    findings: list[Finding] = []
    for document in documents:
        if not _is(document, "SLO"):
            continue
        try:
            found.extend(_promises(document.content, indicators))
        except _Unreadable as error:
            line = document.line(error.path)
            findings.append(Finding(document.file, line, dotted(error.path), str(error), error.severity))
    return found, findings


def _is(document: Document, kind: str) -> bool:
    return document.content.get("apiVersion") == API_VERSION and document.content.get("kind") == kind


def _name(content: Mapping[str, Any]) -> str:
    metadata = content.get("metadata")
    return str(metadata.get("name", "")) if isinstance(metadata, dict) else ""


def _promises(slo: Mapping[str, Any], indicators: Mapping[str, Mapping[str, Any]]) -> Iterator[Promise]:
    spec = slo.get("spec")
    if not isinstance(spec, dict) or not isinstance(spec.get("service"), str):
        raise _Unreadable(("spec",), "has no service: write spec.service, the name it has in the graph")
    if spec.get("budgetingMethod", "Occurrences") != "Occurrences":
        raise _Unreadable(
            ("spec", "budgetingMethod"),
            f"{spec['budgetingMethod']} counts slices of time, from which nothing follows for single "
            "requests: it is left out; write Occurrences to have it count",
            Severity.WARNING,
        )
    objectives = spec.get("objectives")
    if not isinstance(objectives, list) or not objectives:
        raise _Unreadable(("spec", "objectives"), "has no objectives: write at least one, with a target")
    unit, endpoint = _unit(slo), _annotations(slo).get(ENDPOINT)
    for index, objective in enumerate(objectives):
        path: Path = ("spec", "objectives", index)
        if not isinstance(objective, dict):
            raise _Unreadable(path, "is no objective: write its fields, such as target: 0.99")
        us = _threshold_us(path, objective, unit, _metric({**spec, **objective}, indicators))
        yield Promise(spec["service"], _name(slo), _target(path, objective), us, endpoint)


def _unit(slo: Mapping[str, Any]) -> int:
    unit = _annotations(slo).get(UNIT, "s")
    if unit not in _US_PER:
        raise _Unreadable(("metadata", "annotations", UNIT), f'"{unit}" is no unit: write s or ms')
    return _US_PER[unit]


def _annotations(slo: Mapping[str, Any]) -> Mapping[str, str]:
    metadata = slo.get("metadata")
    found = metadata.get("annotations") if isinstance(metadata, dict) else None
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def _metric(spec: Mapping[str, Any], indicators: Mapping[str, Mapping[str, Any]]) -> str | None:
    """`thresholdMetric` or `ratioMetric`; None: the indicator is not among the documents."""
    indicator = spec.get("indicator") or indicators.get(str(spec.get("indicatorRef")), {})
    inner = indicator.get("spec") or {} if isinstance(indicator, dict) else {}
    return next((metric for metric in ("thresholdMetric", "ratioMetric") if metric in inner), None)


def _threshold_us(path: Path, objective: Mapping[str, Any], unit: int, metric: str | None) -> int | None:
    value = objective.get("value")
    if value is None and metric != "thresholdMetric":
        return None
    if value is not None and metric == "ratioMetric":
        raise _Unreadable(
            (*path, "value"), "belongs to a thresholdMetric, and the indicator is a ratioMetric: leave it out"
        )
    threshold = _number((*path, "value"), value, "the threshold, such as 0.3")
    if threshold <= 0:
        raise _Unreadable((*path, "value"), f"{value} is no time: write a value above 0, such as 0.3")
    if objective.get("op") not in _AT_MOST:
        raise _Unreadable(
            (*path, "op"),
            f"{objective.get('op')} is no limit for a time: write lte or lt, or leave value out",
        )
    return int(threshold * unit)


def _target(path: Path, objective: Mapping[str, Any]) -> Fraction:
    field = "targetPercent" if "targetPercent" in objective else "target"
    whole = 100 if field == "targetPercent" else 1
    target = _number((*path, field), objective.get(field), "which share is to be good, such as target: 0.99")
    if not 0 < target < whole:
        raise _Unreadable(
            (*path, field), f"{objective[field]} is no share: write a number above 0 and under {whole}"
        )
    return target / whole


def _number(path: Path, value: Any, what: str) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | float):
        shown = "nothing" if value is None else value
        raise _Unreadable(path, f"{shown} is no number: write {what}")
    return Fraction(str(value))


def to_yaml(promised: Iterable[Promise], described: str) -> str:
    """One document for each service's times and one for its availability, over 28 days."""
    grouped: dict[tuple[str, str], list[Promise]] = {}
    for each in promised:
        grouped.setdefault((each.service, each.document), []).append(each)
    documents = [_document(*key, group, described) for key, group in grouped.items()]
    return yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True, width=110)


def _document(service: str, name: str, group: Sequence[Promise], described: str) -> dict[str, Any]:
    endpoint = group[0].endpoint
    annotations = {} if endpoint is None else {"annotations": {ENDPOINT: endpoint}}
    return {
        "apiVersion": API_VERSION,
        "kind": "SLO",
        "metadata": {"name": name, **annotations},
        "spec": {
            "description": described,
            "service": service,
            "indicatorRef": name,
            "timeWindow": [{"duration": "28d", "isRolling": True}],
            "budgetingMethod": "Occurrences",
            "objectives": [_objective(each) for each in group],
        },
    }


def _objective(promise: Promise) -> dict[str, Any]:
    target = {"target": float(promise.target)}
    return target if promise.us is None else {"op": "lte", "value": promise.us / _US_PER["s"], **target}
