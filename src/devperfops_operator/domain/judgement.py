"""From evidence to a verdict. Pure; replays give the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from devperfops_operator.analysis.comparison import ComparisonTest
from devperfops_operator.analysis.exceedance import ShareTest, Tally
from devperfops_operator.analysis.runs import RunsTest
from devperfops_operator.analysis.sequential import independent
from devperfops_operator.api.perfrun import ObjectiveStatus, PerfRunStatus, ResolvedStatus, Verdict
from devperfops_operator.api.quantity import format_percent
from devperfops_operator.domain import wording
from devperfops_operator.domain.baseline_findings import baseline_findings
from devperfops_operator.domain.coverage import coverage_findings
from devperfops_operator.domain.load_findings import Finding, findings_so_far, load_findings
from devperfops_operator.domain.objectives import (
    JudgedObjective,
    OverThreshold,
    Plan,
    Relative,
    RunPlan,
    claim,
)
from devperfops_operator.domain.observed import Evidence, ObjectiveEvidence
from devperfops_operator.domain.pace import Pace
from devperfops_operator.domain.past import told_scatter
from devperfops_operator.domain.past_compared import told_compared
from devperfops_operator.domain.plan_findings import plan_findings
from devperfops_operator.domain.validity import overruling, validity_findings
from devperfops_operator.domain.verdict import VERDICTS, Reason, precedence

_MESSAGE_LENGTH = 1024  # that an event holds: status, event and report say the same, word for word


@dataclass(frozen=True, slots=True)
class Judgement:
    verdict: Verdict
    reason: Reason
    message: str


def decided(reason: Reason, message: str) -> Judgement:
    """A message may quote others, and is cut to what all who tell it can hold."""
    cut = message if len(message) <= _MESSAGE_LENGTH else f"{message[: _MESSAGE_LENGTH - 1]}…"
    return Judgement(VERDICTS[reason], reason, cut)


def evidence_of(objective: JudgedObjective, evidence: Evidence) -> ObjectiveEvidence:
    return evidence.objectives.get(objective.name, ObjectiveEvidence(Tally()))


def follow_objectives(
    plan: Plan, evidence: Evidence, before: tuple[ObjectiveStatus, ...], now: datetime
) -> tuple[ObjectiveStatus, ...]:
    """The objectives as they stand while the load runs. A Fail once latched stays, whatever comes later."""
    known = {status.name: status for status in before}
    return tuple(
        _follow(objective, evidence_of(objective, evidence), known.get(objective.name), now)
        for objective in plan.objectives
    )


def latched_failure(plan: Plan, evidence: Evidence) -> Judgement | None:
    """The sequential test's word, which needs no end of the test."""
    failed = [o for o in plan.critical_objectives if evidence_of(o, evidence).failed]
    if not failed:
        return None
    return decided(Reason.OBJECTIVE_FAILED, "; ".join(_failure(o, evidence_of(o, evidence)) for o in failed))


def failure(plan: Plan, evidence: Evidence, status: PerfRunStatus) -> Judgement | None:
    """That word, then or now, unless it is not about the target."""
    failed = latched_failure(plan, evidence) or _remembered_failure(status)
    finding = next(overruling(plan, evidence, status), None) if failed is not None else None
    return failed if finding is None else decided(finding.reason, finding.message)


def judge(plan: Plan, evidence: Evidence, status: PerfRunStatus) -> Judgement:
    """The verdict at the end of the load: the first finding in the order of `Reason` decides."""
    failed = failure(plan, evidence, status)
    if failed is not None:
        return failed
    about_test = [*plan_findings(plan), *about_target(status), *_about_load(plan, evidence, status)]
    return weigh(plan, evidence, [*about_test, *coverage_findings(plan, evidence)])


def judge_so_far(plan: RunPlan, evidence: Evidence, status: PerfRunStatus) -> Judgement:
    """Likewise, as if the load had ended by now; what it covers is not known yet."""
    load = status.load
    about_load = findings_so_far(plan, evidence, load) if load is not None else ()
    about_test = [*plan_findings(plan), *about_target(status), *about_load]
    return weigh(plan, evidence, [*about_test, *validity_findings(plan, evidence, status)])


def about_target(status: PerfRunStatus) -> Iterator[Finding]:
    """What was found and stored about the target while it was tested."""
    for found in status.target.findings if status.target is not None else ():
        yield Finding(Reason(found.reason), found.message)


