"""Whether what was measured is the target, as it answers users: what samples alone do not tell."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Final

from devperfops_operator.api.perfrun import PerfRunStatus, Verdict
from devperfops_operator.api.quantity import format_percent
from devperfops_operator.domain.load_findings import Finding, loading_target
from devperfops_operator.domain.objectives import (
    JudgedObjective,
    OverThreshold,
    Plan,
    Relative,
    RunPlan,
    share_test,
)
from devperfops_operator.domain.observed import Evidence
from devperfops_operator.domain.verdict import Reason
from devperfops_operator.wire.wakes import Wakes, tolerated_ms

HOST_WANTED: Final = Fraction(1, 2)
"""Under this share of samples to the target's host a verdict would be about other hosts."""

LATE_WANTED: Final = Fraction(5, 100)
"""From this share of late wakes on latencies are not the target's."""
LATE_LEAST: Final = 5
"""So many are more than one bad moment of the node."""


def overruling(plan: Plan, evidence: Evidence, status: PerfRunStatus) -> Iterator[Finding]:
    """What leaves even a Fail without ground. A starved load only lengthens latencies: errors are errors."""
    if not isinstance(plan, RunPlan):
        return
    yield from _host_findings(plan, evidence, status)
    remembered = {o.name for o in status.objectives if o.verdict is Verdict.FAIL}
    failed = [o for o in plan.critical_objectives if o.name in remembered or _failed(o, evidence)]
    if all(isinstance(objective.counted, OverThreshold | Relative) for objective in failed):
        yield from _starved_findings(plan, evidence)


def validity_findings(plan: RunPlan, evidence: Evidence, status: PerfRunStatus) -> Iterator[Finding]:
    """Everything of that kind, at the end of the load."""
    yield from _host_findings(plan, evidence, status)
    yield from _starved_findings(plan, evidence)
    yield from _held_findings(plan, evidence)


def _host_findings(plan: RunPlan, evidence: Evidence, status: PerfRunStatus) -> Iterator[Finding]:
    """Samplers without a URL tell nothing, so a plan that has no others is not doubted."""
    target = status.load.host if status.load is not None else None
    counts: Counter[str] = Counter()
    for worker in loading_target(plan, evidence):
        counts.update(worker.hosts)
    there = counts.pop(target or "", 0)
    samples = there + counts.total()
    if target is None or not samples or there >= samples * HOST_WANTED:
        return
    [(elsewhere, most)] = counts.most_common(1)
    yield Finding(
        Reason.WRONG_HOST,
        f"{format_percent(Fraction(there, samples), 1)} of {samples} judged samples went to {target}, which "
        f"the gate tests, and {most} to {elsewhere}; have the test plan take its host from the gate's "
        "property (${__P(ServerName)} unless propertyNames says otherwise), or name that host in "
        "load.target.host",
    )


def _failed(objective: JudgedObjective, evidence: Evidence) -> bool:
    seen = evidence.objectives.get(objective.name)
    return seen is not None and seen.failed


def _starved_findings(plan: RunPlan, evidence: Evidence) -> Iterator[Finding]:
    tolerated = tolerated_ms(plan.thresholds)
    if tolerated is None:
        return
    for worker in evidence.workers:
        wakes = worker.wakes or Wakes()
        if wakes.late >= LATE_LEAST and wakes.late >= wakes.count * LATE_WANTED:
            yield Finding(
                Reason.GENERATOR_STARVED,
                f"worker {worker.index} was woken more than {tolerated} ms late {wakes.late} of "
                f"{wakes.count} times, {wakes.latest_ms} ms at worst: its node lacked processors, and the "
                "latencies it measured hold its own waiting; raise load.jmeter.resources.requests.cpu, or "
                "keep the load from that node by nodeSelector",
            )


def _held_findings(plan: RunPlan, evidence: Evidence) -> Iterator[Finding]:
    """Held-back requests matter if an objective, though met, would not be had they all been too slow."""
    held = [
        w.final.held
        for w in loading_target(plan, evidence)
        if w.final is not None and w.final.held is not None
    ]
    requests = sum(each.requests for each in held)
    doubtful = [
        o.claim for o in plan.critical_objectives if requests and _hangs_on(o, requests, plan, evidence)
    ]
    if plan.rate_per_minute is None or plan.shape is not None or not doubtful:
        return
    longest = timedelta(milliseconds=max(each.longest_ms for each in held))
    needed = plan.threads + math.ceil(plan.rate_per_minute * Fraction(longest / timedelta(minutes=1)))
    yield Finding(
        Reason.THREADS_BUSY,
        f"for {sum(each.time_ms for each in held) / 1000:.1f} s all threads of a worker waited for answers, "
        f"up to {longest.total_seconds():.1f} s at a stretch: about {requests} requests were held back, and "
        f"their waiting is in no latency; had they been too slow, {' and '.join(doubtful)} would not be "
        f"shown to hold; set load.jmeter.threads to {needed} or more (now {plan.threads})",
    )


def _hangs_on(objective: JudgedObjective, requests: int, plan: RunPlan, evidence: Evidence) -> bool:
    """Whether a latency objective is met only if these requests would have been fast enough."""
    seen = evidence.objectives.get(objective.name)
    judged = sum(worker.judged_samples for worker in loading_target(plan, evidence))
    if seen is None or not judged or not isinstance(objective.counted, OverThreshold):
        return False
    tally = seen.independent
    hidden = math.ceil(Fraction(requests * tally.samples, judged))
    worst = replace(tally, samples=tally.samples + hidden, exceedances=tally.exceedances + hidden)
    test = share_test(objective)
    return test.passes(tally) and not test.passes(worst)
