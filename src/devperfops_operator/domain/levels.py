"""The end of a load with a shape: whether each of its rates was played, and which the target stood."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

from devperfops_operator.analysis.exceedance import Tally
from devperfops_operator.api.perfrun import LevelStatus, ObjectiveStatus, Verdict
from devperfops_operator.api.quantity import format_rate
from devperfops_operator.domain.judgement import Judgement, decided
from devperfops_operator.domain.load_findings import RATE_WANTED
from devperfops_operator.domain.objectives import JudgedObjective, OverThreshold, RunPlan, share_test
from devperfops_operator.domain.observed import Evidence, ObjectiveEvidence, Problem
from devperfops_operator.domain.shape import Shape
from devperfops_operator.domain.verdict import Reason
from devperfops_operator.wire.measurement import Final
from devperfops_operator.wire.threads import Held


def with_levels(evidence: Evidence, plan: RunPlan) -> Evidence:
    """What was counted at a rate that was not played is no evidence about it."""
    if plan.shape is None:
        return evidence
    gaps = {
        o.name: replace(found, gap=found.gap or _gap(o, o.level, found, plan, evidence))
        for o in plan.objectives
        if o.level is not None and (found := evidence.objectives.get(o.name)) is not None
    }
    return replace(evidence, objectives={**evidence.objectives, **gaps})


def levels_status(
    plan: RunPlan, evidence: Evidence, objectives: Sequence[ObjectiveStatus]
) -> tuple[LevelStatus, ...]:
    """Every rate with what came of it."""
    shape = plan.shape
    if shape is None:
        return ()
    found = []
    for index, level in enumerate(shape.levels):
        broken = _broken(plan, objectives, index)
        reached = _achieved(shape, index, evidence)
        found.append(
            LevelStatus(
                name=level.name or "at the rate",
                planned_rate=format_rate(_planned(plan, index)),
                achieved_rate=None if reached is None else format_rate(reached),
                samples=_samples(index, evidence),
                held=not broken,
                message=broken[0].message if broken else None,
            )
        )
    return tuple(found)


def told_by_level(judgement: Judgement, plan: RunPlan, objectives: Sequence[ObjectiveStatus]) -> Judgement:
    """With the highest step up to which the objectives held, of a load that rises."""
    shape = plan.shape
    if shape is None or not shape.rising:
        return judgement
    held = 0
    while held < len(shape.levels) and not _broken(plan, objectives, held):
        held += 1
    if not held:
        return judgement
    factor, rate = float(shape.levels[held - 1].factor), format_rate(_planned(plan, held - 1))
    end = " (the last step)" if held == len(shape.levels) else ""
    return decided(
        judgement.reason, f"the objectives held up to {factor:.3g}x, {rate}{end}; {judgement.message}"
    )


def _broken(plan: RunPlan, objectives: Sequence[ObjectiveStatus], level: int) -> list[ObjectiveStatus]:
    """Objectives that were not shown to hold there; those that only warn do not count."""
    names = {
        o.name
        for place, o in enumerate(plan.objectives)
        if o.level == level and plan.objectives[place - level].critical  # the same at the first level
    }
    return [each for each in objectives if each.name in names and each.verdict is not Verdict.PASS]


def _gap(
    objective: JudgedObjective, level: int, found: ObjectiveEvidence, plan: RunPlan, evidence: Evidence
) -> Problem | None:
    shape = plan.shape
    reached = None if shape is None else _achieved(shape, level, evidence)
    if reached is None or not found.tally.samples:
        return None  # that there are none is said elsewhere
    planned = _planned(plan, level)
    if reached < planned * RATE_WANTED:
        return Problem(
            Reason.RATE_NOT_REACHED,
            f"the load reached {format_rate(reached)} of the planned {format_rate(planned)} there; under 95% "
            "a verdict would be about another load (more threads, or a target that answers faster)",
        )
    return _held_back(objective, level, found, plan, evidence)


def _held_back(
    objective: JudgedObjective, level: int, found: ObjectiveEvidence, plan: RunPlan, evidence: Evidence
) -> Problem | None:
    """Likewise of requests that were due and waited for a thread, if the objective hangs on them."""
    held = [each for each in (_held(worker.final, level) for worker in evidence.workers) if each is not None]
    requests, samples = sum(each.requests for each in held), _samples(level, evidence)
    if not requests or not samples or not isinstance(objective.counted, OverThreshold):
        return None
    tally, test = found.independent, share_test(objective)
    hidden = math.ceil(Fraction(requests * tally.samples, samples))
    worst: Tally = replace(tally, samples=tally.samples + hidden, exceedances=tally.exceedances + hidden)
    if not test.passes(tally) or test.passes(worst):
        return None
    longest = timedelta(milliseconds=max(each.longest_ms for each in held))
    needed = plan.threads + math.ceil(
        _planned(plan, level) * Fraction(longest // timedelta(milliseconds=1), 60_000)
    )
    return Problem(
        Reason.THREADS_BUSY,
        f"about {requests} requests were held back there while all threads of a worker waited for answers, "
        f"up to {longest.total_seconds():.1f} s at a stretch, and their waiting is in no latency; set "
        f"load.jmeter.threads to {needed} or more (now {plan.threads})",
    )


def _held(final: Final | None, level: int) -> Held | None:
    """Of a worker that had its last word."""
    by_level = () if final is None else (final.held, *final.held_above)
    return by_level[level] if level < len(by_level) else None


def _planned(plan: RunPlan, level: int) -> Fraction:
    if plan.rate_per_minute is None or plan.shape is None:
        raise ValueError("a shape multiplies a rate, and there is none")
    return plan.rate_per_minute * plan.shape.levels[level].factor


def _achieved(shape: Shape, level: int, evidence: Evidence) -> Fraction | None:
    """Samples that began there, a minute; None: there were none."""
    samples, minutes = _samples(level, evidence), Fraction(shape.lasts(level) / timedelta(minutes=1))
    return samples / minutes if samples else None


def _samples(level: int, evidence: Evidence) -> int:
    return sum(worker.levels.get(level, 0) for worker in evidence.workers)