def _about_load(plan: Plan, evidence: Evidence, status: PerfRunStatus) -> Iterator[Finding]:
    if isinstance(plan, RunPlan):
        yield from load_findings(plan, evidence, status)
        yield from validity_findings(plan, evidence, status)
        yield from baseline_findings(plan, evidence, status)


def weigh(plan: Plan, evidence: Evidence, about_traffic: Iterable[Finding]) -> Judgement:
    """Likewise, where no objective has failed and this was found about plan, load and what it covers."""
    found = [*about_traffic, *_findings(plan, evidence)]
    findings = sorted(found, key=lambda finding: precedence(finding.reason))
    if findings:
        first = findings[0]
        also = [f for f in findings if f.reason is first.reason]
        return decided(first.reason, "; ".join(finding.message for finding in also))
    critical = plan.critical_objectives
    which = "all objectives" if len(critical) == len(plan.objectives) else "all critical objectives"
    met = "; ".join(f"{o.claim}: {wording.observed(o.counted, evidence_of(o, evidence))}" for o in critical)
    return decided(Reason.OBJECTIVES_MET, f"{which} are met: {met}")


def beside_sla(judgement: Judgement, resolved: ResolvedStatus | None) -> Judgement:
    """With what the objectives allow more than users were promised."""
    if resolved is None or resolved.sla is None:
        return judgement
    return decided(judgement.reason, f"{judgement.message}; warning: {resolved.sla}")


def with_warnings(judgement: Judgement, objectives: Iterable[ObjectiveStatus]) -> Judgement:
    """The same judgement, whose message also tells of objectives that do not hold but decide nothing."""
    warnings = [
        f"warning (not critical): {o.message or claim(o.expect, o.transaction)}"
        for o in objectives
        if not o.critical and o.verdict not in {None, Verdict.PASS}
    ]
    return decided(judgement.reason, "; ".join([judgement.message, *warnings]))


def close_objectives(
    plan: Plan, evidence: Evidence, before: tuple[ObjectiveStatus, ...], now: datetime
) -> tuple[ObjectiveStatus, ...]:
    """The objectives at the end of the load, each with its own verdict."""
    followed = follow_objectives(plan, evidence, before, now)
    return tuple(
        status
        if status.verdict is not None
        else _decide(status, _outcome(plan, objective, evidence_of(objective, evidence)), now)
        for objective, status in zip(plan.objectives, followed, strict=True)
    )


def score(objectives: Sequence[ObjectiveStatus]) -> str | None:
    """The share of them, by weight, that hold: `83%`; None: not all were judged. It decides nothing."""
    if not objectives or any(each.verdict is None for each in objectives):
        return None
    held = sum(each.weight for each in objectives if each.verdict is Verdict.PASS)
    return format_percent(Fraction(held, sum(each.weight for each in objectives)), 0)


def _follow(
    objective: JudgedObjective, evidence: ObjectiveEvidence, before: ObjectiveStatus | None, now: datetime
) -> ObjectiveStatus:
    test, tally = objective.test, evidence.tally
    latched = before is not None and before.verdict is Verdict.FAIL
    if latched and before is not None and tally.samples < before.samples:
        return before  # decided by evidence that a restart of ours took
    shown = evidence.compared.shown if evidence.compared is not None else None
    current = ObjectiveStatus(
        name=objective.name,
        expect=objective.expect,
        transaction=objective.transaction,
        critical=objective.critical,
        weight=objective.weight,
        origin=objective.origin,
        observed=_observed(objective, evidence, before),
        exceedance=wording.exceedance(test, tally),
        bound=wording.bound(test, evidence) if tally.samples else None,
        allowed=wording.allowed(test),
        samples=tally.samples,
        exceedances=tally.exceedances,
        independent_samples=_worth(evidence) if isinstance(test, ShareTest) else None,
        scatter=told_scatter(evidence.scatter if shown is None else shown.scatter),
        compared=None if shown is None else told_compared(shown),
        time_ms=_time_ms(evidence),
    )
    if latched and before is not None:
        kept = ("verdict", "reason", "message", "decided_at")
        return current.model_copy(update={field: getattr(before, field) for field in kept})
    if not evidence.failed:
        return current
    return _decide(current, decided(Reason.OBJECTIVE_FAILED, _failure(objective, evidence)), now)


