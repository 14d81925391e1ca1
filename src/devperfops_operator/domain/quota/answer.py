"""What a gate's quota policy says of a release that is to be promoted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from devperfops_operator.api.quota import Environment, Mode
from devperfops_operator.api.quota_documents import Located, QuotaDocumentError, read_quota_documents
from devperfops_operator.domain.quota.asked import Asked, asked
from devperfops_operator.domain.quota.check import Observed, check
from devperfops_operator.domain.quota.entry import Reading
from devperfops_operator.domain.quota.finding import Finding, Report, Verdict

_TOLD: Final = 3  # findings, and how many more


@dataclass(frozen=True, slots=True)
class QuotaAnswer:
    """`message`: for people; empty where all is granted. `blocks`: whether a Regression does."""

    verdict: Verdict
    blocks: bool
    message: str


def quota_answer(name: str, data: Mapping[str, str] | None, now: datetime) -> QuotaAnswer:
    """`name`, `data`: of the ConfigMap that holds the policy and what it names; None: there is none.

    What cannot be read is an Error: neither a pass nor a regression.
    """
    try:
        return _checked(_asked(name, data), now)
    except QuotaDocumentError as error:
        return QuotaAnswer(Verdict.ERROR, blocks=True, message=f"quota: {' '.join(str(error).split())}")


def _asked(name: str, data: Mapping[str, str] | None) -> Asked:
    if data is None:
        message = f"ConfigMap {name} does not exist; create it with a QuotaPolicy and the limits it names"
        raise QuotaDocumentError(message)

    def named(file: str) -> list[Located]:
        if file not in data:
            raise QuotaDocumentError(
                f"ConfigMap {name} has no key {file}, which its QuotaPolicy names; add it"
            )
        return read_quota_documents(f"{name}/{file}", data[file])

    found = asked((each for file in sorted(data) for each in named(file)), named)
    if found is None:
        raise QuotaDocumentError(f"ConfigMap {name} does not hold one QuotaPolicy; write one, in any key")
    return found


def _checked(wanted: Asked, now: datetime) -> QuotaAnswer:
    spec = wanted.policy.spec
    baseline, serving = (_reading(wanted, each) for each in (spec.baseline, spec.serving))
    observed = Observed(baseline, serving, wanted.peaks(), None, wanted.waivers)
    report = check(wanted.terms, observed, now)
    return QuotaAnswer(report.verdict, spec.mode is Mode.ENFORCE, _message(wanted, report))


def _reading(wanted: Asked, environment: Environment) -> Reading:
    if environment.file is None:
        raise QuotaDocumentError(
            f"the operator reads files only, and environment {environment.name} is none: have the pipeline "
            "write its limits into the ConfigMap as QuotaLimits, and name them by file"
        )
    return wanted.limits(environment.name, environment.file)


def _message(wanted: Asked, report: Report) -> str:
    """`quota policy january: production grants less than is asked of it: ...; waived by Ada until ...`."""
    waived = "; ".join(
        f"{each.title} is waived by {each.waiver.approver} until {each.waiver.expires:%Y-%m-%d %H:%M %Z}"
        for each in report.findings
        if each.waiver is not None
    )
    parts = [part for part in (_worst(wanted, report), waived) if part]
    return f"quota policy {wanted.policy.metadata.name}: {'; '.join(parts)}" if parts else ""


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
