"""The report as SARIF 2.1.0, for code scanning: what asks for a person, at the policy's file. Pure."""

from __future__ import annotations

import hashlib
from pathlib import PurePath
from typing import Any, Final
from urllib.parse import quote

from devperfops_operator.cli.render.quota.shown import Shown, waiver_note
from devperfops_operator.domain.quota.finding import Finding, Rule, Verdict

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_RULES: Final = {
    Rule.BASELINE: "Serving grants at least what the load test was granted.",
    Rule.PEAK: "What the load test used, times the safety, is left in serving.",
    Rule.SNAPSHOT: "Serving grants at least what it did when the snapshot was approved.",
    Rule.NEED: "Serving grants what is needed at this time of the year.",
    Rule.CONSUMPTION: "Serving grants what the revision's requests take at production's peak.",
    Rule.READING: "Both environments can be read.",
}


def sarif(shown: Shown) -> dict[str, Any]:
    """What is waived is suppressed, with the waiver as the reason."""
    driver = {
        "name": "devperfops quota",
        "rules": [{"id": _id(rule), "shortDescription": {"text": text}} for rule, text in _RULES.items()],
    }
    run = {
        "tool": {"driver": driver},
        "results": [_result(each, shown) for each in shown.noteworthy],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(finding: Finding, shown: Shown) -> dict[str, Any]:
    remedy = f" To mend it: {finding.remedy}" if finding.remedy else ""
    result: dict[str, Any] = {
        "ruleId": _id(finding.rule),
        "level": _level(finding, shown),
        "message": {"text": f"{finding.title}: {finding.cause}.{remedy}"},
        "locations": [
            {"physicalLocation": {"artifactLocation": {"uri": quote(PurePath(shown.file).as_posix())}}}
        ],
        "partialFingerprints": {"limit/v1": _fingerprint(finding)},
    }
    if finding.waiver:
        justification = waiver_note(finding.waiver)
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": justification}]
    return result


def _id(rule: Rule) -> str:
    return f"quota/{rule.value}"


def _level(finding: Finding, shown: Shown) -> str:
    told_only = finding.verdict is Verdict.REGRESSION and not shown.blocks
    return "warning" if told_only or finding.verdict is Verdict.WARN else "error"


def _fingerprint(finding: Finding) -> str:
    """The same as long as it is about the same limit, whatever the figures."""
    return hashlib.sha256(f"{finding.rule} {finding.title}".encode()).hexdigest()
