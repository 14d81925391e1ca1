"""The report as JSON, schema devperfops.io/quota/v1: limits are texts in `unit`, or "unlimited". Pure."""

from __future__ import annotations

from typing import Any, Final

from devperfops_operator.cli.render.quota.shown import Shown, conclusion, outcome
from devperfops_operator.domain.quota.entry import Limit, limit_json
from devperfops_operator.domain.quota.finding import Finding, Waiver

_SCHEMA: Final = "devperfops.io/quota/v1"


def document(shown: Shown) -> dict[str, Any]:
    """Every key is always there."""
    return {
        "schema": _SCHEMA,
        "policy": shown.policy,
        "mode": shown.mode.value,
        "baseline": shown.baseline,
        "serving": shown.serving,
        "checkedAt": shown.at.isoformat(),
        "verdict": shown.report.verdict.value,
        "conclusion": conclusion(shown),
        "findings": [_finding(each) for each in shown.sorted],
        "expiredWaivers": [_waiver(each) for each in shown.report.expired],
        "unneededWaivers": [_waiver(each) for each in shown.report.unneeded],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "verdict": outcome(finding),
        "rule": finding.rule.value,
        "service": finding.service,
        "metric": finding.metric,
        "dimensions": dict(finding.dimensions),
        "unit": None if finding.unit is None else str(finding.unit),
        "asked": _amount(finding.wanted),
        "granted": _amount(finding.limit),
        "peak": _amount(finding.peak),
        "headroom": _amount(finding.headroom),
        "cause": finding.cause,
        "remedy": finding.remedy or None,
        "waiver": None if finding.waiver is None else _waiver(finding.waiver),
    }


def _amount(limit: Limit | None) -> str | None:
    return None if limit is None else limit_json(limit)


def _waiver(waiver: Waiver) -> dict[str, str]:
    return {
        "name": waiver.name,
        "service": waiver.service,
        "metric": waiver.metric,
        "reason": waiver.reason,
        "approver": waiver.approver,
        "expires": waiver.expires.isoformat(),
    }
