"""How results are said to people. One wording for status, events, describe and report."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import Final, assert_never

from devperfops_operator.analysis.comparison import ComparisonTest
from devperfops_operator.analysis.exceedance import ShareTest, Tally
from devperfops_operator.analysis.gauge import GaugeTest
from devperfops_operator.analysis.horizon import CHANCE, Outcome, horizon
from devperfops_operator.analysis.runs import FEWEST_RUNS, RunsTest
from devperfops_operator.api.perfrun import Verdict
from devperfops_operator.api.quantity import format_duration, format_percent
from devperfops_operator.domain.objectives import (
    AgainstBaseline,
    AgainstPast,
    BadEvents,
    Counted,
    FailedSamples,
    GaugePoints,
    JudgedObjective,
    OverEdge,
    OverThreshold,
)
from devperfops_operator.domain.observed import Compared, ObjectiveEvidence, Recalled
from devperfops_operator.domain.pace import Pace

Test = ShareTest | GaugeTest | ComparisonTest | RunsTest

_LONGEST_TEST: Final = timedelta(days=1)  # that anybody would run
_CLUMPED: Final = 0.5  # of the samples are worth less than that: worth telling
_VERDICTS: Final = {Outcome.HOLDS: Verdict.PASS, Outcome.BROKEN: Verdict.FAIL}


def share(tally: Tally) -> str:
    """Observed share of exceedances: `0.35%`."""
    return format_percent(Fraction(tally.exceedances, tally.samples)) if tally.samples else "no samples"


def exceedance(test: Test, tally: Tally) -> str | None:
    """That share; None where nothing is counted."""
    return None if isinstance(test, ComparisonTest | RunsTest) or not tally.samples else share(tally)


def allowed(test: Test) -> str:
    """The share of exceedances that is allowed, or by how much the target may be slower."""
    return format_percent(test.tolerance if isinstance(test, ComparisonTest | RunsTest) else test.allowed)


def bound(test: Test, evidence: ObjectiveEvidence) -> str | None:
    """Upper confidence bound of that share; None where nothing is inferred."""
    match test:
        case ShareTest():
            return format_percent(Fraction(test.upper_bound(evidence.tally, evidence.design_effect)))
        case GaugeTest() | ComparisonTest() | RunsTest():
            return None
        case _:
            assert_never(test)


def what_a_verdict_takes(test: Test, evidence: ObjectiveEvidence, pace: Pace) -> str:
    """Behind `exceedances`, where they are too many to pass and too few to fail: what would decide."""
    if not isinstance(test, ShareTest):
        return ""
    worth = _worth(evidence)
    return (
        f"{worth}, so up to {bound(test, evidence)} cannot be ruled out; {_beginning(evidence)}"
        f"{_repetition(test, evidence, pace)}"
    )


def _beginning(evidence: ObjectiveEvidence) -> str:
    start = evidence.slow_start
    if start is None:
        return ""
    return (
        f"{start.tally.exceedances} came in the first {start.seconds} s, and without these it would be shown "
        "to hold: if that is a cold start, let load.jmeter.rampUp (of live traffic: the target's readiness) "
        "cover it; else "
    )


def _worth(evidence: ObjectiveEvidence) -> str:
    """Where they came in clumps, or use to."""
    worth = evidence.independent.samples
    if worth > _CLUMPED * evidence.tally.samples:
        return ""
    when = "in earlier runs they came" if evidence.past.least > evidence.own_effect else "they came"
    return f"; {when} in clumps, and these are worth {worth} independent ones"


def _repetition(test: ShareTest, evidence: ObjectiveEvidence, pace: Pace) -> str:
    tally = evidence.tally
    share, most = tally.exceedances / tally.samples, pace.samples(_LONGEST_TEST)
    found = horizon(test, share, most=most, design_effect=round(evidence.design_effect, 1))
    if found is None and not test.passes(Tally(most), evidence.design_effect):
        return (
            f"so few come in {_LONGEST_TEST.days} day ({most}) that it cannot be shown even if all are good: "
            "bring more of them, or allow more"
        )
    if found is None:
        near = f"so near to the allowed share no test of {_LONGEST_TEST.days} day is likely to decide"
        return f"{near}: mend the target, allow more or raise the rate"
    long = f"a duration of {format_duration(pace.duration(found.samples))} ({found.samples} samples)"
    if not tally.exceedances:
        return f"{long} would give Pass if again all are good"
    verdict = _VERDICTS[found.outcome].value
    return f"{long} would give {verdict} with a chance of {CHANCE:.0%} if the share stays so"


def drift(objective: JudgedObjective, evidence: ObjectiveEvidence, late: Tally) -> str:
    """Behind the claim: it holds over all of the test, and would not if the end of it went on."""
    whole, third = share(evidence.tally), f"{share(late)} of {late.samples}"
    return (
        f"holds over the whole test ({whole}) and not in its last third ({third}; allowed "
        f"{allowed(objective.test)}): the longer it runs, the worse; look for what grows or fills (memory, a "
        "queue, a pool of connections), and test longer"
    )


def unanswered(objective: JudgedObjective, evidence: ObjectiveEvidence) -> str:
    """Behind the claim: what was answered would show that it holds."""
    answered = evidence.answered.tally
    return (
        f"would be shown to hold by the {answered.samples} requests that were answered ({share(answered)} "
        f"exceeded it; allowed {allowed(objective.test)}), and is not with {evidence.unanswered} that had no "
        "answer when the load was stopped, and were over the limit by then; look at what hangs in the "
        "target, and test again"
    )


def milliseconds(value: float) -> str:
    return f"{value / 1000:.2f} s" if value >= 1000 else f"{value:.0f} ms"  # noqa: PLR2004


def observed(counted: Counted, evidence: ObjectiveEvidence) -> str:
    """The figure people know the objective by: `p99 = 212 ms`, `0.12% errors`, `99.95% good`."""
    tally = evidence.tally
    if not tally.samples:
        return "no samples"
    match counted:
        case (
            OverThreshold(quantile=quantile)
            | AgainstBaseline(quantile=quantile)
            | AgainstPast(quantile=quantile)
        ) if known(evidence):
            return f"p{format_percent(quantile).rstrip('%')} = {_time(evidence)}"
        case OverThreshold() | OverEdge() | AgainstBaseline() | AgainstPast():
            return f"{share(tally)} over the limit"
        case FailedSamples():
            return f"{share(tally)} errors"
        case BadEvents():
            good = Fraction(tally.samples - tally.exceedances, tally.samples)
            return f"{format_percent(good)} good"
        case GaugePoints():
            middle = f"value = {evidence.points.middle:.4g} in the middle, " if evidence.points else ""
            inside = format_percent(1 - Fraction(tally.exceedances, tally.samples))
            return f"{middle}{inside} of {tally.samples} points in bounds"
        case _:
            assert_never(counted)


def known(evidence: ObjectiveEvidence) -> bool:
    """Whether there is a percentile to tell; after a restart of ours there is none."""
    return any(each is not None for each in (evidence.quantile_ms, evidence.compared, evidence.recalled))


def _time(evidence: ObjectiveEvidence) -> str:
    """`240 ms`, `240 ms, baseline 200 ms (+20%)` or `240 ms, usually 200 ms (+20%)`."""
    if evidence.compared is not None:
        target, base = evidence.compared.target_ms, evidence.compared.baseline_ms
        return f"{_milliseconds(target)}, baseline {_milliseconds(base)}{_slower(target, base)}"
    if evidence.recalled is None:
        return _milliseconds(evidence.quantile_ms)
    now, past = evidence.recalled.time_ms, evidence.recalled.past
    if not past.times_ms:
        return _milliseconds(now)
    usual = past.usual_ms
    return f"{_milliseconds(now)}, usually {_milliseconds(usual)}{_slower(now, usual)}"


def _slower(time: float | None, than: float | None) -> str:
    return f" ({time / than - 1:+.0%})" if time and than else ""


def _milliseconds(value: float | None) -> str:
    return "no time" if value is None else milliseconds(value)


def _blocks(test: Test, compared: Compared | None) -> str:
    """How much was compared, as one clause."""
    if not isinstance(test, ComparisonTest) or compared is None:
        return "nothing was compared"
    silent = f" and {compared.silent} without a baseline" if compared.silent else ""
    return (
        f"compared in {compared.blocks} blocks of {test.block_seconds} s{silent}, "
        f"allowed {allowed(test)} slower"
    )


def _runs(test: Test, recalled: Recalled | None) -> str:
    """With what was compared, and what decides, as one clause."""
    if recalled is None:
        return "nothing was compared"
    times, limits = recalled.past.times_ms, recalled.limits
    if limits is None:
        few = f"{len(times)} earlier run{'' if len(times) == 1 else 's'}"
        return f"there are {few} to compare with by the same criteria, and it takes {FEWEST_RUNS}"
    short = "" if recalled.whole else "; this run is shorter than they were"
    return (
        f"{len(times)} earlier runs had {milliseconds(min(times))} to {milliseconds(max(times))}, allowed "
        f"{allowed(test)} slower: up to {milliseconds(limits.pass_ms)} passes, above "
        f"{milliseconds(limits.fail_ms)} fails{short}"
    )


def exceedances(objective: JudgedObjective, evidence: ObjectiveEvidence) -> str:
    """What was counted against what is allowed, as one clause."""
    tally = evidence.tally
    match objective.counted:
        case AgainstBaseline():
            return _blocks(objective.test, evidence.compared)
        case AgainstPast():
            return _runs(objective.test, evidence.recalled)
        case OverThreshold():
            what = "judged samples were slower or failed"
        case FailedSamples():
            what = "judged samples failed"
        case OverEdge():
            what = "judged requests were slower"
        case BadEvents():
            what = "judged samples were not good"
        case GaugePoints():
            what = "points were out of bounds"
        case _:
            assert_never(objective.counted)
    return (
        f"{tally.exceedances} of {tally.samples} {what} ({share(tally)}; allowed {allowed(objective.test)})"
    )
