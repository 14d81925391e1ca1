"""What a gate's quota policy says of a release that is to be promoted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from devperfops_operator.api.perfrun import ConsumptionStatus
from devperfops_operator.api.quota import Mode
from devperfops_operator.api.quota_documents import QuotaDocumentError
from devperfops_operator.api.quota_sources import not_for_operators
from devperfops_operator.domain.quota.asked import Asked
from devperfops_operator.domain.quota.check import Observed, check
from devperfops_operator.domain.quota.consumed import consumption_status
from devperfops_operator.domain.quota.consumption import Consumed, Metering
from devperfops_operator.domain.quota.finding import Finding, Report, Verdict, Waiver

_TOLD: Final = 3  # findings, and how many more


@dataclass(frozen=True, slots=True)
class QuotaAnswer:
    """`message`: for people; empty where all is granted. `blocks`: whether a Regression does.

    `metering`: what a run is to measure for the policy; `consumption`: what came of that.
    """

    verdict: Verdict
    blocks: bool
    message: str
    metering: Metering | None = None
    consumption: ConsumptionStatus | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """An answer, and what it was made from. None: the policy or what it names could not be read."""

    answer: QuotaAnswer
    asked: Asked | None = None
    report: Report | None = None


def checked(read: Callable[[], Asked], now: datetime, consumed: Consumed | None = None) -> Checked:
    """By a policy and what it names, wherever `read` finds it. `consumed`: what a run has measured for it.

    What cannot be read is an Error: neither a pass nor a regression.
    """
    try:
        wanted = read()
        report = _report(wanted, now, consumed)
    except QuotaDocumentError as error:
        return unread(str(error))
    blocks = wanted.policy.spec.mode is Mode.ENFORCE
    metering = wanted.terms.metering
    answer = QuotaAnswer(
        verdict=report.verdict,
        blocks=blocks,
        message=_message(wanted, report),
        metering=metering,
        consumption=consumption_status(metering, consumed, report) if metering and consumed else None,
    )
    return Checked(answer, wanted, report)


def unread(why: str) -> Checked:
    return Checked(QuotaAnswer(Verdict.ERROR, blocks=True, message=f"quota: {' '.join(why.split())}"))


def _report(wanted: Asked, now: datetime, consumed: Consumed | None) -> Report:
    spec = wanted.policy.spec
    for environment in (spec.baseline, spec.serving):
        if (problem := not_for_operators(environment)) is not None:
            raise QuotaDocumentError(problem)
    baseline, serving = (wanted.limits(each.name, each.file or "") for each in (spec.baseline, spec.serving))
    observed = Observed(baseline, serving, wanted.peaks(), None, wanted.waivers, consumed)
    return check(wanted.terms, observed, now)


def _message(wanted: Asked, report: Report) -> str:
    """`quota policy january: production grants less than is asked of it: ...; waived by Ada until ...`."""
    parts = [part for part in (_worst(wanted, report), *_waived(report), *_no_more(report)) if part]
    return f"quota policy {wanted.policy.metadata.name}: {'; '.join(parts)}" if parts else ""


def _waived(report: Report) -> Iterator[str]:
    for each in report.findings:
        if each.waiver is not None:
            yield f"{each.title} is waived by {_until(each.waiver)}"


def _no_more(report: Report) -> Iterator[str]:
    """Why what passed the last time does not."""
    blocking = [each for each in report.findings if each.counted is Verdict.REGRESSION]
    for waiver in report.expired:
        if any(map(waiver.covers, blocking)):
            yield f"waiver {waiver.name} by {_until(waiver)} does not count any more"


def _until(waiver: Waiver) -> str:
    return f"{waiver.approver} until {waiver.expires:%Y-%m-%d %H:%M %Z}"


def _worst(wanted: Asked, report: Report) -> str:
    if report.verdict is Verdict.PASS:
        return ""
    of = [each for each in report.findings if each.counted is report.verdict]
    more = f"; and {len(of) - _TOLD} more" if len(of) > _TOLD else ""
    told = "; ".join(map(_told, of[:_TOLD]))
    says = {
        Verdict.ERROR: "not everything could be checked",
        Verdict.REGRESSION: f"{wanted.policy.spec.serving.name} grants less than is asked of it",
        Verdict.WARN: "to look at",
    }[report.verdict]
    return f"{says}: {told}{more}"


def _told(finding: Finding) -> str:
    remedy = f" ({finding.remedy})" if finding.remedy else ""
    return f"{finding.title}: {finding.cause}{remedy}"
