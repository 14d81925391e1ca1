"""The rules of a gate's coverage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from devperfops_operator.api.quantity import QuantityError, parse_percent
from devperfops_operator.api.rules import Rule, matches

MAX_WEEKS: Final = 4
RAW: Final = r"^ *[a-zA-Z_:][a-zA-Z0-9_:]* *(\{[^\n]*\} *)?$"
_LABEL: Final = "^[a-zA-Z_][a-zA-Z0-9_]*$"
_COUNTED: Final = "(has(self.traffic) || has(self.tested))"
_SHARE: Final = r"^[0-9]{1,2}([.][0-9]{1,4})?%$"


def _counted(coverage: Mapping[str, Any]) -> bool:
    return "traffic" in coverage or "tested" in coverage


def _share_problem(text: str) -> str | None:
    try:
        parse_percent(text)
    except QuantityError as error:
        return str(error)
    return None


COUNTER: Final = Rule.matching(
    RAW,
    "is not the raw counter of requests: write its name and labels in one line, such as "
    'http_requests_total{app="cart"}, without sum() or rate()',
)
LABEL: Final = Rule.matching(
    _LABEL,
    '"{self}" is not the name of a label: write one that the counter has, such as route',
)
SOME_LABEL: Final = Rule.of(
    f"!{_COUNTED} || has(self.by) && self.by.size() > 0",
    lambda coverage: not _counted(coverage) or bool(coverage.get("by")),
    "no label says what an endpoint is: write those of the counter, such as by: [method, route]",
    field="by",
)
LABELS_OF_JMETER: Final = Rule.of(
    f"!has(self.labels) || !{_COUNTED}",
    lambda coverage: "labels" not in coverage or not _counted(coverage),
    "labels are JMeter's, whose counts are not asked where a counter of Prometheus is: "
    "write either labels, or traffic and tested",
    field="labels",
)
DISTINCT_LABELS: Final = Rule.distinct("label", "a label is named twice: write each one once")
WEEKS: Final = Rule.of(
    f"self >= 1 && self <= {MAX_WEEKS}",
    lambda value: 1 <= value <= MAX_WEEKS,
    f"weeks must lie between 1 and {MAX_WEEKS}: write how far back the usual traffic is looked up, such as 2",
)
SHARE: Final = Rule(
    cel=matches("self", _SHARE),
    message="is not a percentage: write a number under 100 with a % sign, for example 90%",
    check=_share_problem,
)


def _has_prometheus(spec: Mapping[str, Any]) -> bool:
    return "prometheus" in spec or not _counted(spec.get("coverage", {}))


def _has_past(spec: Mapping[str, Any]) -> bool:
    return "traffic" in spec.get("coverage", {"traffic": ""}) or "profile" in spec.get("load", {})


COVERAGE_HAS_PROMETHEUS: Final = Rule.of(
    "!has(self.coverage) || has(self.prometheus)"
    " || !(has(self.coverage.traffic) || has(self.coverage.tested))",
    _has_prometheus,
    "coverage compares with the traffic of the past, which Prometheus keeps: "
    "write the name of a server from the operator's settings, such as prometheus: monitoring",
    field="prometheus",
)
COVERAGE_HAS_PAST: Final = Rule.of(
    "!has(self.coverage) || has(self.coverage.traffic) || has(self.load) && has(self.load.profile)",
    _has_past,
    "nothing says what traffic is usual: write coverage.traffic, the raw counter of production's requests "
    'such as http_requests_total{app="cart"}, or load.profile',
    field="coverage.traffic",
)
