"""`slo` as JSON, schema devperfops.io/slo/v1: times in ms, shares from 0 to 1. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from devperfops_operator.analysis.callgraph.estimate import Between
from devperfops_operator.analysis.callgraph.graph import WHOLE
from devperfops_operator.domain.slo.derive import Objectives, Share
from devperfops_operator.domain.slo.figures import Sla
from devperfops_operator.domain.slo.judged import Judged

_SCHEMA: Final = "devperfops.io/slo/v1"
_US_PER_MS: Final = 1_000


def checked(name: str, found: Sequence[Judged]) -> dict[str, Any]:
    return {"schema": _SCHEMA, "graph": name, "slas": [_judged(each) for each in found]}


def derived(name: str, shares: Sequence[Share], objectives: Mapping[str, Objectives]) -> dict[str, Any]:
    return {
        "schema": _SCHEMA,
        "graph": name,
        "slas": [{**_sla(each.sla), "hops": each.hops, "factor": each.factor} for each in shares],
        "objectives": [
            {
                "hop": hop,
                "latency": [
                    {"ms": point.us / _US_PER_MS, "target": 1 - point.over / WHOLE} for point in each.points
                ],
                "availability": None if each.bad is None else 1 - each.bad / WHOLE,
            }
            for hop, each in objectives.items()
        ],
    }


def _judged(judged: Judged) -> dict[str, Any]:
    return {
        **_sla(judged.sla),
        "standing": judged.standing,
        "reason": judged.reason,
        "by": list(judged.by),
        "sum": {
            "share": None if judged.share is None else judged.share / WHOLE,
            "ms": None if judged.us is None else judged.us / _US_PER_MS,
            "lines": [
                {
                    "hop": line.hop,
                    "how": line.how,
                    "share": line.share / WHOLE,
                    "ms": None if line.us is None else line.us / _US_PER_MS,
                }
                for line in judged.lines
            ],
        },
        "likelyShare": _between(judged.likely_share),
        "likelyMs": _between(judged.likely_us, _US_PER_MS),
        "warnings": list(judged.warnings),
    }


def _sla(sla: Sla) -> dict[str, Any]:
    return {"root": sla.root, "sla": sla.text, "allowed": sla.allowed / WHOLE}


def _between(between: Between | None, unit: int = 1) -> list[float | None] | None:
    if between is None:
        return None
    return [between.least / unit, None if between.most is None else between.most / unit]
