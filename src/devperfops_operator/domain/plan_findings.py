"""Whether the objectives that decide could show anything at all.

The CRD refuses such gates; one that was stored under an older CRD must not pass all the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from devperfops_operator.domain.load_findings import Finding
from devperfops_operator.domain.objectives import GaugePoints, LivePlan, Plan
from devperfops_operator.domain.verdict import Reason


def plan_findings(plan: Plan) -> Iterator[Finding]:
    """Why the best of evidence would not show that a release is good."""
    critical = plan.critical_objectives
    if not critical:
        yield Finding(
            Reason.NOT_ENOUGH_EVIDENCE,
            "no objective is critical, so nothing that decides was shown: leave critical: false out of at "
            "least one of spec.objectives",
        )
    elif isinstance(plan, LivePlan) and all(isinstance(each.counted, GaugePoints) for each in critical):
        yield Finding(
            Reason.NO_SAMPLES,
            "no critical objective counts requests, so nobody knows whether the service was used: add one "
            "with good and total, or with histogram, to spec.objectives",
        )
