"""Runs as they are kept, of a service that is drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

from devperfops_operator.analysis.looks import Series
from devperfops_operator.analysis.profile import Profile
from devperfops_operator.api.perfgate import PerfGateSpec
from devperfops_operator.domain.objectives import FailedSamples, RunPlan
from devperfops_operator.domain.plan import resolve_load
from devperfops_operator.domain.record import RunRecord, series_key
from devperfops_operator.wire.histogram import bucket_of
from devperfops_operator.wire.measurement import Block, LabelStats

BEGIN = 1_000_000


def gate(*objectives: dict[str, object], duration: str = "1m") -> RunPlan:
    load = {"jmeter": {"plan": {"configMap": "scenario"}, "threads": 5, "duration": duration}}
    spec = {"targetRef": {"name": "shop"}, "load": load, "objectives": list(objectives)}
    return resolve_load(PerfGateSpec.model_validate(spec))


def second_of(
    draw: Random, samples: int, *, median: float = 100, errors: float = 0.0
) -> list[tuple[int, bool]]:
    """Each sample's time in ms, and whether it failed."""
    return [(int(median * draw.lognormvariate(0, 0.4)), draw.random() < errors) for _ in range(samples)]


def kept(seconds: Sequence[Sequence[tuple[int, bool]]], plan: RunPlan, label: str = "GET /") -> RunRecord:
    """Of one worker and one transaction."""
    profile = Profile()
    counts: dict[str, list[int]] = {series_key(o.counted, plan.thresholds): [] for o in plan.objectives}
    for number, samples in enumerate(seconds):
        for objective in plan.objectives:
            exceedances = sum(_bad(sample, objective.counted, plan) for sample in samples)
            counts[series_key(objective.counted, plan.thresholds)].append(exceedances)
        histogram = dict(Counter(bucket_of(elapsed) for elapsed, _ in samples))
        failed = sum(bad for _, bad in samples)
        profile.add(
            Block(number, BEGIN + number, labels={label: LabelStats(len(samples), failed, [], [], histogram)})
        )
    times = range(BEGIN, BEGIN + len(seconds))
    sizes = [len(samples) for samples in seconds]
    return RunRecord(
        {key: Series([0] * len(sizes), times, sizes, each) for key, each in counts.items()}, profile
    )


def _bad(sample: tuple[int, bool], counted: object, plan: RunPlan) -> bool:
    elapsed, failed = sample
    if isinstance(counted, FailedSamples):
        return failed
    return failed or plan.thresholds[counted.index].exceeded_by(elapsed)  # type: ignore[attr-defined]
