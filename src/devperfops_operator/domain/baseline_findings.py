"""Whether the baseline was one: loaded as the target was, and answering."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from devperfops_operator.api.perfrun import PerfRunStatus
from devperfops_operator.api.quantity import format_percent, format_rate
from devperfops_operator.domain.load_findings import RATE_WANTED, Finding, rate_of
from devperfops_operator.domain.objectives import AgainstBaseline, RunPlan
from devperfops_operator.domain.observed import Evidence
from devperfops_operator.domain.verdict import Reason


def baseline_findings(plan: RunPlan, evidence: Evidence, status: PerfRunStatus) -> Iterator[Finding]:
    """Why nothing follows from a comparison with it. That it is slow is no reason."""
    workers = [worker for worker in evidence.workers if worker.index in plan.baseline_workers]
    if not workers or status.load is None or plan.rate_per_minute is None:
        return
    samples = sum(worker.judged_samples for worker in workers)
    failed = Fraction(sum(worker.judged_errors for worker in workers), samples or 1)
    rate = rate_of(workers, plan, evidence, status.load) or Fraction()
    if rate < RATE_WANTED * plan.rate_per_minute:
        yield Finding(
            Reason.BASELINE_UNUSABLE,
            f"the baseline was loaded with {format_rate(rate)} of the planned "
            f"{format_rate(plan.rate_per_minute)}, so the two are not compared under the same load; see "
            "whether load.baseline answers",
        )
    elif failed > _beyond(plan):
        yield Finding(
            Reason.BASELINE_UNUSABLE,
            f"{format_percent(failed)} of the baseline's requests failed, so its times are not those of a "
            "release that works; see whether load.baseline is one",
        )


def _beyond(plan: RunPlan) -> Fraction:
    """The share of requests beyond the quantile that is compared, the smallest of them."""
    quantiles = [o.counted.quantile for o in plan.objectives if isinstance(o.counted, AgainstBaseline)]
    return 1 - max(quantiles, default=Fraction())
