"""A verdict, once the quota policy has been asked."""

from __future__ import annotations

from devperfops_operator.api.perfrun import Verdict
from devperfops_operator.domain.judgement import Judgement, decided
from devperfops_operator.domain.quota.answer import QuotaAnswer
from devperfops_operator.domain.quota.finding import Verdict as Quota
from devperfops_operator.domain.verdict import Reason


def unknown(answer: QuotaAnswer | None) -> Judgement | None:
    """Before the load: a policy that cannot be read will let nothing pass, so nothing need be loaded."""
    if answer is None or answer.verdict is not Quota.ERROR:
        return None
    return decided(Reason.QUOTA_UNKNOWN, answer.message)


def under_quota(judgement: Judgement, answer: QuotaAnswer | None) -> Judgement:
    """A Pass needs production to grant what was tested. Other verdicts stand as they are."""
    if answer is None or judgement.verdict is not Verdict.PASS or not answer.message:
        return judgement
    if answer.verdict is Quota.ERROR:
        return decided(Reason.QUOTA_UNKNOWN, f"{answer.message}; otherwise {judgement.message}")
    if answer.verdict is Quota.REGRESSION and answer.blocks:
        return decided(Reason.QUOTA_REGRESSION, f"{answer.message}; otherwise {judgement.message}")
    return decided(judgement.reason, f"{judgement.message}; {answer.message}")
