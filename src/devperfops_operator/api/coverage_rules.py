"""The rules of a gate's coverage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from devperfops_operator.api.quantity import QuantityError, parse_percent
from devperfops_operator.api.rules import Rule, matches

MAX_WEEKS: Final = 4
RAW: Final = r"^ *[a-zA-Z_:][a-zA-Z0-9_:]* *(\{[^\n]*\} *)?$"
_LABEL: Final = "^[a-zA-Z_][a-zA-Z0-9_]*$"
_SHARE: Final = r"^[0-9]{1,2}([.][0-9]{1,4})?%$"


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
    "has(self.by) && self.by.size() > 0",
    lambda coverage: bool(coverage.get("by")),
    "no label says what an endpoint is: write those of the counter, such as by: [method, route]",
    field="by",
)
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
    return "coverage" not in spec or "prometheus" in spec


COVERAGE_HAS_PROMETHEUS: Final = Rule.of(
    "!has(self.coverage) || has(self.prometheus)",
    _has_prometheus,
    "coverage compares with the traffic of the past, which Prometheus keeps: "
    "write the name of a server from the operator's settings, such as prometheus: monitoring",
    field="prometheus",
)
