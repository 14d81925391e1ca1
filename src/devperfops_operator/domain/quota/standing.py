"""A quota policy's status, and when it is to be looked at again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final

from devperfops_operator.api.base import ConditionStatus, ConditionType
from devperfops_operator.api.quota_status import (
    QuotaCounts,
    QuotaPolicyStatus,
    QuotaRow,
    StoredQuotaPolicy,
)
from devperfops_operator.domain.conditions import Told, set_conditions
from devperfops_operator.domain.quota.answer import Checked
from devperfops_operator.domain.quota.asked import Asked
from devperfops_operator.domain.quota.entry import Limit, limit_text
from devperfops_operator.domain.quota.finding import ORDER, Finding, Report, Rule, Verdict

UNKNOWN: Final = "QuotaUnknown"
GRANTED: Final = "QuotaGranted"
WAIVED: Final = "QuotaWaived"
_REASONS: Final = {
    Verdict.PASS: GRANTED,
    Verdict.WARN: "QuotaToLookAt",
    Verdict.REGRESSION: "QuotaRegression",
    Verdict.ERROR: UNKNOWN,
}
_PASSED: Final = {
    Verdict.REGRESSION: ConditionStatus.FALSE,
    Verdict.ERROR: ConditionStatus.UNKNOWN,
}
_LOOK_AGAIN: Final = timedelta(minutes=10)
"""At a policy that cannot be read."""


def policy_status(policy: StoredQuotaPolicy, checked: Checked, now: datetime) -> QuotaPolicyStatus:
    """The same for the same answer, whenever it is given, but for the time twice an interval."""
    report, asked = checked.report, checked.asked
    generation = policy.metadata.generation
    status = QuotaPolicyStatus(
        observed_generation=generation,
        conditions=set_conditions(policy.status.conditions, _conditions(checked), generation, now),
        checked_at=_checked_at(policy.status.checked_at, _interval(checked), now),
        alert=policy.status.alert,
    )
    if report is None or asked is None:
        return status
    shares = {id(finding): _headroom(finding, asked.terms.scale) for finding in report.findings}
    told = [share for share in shares.values() if share is not None]
    most = Fraction(max(told, default=0) + 1)  # a row without amounts is worse than none
    worst = max(report.findings, key=lambda each: (ORDER[each.counted], -_or(shares[id(each)], most)))
    update = {
        "counts": _counts(report),
        "worst": _row(worst),
        "headroom": None if not told or report.verdict is Verdict.ERROR else f"{float(min(told)):.4g}",
    }
    return status.model_copy(update=update)


def look_again(checked: Checked, now: datetime) -> datetime:
    """When the answer may be another one though nothing has been written."""
    waivers = () if checked.asked is None else checked.asked.waivers
    return min([now + _interval(checked), *(each.expires for each in waivers if each.expires > now)])


def _interval(checked: Checked) -> timedelta:
    return _LOOK_AGAIN if checked.asked is None else checked.asked.policy.spec.interval


def _checked_at(before: datetime | None, interval: timedelta, now: datetime) -> datetime:
    """Not at each look, lest each be a write: who asks whether it is checked at all needs no more."""
    return now if before is None or now - before >= interval / 2 else before


def _conditions(checked: Checked) -> Sequence[Told]:
    verdict = checked.answer.verdict
    known = verdict is not Verdict.ERROR
    message = checked.answer.message or _granted(checked.asked)
    yes, no = ConditionStatus.TRUE, ConditionStatus.FALSE
    ready = ("Checked", "both environments were read") if known else (UNKNOWN, message)
    return (
        (ConditionType.READY, yes if known else no, *ready),
        (ConditionType.STALLED, no if known else yes, *ready),
        (ConditionType.PASSED, _PASSED.get(verdict, yes), _reason(checked), message),
    )


def _reason(checked: Checked) -> str:
    verdict, report = checked.answer.verdict, checked.report
    waived = report is not None and any(each.waiver is not None for each in report.findings)
    return WAIVED if waived and verdict is Verdict.PASS else _REASONS[verdict]


def _granted(asked: Asked | None) -> str:
    return "" if asked is None else f"{asked.policy.spec.serving.name} grants what is asked of it"


def _counts(report: Report) -> QuotaCounts:
    found = Counter(finding.verdict for finding in report.findings if finding.waiver is None)
    return QuotaCounts(
        passed=found[Verdict.PASS],
        warnings=found[Verdict.WARN],
        regressions=found[Verdict.REGRESSION],
        waived=sum(finding.waiver is not None for finding in report.findings),
        errors=found[Verdict.ERROR],
    )


def _row(finding: Finding) -> QuotaRow:
    return QuotaRow(
        rule=finding.rule.value,
        verdict=finding.verdict.value,
        metric=finding.title,
        asked=_text(finding, finding.wanted),
        granted=_text(finding, finding.limit),
        cause=finding.cause,
        remedy=finding.remedy or None,
    )


def _text(finding: Finding, limit: Limit | None) -> str | None:
    return None if limit is None or finding.unit is None else limit_text(limit, finding.unit)


def _headroom(finding: Finding, scale: Fraction) -> Fraction | None:
    """(granted - asked) / asked: -1 where nothing is granted. None: not two amounts, or nothing is asked."""
    granted = finding.headroom if finding.rule is Rule.PEAK else finding.limit
    asked = finding.wanted
    if not isinstance(granted, Fraction) or not isinstance(asked, Fraction) or not asked:
        return None
    if finding.rule is Rule.BASELINE:
        asked /= scale
    return max(Fraction(-1), (granted - asked) / asked)


def _or(share: Fraction | None, otherwise: Fraction) -> Fraction:
    return otherwise if share is None else share
