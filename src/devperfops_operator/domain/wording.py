"""How results are said to people. One wording for status, events, describe and report."""

from __future__ import annotations

from fractions import Fraction

from devperfops_operator.analysis.exceedance import ShareTest, Tally
from devperfops_operator.api.quantity import format_percent
from devperfops_operator.domain.objectives import (
    BadEvents,
    Counted,
    FailedSamples,
    JudgedObjective,
    OverThreshold,
)
from devperfops_operator.domain.observed import ObjectiveEvidence


def share(tally: Tally) -> str:
    """Observed share of exceedances: `0.35%`."""
    return format_percent(Fraction(tally.exceedances, tally.samples)) if tally.samples else "no samples"


def bound(test: ShareTest, tally: Tally) -> str:
    """Upper confidence bound of that share."""
    return format_percent(Fraction(test.upper_bound(tally)))


def milliseconds(value: float) -> str:
    return f"{value / 1000:.2f} s" if value >= 1000 else f"{value:.0f} ms"  # noqa: PLR2004


def observed(counted: Counted, evidence: ObjectiveEvidence) -> str:
    """The figure people know the objective by: `p99 = 212 ms`, `0.12% errors`, `99.95% good`."""
    tally = evidence.tally
    if not tally.samples:
        return "no samples"
    match counted:
        case OverThreshold(quantile=quantile) if evidence.quantile_ms is not None:
            return f"p{format_percent(quantile).rstrip('%')} = {milliseconds(evidence.quantile_ms)}"
        case OverThreshold():
            return f"{share(tally)} over the limit"
        case FailedSamples():
            return f"{share(tally)} errors"
        case BadEvents():
            good = Fraction(tally.samples - tally.exceedances, tally.samples)
            return f"{format_percent(good)} good"


def exceedances(objective: JudgedObjective, evidence: ObjectiveEvidence) -> str:
    """What was counted against what is allowed, as one clause."""
    tally = evidence.tally
    match objective.counted:
        case OverThreshold():
            what = "were slower or failed"
        case FailedSamples():
            what = "failed"
        case BadEvents():
            what = "were not good"
    return (
        f"{tally.exceedances} of {tally.samples} judged samples {what} "
        f"({share(tally)}; allowed {format_percent(objective.test.allowed)})"
    )
