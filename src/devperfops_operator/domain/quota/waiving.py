"""Who lets a regression be, and until when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from devperfops_operator.domain.quota.finding import Finding, Report, Verdict, Waiver


def waived(findings: Sequence[Finding], waivers: Sequence[Waiver], now: datetime) -> Report:
    """Only regressions can be waived: an error says that nothing is known."""
    standing = [waiver for waiver in waivers if now < waiver.expires]
    regressions = [finding for finding in findings if finding.verdict is Verdict.REGRESSION]
    return Report(
        findings=[_waived(finding, standing) for finding in findings],
        expired=[waiver for waiver in waivers if waiver.expires <= now],
        unneeded=[waiver for waiver in standing if not any(map(waiver.covers, regressions))],
    )


def _waived(finding: Finding, standing: Sequence[Waiver]) -> Finding:
    if finding.verdict is not Verdict.REGRESSION:
        return finding
    return replace(finding, waiver=next((each for each in standing if each.covers(finding)), None))
