"""The rules of a quota policy's consumption."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from devperfops_operator.api.coverage_rules import RAW
from devperfops_operator.api.rules import Rule, matches

_WINDOW: Final = "^[^/]+/([1-9][0-9]{0,3})?(s|min|h|d)(/.*)?$"
_CORES: Final = "^(cores|millicores)$"
_BYTES: Final = "^(By|bytes|[KMGT]iBy|[kMGT]By)$"
_UNITS: Final = {"Calls": _WINDOW, "CPU": _CORES, "Memory": _BYTES}

SERIES: Final = Rule.matching(
    RAW,
    'is not a raw series: write its name and labels in one line, such as ledger_calls_total{app="shop"}, '
    "without sum() or rate()",
)
CALLS_HAVE_SERIES: Final = Rule.of(
    "has(self.series) || (has(self.counts) && self.counts != 'Calls')",
    lambda metered: metered.get("series") is not None or metered.get("counts", "Calls") != "Calls",
    "series is needed to count calls: write the raw counter at Prometheus, or counts: CPU or Memory",
    field="series",
)


def _fits(metered: Mapping[str, Any]) -> bool:
    return re.fullmatch(_UNITS[metered.get("counts", "Calls")], metered["unit"]) is not None


FITTING_UNIT: Final = Rule.of(
    f"(has(self.counts) && self.counts == 'CPU') ? {matches('self.unit', _CORES)} : "
    f"((has(self.counts) && self.counts == 'Memory') ? {matches('self.unit', _BYTES)} : "
    f"{matches('self.unit', _WINDOW)})",
    _fits,
    "unit does not fit what is counted: write 1/min or such for Calls, cores for CPU, GiBy for Memory",
    field="unit",
)


SOMETHING_METERED: Final = Rule.of("self.size() > 0", bool, "is empty: write at least one limit")


def _limits(metered: list[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    return [(each["service"], each["metric"], each.get("dimensions") or {}) for each in metered]


DISTINCT_LIMITS: Final = Rule.of(
    "self.all(a, self.exists_one(b, a.service == b.service && a.metric == b.metric && "
    "has(a.dimensions) == has(b.dimensions) && (!has(a.dimensions) || a.dimensions == b.dimensions)))",
    lambda metered: all(_limits(metered).count(each) == 1 for each in _limits(metered)),
    "a limit is there twice: write each once",
)