def _worth(evidence: ObjectiveEvidence) -> int:
    """By this run alone, or what was learned once would be learned again and again."""
    return independent(evidence.tally, evidence.own_effect).samples


def _time_ms(evidence: ObjectiveEvidence) -> int | None:
    """For later runs to be compared with."""
    recalled = evidence.recalled
    if recalled is None or recalled.time_ms is None:
        return None
    return max(1, round(recalled.time_ms))


def _observed(
    objective: JudgedObjective, evidence: ObjectiveEvidence, before: ObjectiveStatus | None
) -> str | None:
    """A percentile told once stands after a restart of ours: stored totals have no histogram."""
    lost = isinstance(objective.counted, OverThreshold | Relative) and not wording.known(evidence)
    if lost and before is not None and before.samples:
        return before.observed
    return wording.observed(objective.counted, evidence)


def _outcome(plan: Plan, objective: JudgedObjective, evidence: ObjectiveEvidence) -> Judgement:
    """At the end, of one that has not failed."""
    finding = next(_objective_findings(plan, objective, evidence), None)
    if finding is not None:
        return decided(finding.reason, finding.message)
    return decided(Reason.OBJECTIVES_MET, wording.exceedances(objective, evidence))


def _decide(status: ObjectiveStatus, judgement: Judgement, now: datetime) -> ObjectiveStatus:
    return status.model_copy(
        update={
            "verdict": judgement.verdict,
            "reason": judgement.reason.value,
            "message": judgement.message,
            "decided_at": now,
        }
    )


def _failure(objective: JudgedObjective, evidence: ObjectiveEvidence) -> str:
    figure = wording.observed(objective.counted, evidence)
    return f"{objective.claim} does not hold: {figure}, {wording.exceedances(objective, evidence)}"


def _remembered_failure(status: PerfRunStatus) -> Judgement | None:
    failed = [o for o in status.objectives if o.critical and o.verdict is Verdict.FAIL]
    if not failed:
        return None
    return decided(
        Reason.OBJECTIVE_FAILED, "; ".join(o.message or claim(o.expect, o.transaction) for o in failed)
    )


def holds(objective: JudgedObjective, evidence: ObjectiveEvidence) -> bool:
    """Whether it is shown to, at the end of the load."""
    if isinstance(objective.test, ComparisonTest):
        return evidence.compared is not None and evidence.compared.held
    if isinstance(objective.test, RunsTest):
        return evidence.recalled is not None and evidence.recalled.held
    if isinstance(objective.test, ShareTest):
        return evidence.shown or objective.test.passes(evidence.tally, evidence.design_effect)
    return objective.test.passes(evidence.tally)


def _findings(plan: Plan, evidence: Evidence) -> Iterator[Finding]:
    for objective in plan.critical_objectives:
        yield from _objective_findings(plan, objective, evidence_of(objective, evidence))


def _objective_findings(
    plan: Plan, objective: JudgedObjective, evidence: ObjectiveEvidence
) -> Iterator[Finding]:
    if evidence.gap is not None:
        yield Finding(Reason(evidence.gap.reason), f"{objective.claim}: {evidence.gap.message}")
    elif not evidence.tally.samples:
        yield Finding(Reason.NO_SAMPLES, f"{objective.claim}: there are no samples to judge")
    elif not holds(objective, evidence):
        yield _unshown(plan, objective, evidence)
    elif evidence.late is not None:
        yield Finding(
            Reason.DRIFTING, f"{objective.claim} {wording.drift(objective, evidence, evidence.late)}"
        )


def _unshown(plan: Plan, objective: JudgedObjective, evidence: ObjectiveEvidence) -> Finding:
    if evidence.unanswered and holds(objective, evidence.answered):
        return Finding(Reason.UNANSWERED, f"{objective.claim} {wording.unanswered(objective, evidence)}")
    takes = (
        wording.what_a_verdict_takes(objective.test, evidence, Pace.of(plan, evidence.tally.samples))
        if objective.level is None
        else "; a longer load at that rate shows more"
    )
    return Finding(
        Reason.NOT_ENOUGH_EVIDENCE,
        f"{objective.claim} is not shown to hold: {wording.exceedances(objective, evidence)}{takes}",
    )
